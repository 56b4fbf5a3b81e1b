"""Named points at which a test can make a process fail; nothing happens, at no cost, unless a test asks.

The environment variable ``BENCH_FAULT`` arms one point or several: ``point:action`` or ``point:action:n``, with commas
between them. The action happens the n-th time that a process passes the point (the first, where n is left out), and at
that time only. Actions:

- ``kill``: the process ends as by ``kill -9``.
- ``enospc``: an `OSError` that says that the disk is full.
- ``raise``: a `RuntimeError`.

Each says on stderr that it happens. Processes that are started while the variable is set inherit it, and count for
themselves.
"""

import errno
import os
import signal
from collections import Counter

VARIABLE = "BENCH_FAULT"
MARK = "bench: fault at"
_passed: Counter[str] = Counter()


def point(name: str) -> None:
    """Fail here if a test armed this point.

    Args:
        name: Of the point, as ``store.linked``: the module and what was just done.

    Raises:
        OSError: The point was armed with ``enospc``.
        RuntimeError: The point was armed with ``raise``.
        ValueError: It was armed with an action that does not exist.
    """
    armed = os.environ.get(VARIABLE)
    if not armed:
        return
    for entry in armed.split(","):
        where, _, rest = entry.partition(":")
        if where == name:
            action, _, count = rest.partition(":")
            _passed[entry] += 1
            if _passed[entry] == int(count or 1):
                _fail(action, name)


def _fail(action: str, name: str) -> None:
    os.write(2, f"{MARK} {name}: {action}\n".encode())
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "enospc":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    elif action == "raise":
        raise RuntimeError(f"a test made {name} fail")
    else:
        raise ValueError(f"{VARIABLE}: no action {action!r}; there are kill, enospc and raise")
