"""Short digests of data, the same on every machine."""

import hashlib
import json
from typing import Any


def digest(data: Any, length: int = 16) -> str:
    """Return the first ``length`` hexadecimal digits of the SHA-256 of ``data`` as canonical JSON."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:length]
