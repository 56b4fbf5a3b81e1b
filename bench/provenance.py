"""Where a run was made: what may change its numbers (its environment), and what does not (its provenance)."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from bench.digest import digest


class Frozen(BaseModel):
    """Data between modules: it does not change, has no other fields, and keeps infinities and NaN as text."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Environment(Frozen):
    """What can change a number on another machine; digested into a record's key.

    Attributes:
        threads: That one process computed with: as many as it may, unless it was found to have others. 0 is any number.
        variables: Of those that can change numbers, what a user had set, as a shell takes it; left out where empty, as
            it is on most machines.
        stack: Lanes of the program that trained, each with a seed; left out where it is 1.
        stack_asked: Lanes that there were to be, where memory held only ``stack``; else 0, and left out.
    """

    python: str
    numpy: str
    keras: str
    backend: str
    backend_version: str
    device: str
    device_name: str
    cpu: str
    threads: int
    precision: str
    jit: str
    variables: str = ""
    stack: int = 1
    stack_asked: int = 0

    @model_serializer(mode="wrap")
    def _set(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = fields(self)
        usual = {"variables": "", "stack": 1, "stack_asked": 0}
        return {name: value for name, value in dumped.items() if name not in usual or value != usual[name]}

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, changed; what is derived is its own."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("digest", None)
        return copied

    @property
    def asked(self) -> Self:
        """The same with as many lanes as were asked for: what is known before memory runs out."""
        return self.model_copy(update={"stack": self.stack_asked, "stack_asked": 0}) if self.stack_asked else self

    @property
    def alone(self) -> Self:
        """The same where each seed has a program of its own, as throughput is measured."""
        return self.model_copy(update={"stack": 1, "stack_asked": 0})

    @cached_property
    def digest(self) -> str:
        """Eight hexadecimal digits that name this environment."""
        return digest(self.model_dump(mode="json"), 8)


class Gpu(Frozen):
    """A card and what it did as a run ended, by NVML; what its driver does not tell is None, or an empty text.

    Attributes:
        driver: Version of the driver.
        memory_used_bytes: By all processes.
        utilisation_percent: Of the last second or less, the time in which something computed.
        core_clock_mhz: Of its multiprocessors.
    """

    name: str
    driver: str
    memory_bytes: int | None
    memory_used_bytes: int | None
    utilisation_percent: int | None
    core_clock_mhz: int | None
    memory_clock_mhz: int | None


class Provenance(Frozen):
    """Where and when a run was made; changes no number.

    Attributes:
        gpu: What a run on one had; left out elsewhere.
        git_commit: Of the code, with ``+`` where it was changed; empty where there is none.
        no_commit: Why there is none; empty where there is one, and where nobody asked.
    """

    host: str
    platform: str
    bench_version: str
    git_commit: str
    no_commit: str = ""
    core: int | None
    load_1min: float | None
    started_at: str
    ended_at: str
    gpu: Gpu | None = None

    @model_serializer(mode="wrap")
    def _set(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = fields(self)
        return dumped if self.gpu else {k: v for k, v in dumped.items() if k != "gpu"}

    @property
    def commit_in_words(self) -> str:
        """The commit, or that there is none and why."""
        return self.git_commit or (f"none: {self.no_commit}" if self.no_commit else "")
