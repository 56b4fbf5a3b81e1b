"""`python -m tests.simulate`: what the statistics promise, held to simulated seeds, as Markdown and CSV."""

import argparse
import csv
import datetime
import io
import platform
import sys
import time
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path

from bench.errors import BenchError
from bench.files import written_whole
from tests.simulate.base import Found, Simulation, simulations

DRAWS = 20_000
PACKAGES = ("numpy", "scipy", "statsmodels")


def main(arguments: list[str] | None = None) -> int:
    """Run all simulations, and write them where all of them ended; return 1 where a promise is not kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulate", description=__doc__)
    parser.add_argument("--draws", type=_draws, default=DRAWS, help="draws of each setting; costly ones take fewer")
    parser.add_argument("--folder", type=Path, default=Path("reports/simulations"), help="where to write them")
    options = parser.parse_args(arguments)
    found: dict[Simulation, list[Found]] = {}
    for each in simulations():
        began = time.monotonic()
        found[each] = each(options.draws)
        print(f"{each.name}: {len(found[each])} numbers in {time.monotonic() - began:.0f} s", flush=True)
    try:
        write(options.folder, found, options.draws)
    except OSError as error:
        raise BenchError(f"{options.folder} cannot be written ({error.strerror}); name another: --folder") from error
    print(options.folder / "README.md")
    broken = [(each, row) for each, rows in found.items() for row in rows if not row.kept]
    for each, row in broken:
        print(f"not kept: {each.name}, {row.setting}: {row.quantity} {row.value:.4f}, promised {row.promised}")
    return int(bool(broken))


def write(folder: Path, found: dict[Simulation, list[Found]], draws: int) -> None:
    """Write ``simulations.csv`` and ``README.md``, each whole, the README last."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("simulations.csv", as_csv(found)), ("README.md", as_markdown(found, draws))):
        with written_whole(folder / name) as new:
            new.write_text(text, encoding="utf-8")


def as_csv(found: dict[Simulation, list[Found]]) -> str:
    """Return one row a number."""
    text = io.StringIO()
    table = csv.DictWriter(text, ["simulation", *(f.name for f in fields(Found))], lineterminator="\n")
    table.writeheader()
    for simulation, rows in found.items():
        for row in rows:
            numbers = {name: f"{getattr(row, name):.6g}" for name in ("value", "low", "high")}
            promised = " to ".join(f"{end:g}" for end in row.promised or ())
            table.writerow({"simulation": simulation.name, **asdict(row), **numbers, "promised": promised})
    return text.getvalue()


def as_markdown(found: dict[Simulation, list[Found]], draws: int) -> str:
    """Return a table a simulation: a line a setting, a column a quantity."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    lines = [
        "# What the statistics promise, held to simulated seeds",
        "",
        f"Made on {datetime.datetime.now(datetime.UTC):%Y-%m-%d} by `make simulate DRAWS={draws}` with Python "
        f"{platform.python_version()}, {versions}. Each simulation has a generator of its own, seeded by its name, so "
        "the same versions give the same numbers. After ± stands half of the simulation's own 95 % interval (Wilson's "
        "for shares, Student's for means); in brackets what is promised, if anything is; ✗ marks what is not kept. The "
        "numbers are in [simulations.csv](simulations.csv), the code in `tests/simulate/`.",
    ]
    for simulation, rows in found.items():
        quantities = list(dict.fromkeys(row.quantity for row in rows))
        lines += ["", f"## {simulation.title}", "", simulation.about, ""]
        lines += [_line(["", *quantities]), "|---|" + "--:|" * len(quantities)]
        settings: dict[str, dict[str, str]] = {}
        for row in rows:
            settings.setdefault(row.setting, {})[row.quantity] = _cell(row)
        lines += [_line([name, *(cells.get(q, "") for q in quantities)]) for name, cells in settings.items()]
    return "\n".join(lines) + "\n"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(row: Found) -> str:
    factor, unit, digits = (1, "", 4) if row.log else (100, " %", 1)
    numbers = (row.value, (row.high - row.low) / 2, *(row.promised or ()))
    value, half, *promised = (f"{factor * number:.{digits}f}" for number in numbers)
    kept = "" if row.kept else " ✗"
    return f"{value} ± {half}{unit}" + (f" ({promised[0]} to {promised[1]}){kept}" if promised else "")


def _draws(text: str) -> int:
    if not text.isdigit() or not 20 <= int(text) <= 10_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of draws from 20 to 10,000,000")
    return int(text)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
