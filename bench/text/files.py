"""Names of files and folders from text: the same on every file system, short enough, and no two of them one."""

import hashlib
import re
from collections.abc import Iterable

LONGEST = 120
"""Bytes of a name that others stand before and after; a file system takes 255 in all, some 143."""
TAKEN_BY_SYSTEMS = frozenset({"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in range(10))})
"""Windows opens a device in place of a file called so, whatever its ending."""


def is_folder_name(text: str) -> bool:
    """Return whether a text can be a folder's name as it stands, and a suite's on the command line."""
    shaped = re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?", text)
    return shaped is not None and text.partition(".")[0].lower() not in TAKEN_BY_SYSTEMS


def file_key(text: str, taken: Iterable[str] = (), *, reserved: str = "", instead: str = "key_") -> str:
    """Return text as a part of files' names: letters, digits, ``_`` and ``-``, at most `LONGEST` and a few.

    Args:
        text: Any.
        taken: Names that it must differ from by more than case.
        reserved: How no name may begin.
        instead: How names begin instead that had to, or that nothing else is left of.
    """
    key = re.sub(r"[^A-Za-z0-9_-]+", "_", text)
    low = key.lower()
    if not key.strip("_-") or low in TAKEN_BY_SYSTEMS or (reserved and low.startswith(reserved)):
        key = instead + key
    if len(key) > LONGEST:
        key = f"{key[: LONGEST - 9]}_{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    others = {name.lower() for name in taken}
    while key.lower() in others:
        key += "_"
    return key
