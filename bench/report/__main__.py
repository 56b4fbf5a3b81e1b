"""``python -m bench.report FOLDER...`` renders reports again from the CSVs in their folders, and lists them anew."""

import sys
from pathlib import Path

from bench.report.folder import render_folder
from bench.streams import prepare_streams

if __name__ == "__main__":
    prepare_streams()
    for folder in sys.argv[1:]:
        print(render_folder(Path(folder).absolute()))
