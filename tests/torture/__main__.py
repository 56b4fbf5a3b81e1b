"""`python -m tests.torture`: sweeps under faults, malformed input and odd reports, from the command line."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.torture.fuzz import fuzz
from tests.torture.properties import properties
from tests.torture.trials import HARMS, torture, write


def main() -> int:
    """Run it; return 1 where a run was lost, doubled or different, an input not refused well, or a report wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--faults", type=int, default=200, help="faults to inject")
    parser.add_argument("--fuzz", type=int, default=10_000, help="malformed inputs to try")
    parser.add_argument("--properties", type=int, default=10_000, help="reports of odd scores and texts to make")
    parser.add_argument("--properties-s", type=float, default=1_800, help="seconds after which no more is made")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=Path("results/torture.json"), help="where to write the numbers")
    parser.add_argument("--folder", type=Path, help="for scratch; without it a temporary one")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="torture-"))
    began = time.monotonic()
    report = {
        "seed": options.seed,
        **(torture(folder, options.faults, options.seed).as_dict() if options.faults else {}),
    }
    report["faults_s"] = round(time.monotonic() - began)
    if options.fuzz:
        began = time.monotonic()
        report |= fuzz(folder / "fuzz", options.fuzz, options.seed)
        report["fuzz_s"] = round(time.monotonic() - began)
    if options.properties:
        began = time.monotonic()
        report |= properties(options.properties, options.seed, options.properties_s)
        report["properties_s"] = round(time.monotonic() - began)
    write(options.json, report)
    for key, value in report.items():
        print(f"{key}: {value}")
    return int(any(report.get(harm) for harm in (*HARMS, "fuzz_failures", "property_failures")))


if __name__ == "__main__":
    sys.exit(main())
