"""Short digests of data, the same on every machine."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any


def digest(data: Any, length: int = 16) -> str:
    """Return the first ``length`` hexadecimal digits of the SHA-256 of ``data`` as canonical JSON."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def digest_of_file(file: str) -> str:
    """Return the SHA-256 of a file's content; it is read again only where it was changed.

    Raises:
        OSError: It cannot be read.
    """
    stat = Path(file).stat()
    return _digest_of_file(file, stat.st_mtime_ns, stat.st_size)


@cache
def _digest_of_file(file: str, modified_ns: int, size: int) -> str:
    with Path(file).open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
