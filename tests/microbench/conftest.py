"""Prints what the ways to train each network cost beside each other, and holds a comparison to its own machine."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.session import PerformanceRegression
from tabulate import tabulate

from bench.devices import usable_cores

WAYS = ("engine", "two_workers", "fit", "fit_xla")
LOOPS = ("ours", "keras")
BACKEND_WAYS = ("TensorFlow", "JAX", "JAX stacked", "PyTorch fused", "PyTorch eager")
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


@pytest.fixture(scope="module")
def one_core() -> Iterator[None]:
    """One core and one thread, as a worker has; children of other files are given the machine as it was."""
    cores = usable_cores()
    with pytest.MonkeyPatch.context() as patch:
        for name in THREADS:
            patch.setenv(name, "1")
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, cores[-1:])
        yield
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, cores)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Say in a line that there is nothing to compare with.

    Raises:
        pytest.UsageError: So it is.
    """
    if not config.getoption("benchmark_compare", None):
        return
    storage = Path(config.getoption("benchmark_storage").removeprefix("file://"))
    if not any(storage.glob("*/[0-9]*.json")):
        raise pytest.UsageError(f"no benchmarks are saved in {storage} to compare with; run make microbench first")


@pytest.hookimpl(tryfirst=True)
def pytest_benchmark_compare_machine_info(machine_info: dict[str, Any], compared_benchmark: dict[str, Any]) -> None:
    """Compare with numbers of this machine alone.

    Raises:
        pytest.UsageError: The saved ones come from another processor or another Python.
    """
    here, there = _machine(machine_info), _machine(compared_benchmark["machine_info"])
    if here != there:
        raise pytest.UsageError(f"the saved benchmarks are of {there}, this is {here}; run make microbench first")


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> Iterator[None]:
    """Add our tables to the plug-in's, and end with a line where a benchmark has become slower."""
    session = getattr(config, "_benchmarksession", None)
    slower = False
    try:
        yield
    except PerformanceRegression:
        slower = True
    if session is not None:
        _print_ways(terminalreporter, session)
        _print_lengths(terminalreporter, session)
        _print_backends(terminalreporter, session)
        _print_seeds(terminalreporter, session)
        _print_scale(terminalreporter, session)
        _print_lags(terminalreporter, session)
        _print_compared(terminalreporter, session)
    if slower:
        pytest.exit(f"{len(session.performance_regressions)} benchmarks are slower than the saved ones by too much", 1)


def _machine(info: dict[str, Any]) -> str:
    cpu = info.get("cpu", {}).get("brand_raw", info.get("processor", ""))
    return f"{cpu}, Python {info.get('python_version', '')}"


def _print_ways(terminalreporter: Any, session: Any) -> None:
    infos = [b.extra_info for b in session.benchmarks if "network" in b.extra_info]
    if not infos:
        return
    rows = [[i["network"], *(i[f"{way}_s_per_epoch"] for way in WAYS)] for i in infos]
    rows.append(["all", *(sum(row[k] for row in rows) for k in range(1, 5))])
    table = [
        [name, engine, two / 2, fit, xla, fit / engine, fit / (two / 2), xla / engine]
        for name, engine, two, fit, xla in rows
    ]
    headers = [
        "one further seed: s an epoch",
        "engine, 1 worker",
        "engine, 2 workers",
        "plain fit",
        "XLA fit",
        "fit / engine",
        "fit / engine x 2",
        "XLA fit / engine",
    ]
    terminalreporter.write_line("")
    terminalreporter.write_line(tabulate(table, headers=headers, floatfmt=".3f", tablefmt="github"))


def _print_lengths(terminalreporter: Any, session: Any) -> None:
    """Print the cost of each recurrent loop by length, and how often the shortest one's the longest one's is."""
    rows = []
    for info in (b.extra_info for b in session.benchmarks if "loop" in b.extra_info):
        lengths = [int(key.split("_")[1]) for key in info if key.startswith("keras_")]
        for loop in LOOPS:
            ms = [1000 * info[f"{loop}_{steps}_steps_s"] for steps in lengths]
            rows.append([info["loop"], loop, *ms, ms[-1] / ms[0]])
    if not rows:
        return
    headers = ["forward and gradient: ms", "loop", *(f"{steps} steps" for steps in lengths)]
    headers.append(f"{lengths[-1]} / {lengths[0]} steps")
    terminalreporter.write_line("")
    terminalreporter.write_line(tabulate(rows, headers=headers, floatfmt=".1f", tablefmt="github"))


def _print_backends(terminalreporter: Any, session: Any) -> None:
    """Print each network's seconds an epoch and a seed by backend, and what the issues ask: ratios of the best."""
    infos = [b.extra_info for b in session.benchmarks if "backends_of" in b.extra_info]
    if not infos:
        return
    names = [name for name in BACKEND_WAYS if any(name in info["s_per_epoch"] for info in infos)]
    rows = []
    for info in infos:
        found = info["s_per_epoch"]
        best = {
            "ours": min((value for name, value in found.items() if not name.startswith("PyTorch")), default=None),
            "PyTorch": min((value for name, value in found.items() if name.startswith("PyTorch")), default=None),
        }
        pairs = (("JAX", "TensorFlow"), ("JAX stacked", "JAX"), ("ours", "PyTorch"))
        known = [[(found | best).get(name) for name in pair] for pair in pairs]
        ratios = [above / below if above and below else None for above, below in known]
        rows.append([info["backends_of"], *(found.get(name) for name in names), *ratios])
    headers = ["one core: s an epoch and a seed", *names, "JAX / TensorFlow", "stacked / JAX", "best / best PyTorch"]
    terminalreporter.write_line("")
    terminalreporter.write_line(tabulate(rows, headers=headers, floatfmt=".3f", tablefmt="github"))
    for line in dict.fromkeys(info["left_out"] for info in infos if "left_out" in info):
        terminalreporter.write_line(f"left out: {line}")


def _print_seeds(terminalreporter: Any, session: Any) -> None:
    """Print the seconds an epoch of all seeds of a program, by their number, and how many one seed's that are."""
    infos = [b.extra_info for b in session.benchmarks if "seeds_of" in b.extra_info]
    if not infos:
        return
    widths = list(infos[0]["s_per_epoch_and_seed"])
    rows = []
    for info in infos:
        found = [info["s_per_epoch_and_seed"][width] for width in widths]
        all_seeds = [int(width) * value for width, value in zip(widths, found, strict=True)]
        rows.append([info["seeds_of"], *all_seeds, found[-1] / found[0]])
    headers = ["s an epoch of all seeds", *(f"{width} seeds" for width in widths), f"a seed: {widths[-1]} / 1"]
    terminalreporter.write_line("")
    terminalreporter.write_line(tabulate(rows, headers=headers, floatfmt=".3f", tablefmt="github"))


def _print_scale(terminalreporter: Any, session: Any) -> None:
    """Print the driver's CPU seconds by step and number of runs, and the most memory that it held."""
    infos = [b.extra_info for b in session.benchmarks if "scale" in b.extra_info]
    if not infos:
        return
    steps = [key.removesuffix("_s") for key in infos[0] if key.endswith("_s")]
    rows = []
    for info in infos:
        most = max(info[f"{step}_peak_bytes"] for step in steps)
        rows.append([f"{info['scale']:,}", *(info[f"{step}_s"] for step in steps), most / 1e6])
    headers = ["runs: s of CPU", *(step.replace("_", " ") for step in steps), "memory, MB"]
    terminalreporter.write_line("")
    terminalreporter.write_line(tabulate(rows, headers=headers, floatfmt=".1f", tablefmt="github"))


def _print_lags(terminalreporter: Any, session: Any) -> None:
    """Print by how much store, mirror and report lag behind workers that answer at once, by number of runs."""
    infos = [b.extra_info for b in session.benchmarks if "lags_of" in b.extra_info]
    if not infos:
        return
    headers = ["64 workers, runs: CPU s behind the answer", *infos[0]["lags"]]
    rows = [[f"{info['lags_of']:,}", *info["lags"].values()] for info in infos]
    terminalreporter.write_line("")
    terminalreporter.write_line(tabulate(rows, headers=headers, floatfmt=".3f", tablefmt="github"))


def _print_compared(terminalreporter: Any, session: Any) -> None:
    """Say how many benchmarks had a saved number: one that had none was held to nothing."""
    names = [b.fullname for b in session.benchmarks]
    for path, saved in (session.compared_mapping or {}).items():
        alone = [name.rpartition("::")[2] for name in names if name not in saved]
        terminalreporter.write_line(f"{len(names) - len(alone)} of {len(names)} benchmarks compared with {path}")
        if alone:
            terminalreporter.write_line(f"not among the saved ones: {', '.join(alone)}")
