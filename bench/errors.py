"""The one exception that the command line turns into a single line and exit code 2."""

from collections.abc import Mapping
from typing import Any


class BenchError(Exception):
    """Input that cannot be used. The message says in one line what is wrong and what to do."""


def reason_of(error: Mapping[str, Any]) -> str:
    """Return what one of pydantic's errors says, as the end of a line."""
    said: str = error["msg"].removeprefix("Value error, ")
    return said[:1].lower() + said[1:]
