"""One line of what the doctor says of a machine."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Check:
    """One line of the screen.

    Attributes:
        name: What was looked at.
        status: ``fail`` where runs cannot be made or read, ``warn`` where they can, but see ``advice``.
        found: What is there.
        advice: What to do; empty where all is well.
    """

    name: str
    status: Status
    found: str
    advice: str = ""
