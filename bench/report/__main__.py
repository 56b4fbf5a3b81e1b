"""``python -m bench.report FOLDER...`` renders reports again from the CSVs in their folders."""

import sys
from pathlib import Path

from bench.report.build import render_report
from bench.streams import prepare_streams

if __name__ == "__main__":
    prepare_streams()
    for folder in sys.argv[1:]:
        print(render_report(Path(folder)))
