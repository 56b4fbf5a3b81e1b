"""A user's own file: described, and made into a suite."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.commands.asked import Asked
from bench.errors import BenchError
from bench.files import written_whole
from bench.pasting import command
from bench.suite import SUITES
from bench.suite.own import QUICK_SEEDS, Own, suite_text
from bench.tables.facts import Facts, look, steps_of
from bench.tables.reading import moment, table
from bench.tables.split import Proposal, propose
from bench.text.files import file_key

LONGEST_NAME = 80


@dataclass(frozen=True)
class Described:
    """What is in a file, and how it would be split.

    Attributes:
        asked: By the command.
        facts: What is in it.
        season: In steps.
        season_note: How sure that is.
        proposal: None where the series are too short.
        drawn: Columns that a figure shows.
        remarks: What else is said, a line each.
    """

    asked: Asked
    facts: Facts
    season: int
    season_note: str
    proposal: Proposal | None
    drawn: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def commands(self) -> list[str]:
        """What comes next."""
        if not self.drawn or self.proposal is None:
            return []
        targets = self.asked.targets or self.drawn[:1]
        options = [("--target", ",".join(targets)), ("--horizon", str(self.proposal.horizon))]
        further = [each for each in self.asked.options if each[0] not in ("--target", "--horizon")]
        return [
            command("run", self.asked.file, [*options, *further, ("--quick", "")]),
            command("new", self.asked.file, [*options, *further]),
        ]


@dataclass(frozen=True)
class Made:
    """A suite that was written: its path, windows of its training part, and what is said before it runs."""

    path: Path
    train_windows: int
    lines: tuple[str, ...] = ()


def file_key_of(file: str) -> str:
    """Return a name for folders from a file's."""
    key = file_key(Path(file).stem)[:LONGEST_NAME].strip("_-")
    return key if key[:1].isalnum() else f"file-{key}".rstrip("-")


def described(asked: Asked) -> Described:
    """Look at a file.

    Raises:
        BenchError: It cannot be read, or has no such column.
    """
    facts = look(asked.file, asked.time, asked.id, asked.targets)
    numeric = [column.name for column in facts.numeric]
    drawn = asked.targets or tuple(numeric)
    seasons = [c.season for c in facts.columns if c.name in drawn and c.season is not None]
    found = max(seasons, key=lambda season: (season.steps > 1, season.strength), default=None)
    season = asked.season or (found.steps if found else 1)
    note = "as asked" if asked.season else found.words if found else "not looked for"
    horizon = asked.horizon or max(1, season)
    times = steps_of(facts)
    proposal, remarks = None, []
    try:
        steps = len(times) if times is not None else max(facts.series.values())
        proposal = propose(times, steps, horizon, season, asked.input_length)
    except BenchError as error:
        remarks.append(f"no split: {error}")
    if not asked.horizon:
        remarks.append(f"horizon: {horizon}, one season; --horizon N sets it")
    return Described(asked, facts, season, note, proposal, tuple(drawn), tuple(remarks))


def as_plain(found: Described) -> dict[str, Any]:
    """Return what is in a file as plain data for JSON."""
    facts = found.facts
    columns = [{**vars(c), "season": vars(c.season) if c.season else None} for c in facts.columns]
    left_out = ("frame", "times", "columns", "step")
    proposal = found.proposal
    split = {**vars(proposal), "parts": [vars(part) for part in proposal.parts]} if proposal else None
    return {
        **{name: value for name, value in vars(facts).items() if name not in left_out},
        "step": facts.step.name if facts.step else None,
        "columns": columns,
        "season": found.season,
        "split": split,
        "remarks": found.remarks,
    }


def new_suite(asked: Asked, output: Path | None = None, *, folder: Path = SUITES, again: bool = False) -> Made:
    """Write a suite for a file.

    Args:
        asked: What it is to be.
        output: Its path; None for a name made from the file, the targets and the horizon.
        folder: Where it is written unless ``output`` says so.
        again: Whether to write over one that is there.

    Raises:
        BenchError: The file cannot be used as asked, or the suite cannot be written.
    """
    own = _own(asked, output.stem if output else "")
    path = output or folder / f"{own.name}.toml"
    if path.suffix != ".toml":
        raise BenchError(f"-o {path}: a suite's file ends in .toml; name one")
    if path.exists() and not again:
        raise BenchError(f"{path} is there already; name another with -o, or remove it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as new:
            new.write_text(suite_text(own), encoding="utf-8", newline="\n")
    except OSError as error:
        raise BenchError(f"cannot write {path} ({error.strerror}); name another file with -o") from None
    return Made(path, own.train_windows, _lines(own, path))


def _lines(own: Own, path: Path) -> tuple[str, ...]:
    training, valid, test = own.proposal.parts
    dates = (f"{part.name} {part.first} to {part.last}" for part in (training, valid, test)) if own.time else ()
    window = f"windows of {own.proposal.input_length} steps, {own.proposal.horizon} ahead; season {own.season_note}"
    lines = [f"{own.title}; suite {path}", window, *([", ".join(dates)] if dates else [])]
    if own.quick:
        lines.insert(
            0,
            f"a first look: {len(QUICK_SEEDS)} seeds, few steps and models; it ranks nothing that these cannot tell "
            "apart; for that, run it without --quick",
        )
    return tuple(lines)


def _own(asked: Asked, name: str) -> Own:
    found = described(asked)
    facts, proposal = found.facts, found.proposal
    numeric = [column.name for column in facts.numeric]
    targets = asked.targets or (tuple(numeric) if len(numeric) == 1 else ())
    if not targets:
        known = ", ".join(numeric) or "none"
        raise BenchError(f"{asked.file}: name what to forecast with --target; columns of numbers: {known}")
    if twice := [name for name in targets if targets.count(name) > 1]:
        raise BenchError(f"--target names {twice[0]!r} twice; leave it out once")
    rows = table(asked.file, facts.time, facts.id, targets, frame=facts.frame)
    if proposal is None:
        raise BenchError(f"{asked.file}: {found.remarks[0].removeprefix('no split: ')}")
    steps = np.arange(len(rows.values)) - np.searchsorted(rows.series, rows.series)
    training, until = steps < proposal.parts[0].steps, f"the first {proposal.parts[0].steps}"
    if rows.times is not None:
        training, until = rows.times < moment(str(proposal.valid), "valid"), f"before {proposal.valid}"
    for number, target in enumerate(targets):
        values = rows.values[:, number]
        if np.ptp(values) == 0:
            raise BenchError(f"{asked.file}, column {target!r}: {values[0]:g} in every row; name another --target")
        if np.ptp(values[training]) == 0:
            raise BenchError(
                f"{asked.file}, column {target!r}: {values[training][0]:g} in every row of the training part, {until}, "
                "of which nothing is learnt; name another --target, or take these rows out"
            )
    counts = np.bincount(rows.series)
    lost = proposal.input_length + proposal.horizon - 1
    share = proposal.parts[0].steps / sum(part.steps for part in proposal.parts)
    windows = max(1, int(sum(max(0, round(n * share) - lost) for n in counts)))
    key = f"{file_key_of(asked.file)}-{'-'.join(targets)}-{proposal.horizon}"
    key = file_key(key)[:LONGEST_NAME].strip("_-") + ("-quick" if asked.quick else "")
    ahead = f"{proposal.horizon} {'step' if proposal.horizon == 1 else 'steps'} ahead"
    look = f" (a first look, {len(QUICK_SEEDS)} seeds)" if asked.quick else ""
    every = f"a row every {facts.step.name}" if facts.step else "irregular"
    return Own(
        name=name or key,
        family=file_key_of(asked.file),
        title=f"{Path(asked.file).name}: {', '.join(targets)}, {ahead}{look}",
        command=command("new", asked.file, asked.options, in_file=True),
        file=asked.file,
        time=facts.time,
        times_note=f"{every}, {facts.first} to {facts.last}",
        id=facts.id,
        targets=targets,
        others=[name for name in numeric if name not in targets],
        season=found.season,
        season_note=found.season_note,
        proposal=proposal,
        quick=asked.quick,
        train_windows=windows,
    )
