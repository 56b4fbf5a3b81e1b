"""What an epoch costs against the number of seeds that one JAX program trains: a CSV and, with matplotlib, a figure.

    python -m tests.microbench.seeds --device gpu --widths 1,2,4,8,16,32,64,128,256 --folder results/microbench

It needs what a compute node has; `--draw` draws the figure of a CSV from one, elsewhere.
"""

import argparse
import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.devices import find_device, usable_cores
from bench.process import Slot
from tests.microbench.ways import Gone, Way, in_turn, prepared

NETWORKS = ("seq2seq_rnn", "seq2seq_lstm", "seq2seq_gru", "wavenet")
WIDTHS = (1, 2, 4, 8, 16)
ROUNDS = 3
COLUMNS = ("device", "network", "seeds", "epoch_s", "epoch_s_per_seed")
Costs = Mapping[str, Mapping[int, float]]
"""Seconds an epoch and a seed, by network and number of seeds."""


def measure(device: str, network: str, widths: Sequence[int], log: Path) -> dict[int, float]:
    """Return the seconds an epoch and a seed of a network, by the number of seeds; all of one process, in turn."""
    found = find_device(device)
    slot = Slot(device, found, usable_cores()[-1] if found.kind == "cpu" else None, "jax")
    ways = [Way(f"{width}", "jax", f"chapter15/{network}", width) for width in widths]
    with prepared([(slot, ways)], log) as ready:
        return {way.lanes: seconds for way, seconds in in_turn(ready, ROUNDS).items()}


def draw(costs: Costs, device: str, path: Path) -> None:
    """Draw seconds an epoch of all seeds, and of one, against the number of seeds; both axes are logarithmic."""
    from bench.report.style import looks, new_figure, plain_log, save, styled

    with styled():
        figure = new_figure(9.2, 3.6)
        drawn = looks((name, True) for name in costs)
        for ax, title, seeds in zip(figure.subplots(1, 2), ("all seeds", "a seed"), (True, False), strict=True):
            for name, found in costs.items():
                values = [value * (width if seeds else 1) for width, value in found.items()]
                look = drawn[name]
                ax.plot(
                    list(found), values, color=look.colour, linestyle=look.dashes, marker="o", markersize=3, label=name
                )
            ax.set(
                xscale="log",
                yscale="log",
                title=f"seconds an epoch of {title}",
                xlabel=f"seeds in one program, {device}",
            )
            ax.set_xticks(sorted({width for found in costs.values() for width in found}))
            ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            ax.xaxis.set_minor_formatter(lambda value, _: "")
            plain_log(ax.yaxis)
        figure.axes[-1].legend(fontsize=8)
        save(figure, path)


def write(costs: Costs, device: str, folder: Path) -> Path:
    """Write the CSV into a folder, which is made where it is missing; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = _path(device, folder)
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(COLUMNS)
        for name, found in costs.items():
            for width, value in found.items():
                lines.writerow([device, name, width, f"{value * width:.6g}", f"{value:.6g}"])
    return path


def _path(device: str, folder: Path) -> Path:
    return folder / f"seeds-{device.replace(':', '-')}.csv"


def read(path: Path) -> tuple[str, dict[str, dict[int, float]]]:
    """Return the device and the costs of a CSV."""
    costs: dict[str, dict[int, float]] = {}
    device = ""
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            device = row["device"]
            costs.setdefault(row["network"], {})[int(row["seeds"])] = float(row["epoch_s_per_seed"])
    return device, costs


def main(arguments: Sequence[str]) -> None:
    """Measure, network by network, those that are not in the CSV yet; or draw what was measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.microbench.seeds", description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--widths", default=",".join(map(str, WIDTHS)))
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--folder", type=Path, default=Path("results/microbench"))
    parser.add_argument("--draw", type=Path, help="a CSV that was measured elsewhere")
    asked = parser.parse_args(arguments)
    if asked.draw:
        device, costs = read(asked.draw)
        draw(costs, device, asked.draw.with_suffix(".svg"))
        print(asked.draw.with_suffix(".svg"))
        return
    asked.folder.mkdir(parents=True, exist_ok=True)
    widths, path = [int(width) for width in asked.widths.split(",")], _path(asked.device, asked.folder)
    made = read(path)[1] if path.exists() else {}
    for network in asked.networks.split(","):
        if set(widths) <= set(made.get(network, {})):
            print(network, "is there")
            continue
        try:
            made[network] = measure(asked.device, network, widths, asked.folder / "seeds.log")
        except Gone as gone:
            print(network, gone)
            continue
        print(network, {width: f"{value:.4f}" for width, value in made[network].items()}, flush=True)
        print(write(made, asked.device, asked.folder), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
