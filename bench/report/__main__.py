"""``python -m bench.report FOLDER...`` renders reports again from the CSVs in their folders, and lists them anew."""

import sys
from pathlib import Path

from bench.report.build import render_report
from bench.report.index import write_index
from bench.streams import prepare_streams

if __name__ == "__main__":
    prepare_streams()
    folders = [Path(folder).absolute() for folder in sys.argv[1:]]
    for folder in folders:
        print(render_report(folder))
    for reports in {folder.parent for folder in folders if (folder.parent / "README.md").exists()}:
        write_index(reports)
