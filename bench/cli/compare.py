"""The verb that holds two sets of results against each other."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from bench.cli.app import OK, RUNS_FAILED, app
from bench.cli.options import Json, names
from bench.cli.screen import console, show_table
from bench.errors import BenchError
from bench.registry import close_matches

if TYPE_CHECKING:
    from bench.compare import Change, Scores, Throughput, Verdicts

LONG = 1e7
"""From here on powers of ten are shorter to read."""
SHOWN = 10
"""Lines of one kind under the table; the rest is counted."""


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="A results folder, or one that a report is in.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="What is held against it; may be A.")],
    environment_a: Annotated[str, typer.Option(help="Digest of A's environment; empty: that of most runs.")] = "",
    environment_b: Annotated[str, typer.Option(help="Digest of B's environment.")] = "",
    backend_a: Annotated[str, typer.Option(help="Only A's trained runs of this backend.")] = "",
    backend_b: Annotated[str, typer.Option(help="Only B's trained runs of this backend.")] = "",
    metric: Annotated[str, typer.Option(help="What is compared; empty: each task's metric that chooses epochs.")] = "",
    rank: Annotated[
        str,
        typer.Option(help="best (epoch, on test), last (on validation); empty: as the reports rank, or last."),
    ] = "",
    device: Annotated[str, typer.Option(help="Only this kind; cpu,gpu holds A's cpu against B's gpu.")] = "",
    tolerance: Annotated[
        float, typer.Option(min=0, help="How much worse a score may be: 0.02 for 2 %, or points.")
    ] = 0.02,
    throughput_tolerance: Annotated[
        float | None, typer.Option(min=0, help="How much slower it may be; without it speed fails nothing.")
    ] = None,
    same_verdicts: Annotated[
        bool, typer.Option("--same-verdicts", help="Fail where a verdict against a leader changed.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Compare two sets of results on common seeds; exit 1 where a score is worse past --tolerance or a run was lost.

    A and B are two commits, machines or backends. Runs match by case, seeds and kind of device; each case gets the
    ratio of B to A (of shares the difference) with a 95 % interval and a verdict. Throughput is compared within one
    environment only. Of two reports it also says which of their own verdicts against each leader changed.
    """
    from bench.commands.standings import report_verdicts
    from bench.compare import compare_scores, compare_throughput, rank_of, read_set, standing_for
    from bench.record import RANKED

    kinds = names("--device", device) or [""]
    if len(kinds) > 2:
        raise BenchError(f"--device {device!r}: expected one kind of device, or A's and B's, as in cpu,gpu")
    kind_a, kind_b = kinds[0], kinds[-1]
    if rank and rank not in RANKED:
        raise BenchError(f"--rank {rank!r}: {close_matches(rank, list(RANKED))}")
    weights = next((known for known in RANKED if known == rank), None) or rank_of(a, b) or "last"
    first = read_set(a, "A", environment=environment_a, backend=backend_a, device=kind_a, rank=weights)
    second = read_set(b, "B", environment=environment_b, backend=backend_b, device=kind_b, rank=weights)
    if kind_a != kind_b:
        second = standing_for(second, kind_a)
    scores = compare_scores(first, second, metric=metric, tolerance=tolerance)
    speeds = compare_throughput(first, second)
    slower = speeds.regressed(throughput_tolerance) if throughput_tolerance is not None else ()
    verdicts, why_not = report_verdicts(a, b)
    if same_verdicts and verdicts is None:
        raise BenchError(why_not or "--same-verdicts compares two reports; name the folders that they are in")
    failed = scores.regressed or bool(slower) or (same_verdicts and verdicts is not None and verdicts.changed)
    remarks = [*first.remarks, *second.remarks, *filter(None, [why_not])]
    if as_json:
        print(json.dumps(_finite(_data(a, b, scores, speeds, verdicts, remarks, failed)), indent=1))
    else:
        _show(a, b, scores, speeds, remarks)
        if verdicts is not None:
            _show_verdicts(verdicts)
        if slower:
            cases = ", ".join(dict.fromkeys(c.case for c in slower))
            console().print(f"slower past --throughput-tolerance: {cases}")
    return RUNS_FAILED if failed else OK


def _show(a: Path, b: Path, scores: "Scores", speeds: "Throughput", remarks: list[str]) -> None:
    screen = console()
    table = Table("case")
    several = len({c.kind for c in scores.changes}) > 1, len({c.backend for c in scores.changes}) > 1
    for name in [n for n, shown in zip(("device", "backend"), several, strict=True) if shown]:
        table.add_column(name)
    kinds = dict.fromkeys("B / A" if c.metric.log else "B - A" for c in scores.changes)
    for name in ("n", "A", "B", " or ".join(kinds) or "B / A", "95 % interval"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for c in scores.changes:
        place = [text for text, shown in zip((c.kind, c.backend), several, strict=True) if shown]
        moved = not c.verdict.value.startswith("same")
        compared = [_changed(c, value) for value in (c.compared.ratio, c.compared.low, c.compared.high)]
        interval = "exact" if c.exact else " to ".join(compared[1:]) if moved and all(compared) else ""
        table.add_row(c.case, *place, f"{c.n}", _score(c, c.a), _score(c, c.b), compared[0], interval, c.verdict.value)
    show_table(screen, table, f"A = {a}, B = {b}")
    screen.print(_how(scores))
    lines = [
        *(f"lost in B: {run}" for run in scores.lost),
        *(f"failed in A alone: {run}" for run in scores.gained),
        *(f"only in A: {_counted(counts)}" for counts in [scores.only_a] if counts),
        *(f"only in B: {_counted(counts)}" for counts in [scores.only_b] if counts),
        *(f"without a score in both: {_some(cases)}" for cases in [scores.without] if cases),
        *remarks,
    ]
    changed: dict[tuple[str, ...], list[str]] = {}
    for c in scores.changes:
        if c.specs_differ:
            changed.setdefault(c.specs_differ, []).append(c.case)
    for keys, cases in changed.items():
        lines.append(f"specs differ ({_some(keys)}): {_some(dict.fromkeys(cases))}")
    for line in lines:
        screen.print(line)
    _show_speeds(speeds)


def _how(scores: "Scores") -> str:
    """Return what was compared, and how, in a sentence."""
    from bench.record import IN_WORDS, RANKED

    if not scores.changes:
        return "No case has a score in both."
    used = list(dict.fromkeys(c.metric for c in scores.changes))
    ways = {
        True: "geometric means over common seeds, intervals by Student's t on log differences",
        False: "means over common seeds, intervals by Student's t on differences",
    }
    split, weights = RANKED[scores.rank]
    names = " and ".join(dict.fromkeys(f"{IN_WORDS.get(split, split)} {metric.heading}" for metric in used))
    return (
        f"{len(scores.changes)} cases compared by {names} {IN_WORDS[weights]}: "
        f"{'; '.join(ways[log] for log in dict.fromkeys(m.log for m in used))}; verdicts after Holm's correction "
        f"over the trained cases that changed ({scores.tested}); tolerance {scores.tolerance:g}."
    )


def _score(change: "Change", value: float) -> str:
    return f"{_number(100 * value, '.4g')} %" if change.metric.share else _number(value, ".4g")


def _changed(change: "Change", value: float | None) -> str:
    """Return a change as it is shown: a ratio, a difference, or points of a share."""
    if value is None:
        return ""
    if change.metric.log:
        return _number(value, ".4f")
    return f"{_number(100 * value, '+.2f')} points" if change.metric.share else _number(value, "+.4g")


def _number(value: float, form: str) -> str:
    """Return a number in a form, or what is shorter to read: powers of ten, ∞; – for a ratio that there is not."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    made = f"{value:{form if abs(value) < LONG else '.3g'}}"
    return made if float(made) else made.replace("-", "+" if form.startswith("+") else "")  # no zero is below zero


def _show_speeds(speeds: "Throughput") -> None:
    screen = console()
    if speeds.changes:
        table = Table("case", "quantity")
        for name in ("A", "B", "B / A", "interval"):
            table.add_column(name, justify="right")
        table.add_column("verdict")
        for c in speeds.changes:
            interval = "" if c.low is None or c.high is None else f"{c.low:.3f} to {c.high:.3f}"
            numbers = (f"{c.a:.4g}", f"{c.b:.4g}", f"{c.ratio:.3f}", interval)
            table.add_row(c.case, c.quantity, *numbers, c.verdict)
        show_table(screen, table, "Throughput, latency and memory")
    for line in speeds.refusals:
        screen.print(line)


def _show_verdicts(verdicts: "Verdicts") -> None:
    screen = console()
    if verdicts.flips:
        table = Table("leaderboard", "row", "in A", "in B")
        for flip in verdicts.flips:
            table.add_row(flip.board, flip.name, _starred(flip.a, flip.fragile_a), _starred(flip.b, flip.fragile_b))
        show_table(screen, table, "Verdicts against the leader that changed")
    changed = {board: leaders for board, leaders in verdicts.leaders.items() if leaders[0] != leaders[1]}
    for board, (before, after) in changed.items():
        screen.print(f"{board}: {before} leads in A, {after} in B")
    same = len(verdicts.leaders) - len(changed)
    screen.print(
        f"{verdicts.held} of {verdicts.held + len(verdicts.flips)} verdicts against the leaders hold; "
        f"{same} of {len(verdicts.leaders)} leaderboards have the same leader."
    )
    screen.print(_flips(verdicts))
    for title, texts in (("hold, but are marked fragile", verdicts.fragile), ("not compared", verdicts.alone)):
        if texts:
            screen.print(f"{title}: {_some(texts)}")


def _starred(text: str, fragile: bool) -> str:
    return f"{text} *" if fragile else text


def _flips(verdicts: "Verdicts") -> str:
    """Return how many verdicts changed, how many of them were marked fragile, and which they are."""
    flips = verdicts.flips
    line = f"changed verdicts: {len(flips)}"
    if not flips:
        return line
    in_a, in_b = (sum(marked) for marked in zip(*((f.fragile_a, f.fragile_b) for f in flips), strict=True))
    line += f", of which {sum(f.fragile for f in flips)} were marked fragile ({in_a} in A, {in_b} in B)"
    return f"{line}: " + "; ".join(f"{f.board}: {_starred(f.name, f.fragile)} ({f.a} -> {f.b})" for f in flips)


def _counted(counts: dict[str, int]) -> str:
    runs = sum(counts.values())
    return f"{runs} run{'s' if runs > 1 else ''} of " + _some(counts)


def _some(texts: Any) -> str:
    texts = list(texts)
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more


def _data(
    a: Path,
    b: Path,
    scores: "Scores",
    speeds: "Throughput",
    verdicts: "Verdicts | None",
    remarks: list[str],
    failed: bool,
) -> dict[str, Any]:
    return {
        "a": str(a),
        "b": str(b),
        "regressed": failed,
        **asdict(scores),
        "changes": [asdict(c) | {"metric": c.metric.name, "scale": c.metric.scale.value} for c in scores.changes],
        "throughput": [asdict(c) | {"verdict": c.verdict} for c in speeds.changes],
        "throughput_refused": speeds.refusals,
        "verdicts": asdict(verdicts) if verdicts else None,
        "remarks": remarks,
    }


def _finite(data: Any) -> Any:
    """Return data that JSON can hold: what is not a finite number as null."""
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
