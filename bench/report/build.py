"""From a plan's records to a report: choose the records, write the CSVs, render from what they hold."""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench import frames as fr
from bench.errors import BenchError
from bench.measurement import Measurement
from bench.plan import Plan
from bench.record import FINISHED, RunRecord
from bench.report.appendix import environments, run_ids
from bench.report.captions import Drawn
from bench.report.findings import findings
from bench.report.markdown import escape
from bench.report.prose import HOW_TO_READ, RELATED, RUN_IDS, description, left_out, opening, related_reports
from bench.report.sections.base import sections
from bench.report.summary import Results
from bench.report.tables import Table, all_tables
from bench.store import latest

FIGURES = "figures"


@dataclass(frozen=True)
class Selection:
    """The records that a report shows, and how many of other environments it leaves out.

    Attributes:
        measurements: The newest of each case, device and backend, from the environments of the records.
        retried: Attempts without a result at runs that were tried again.
    """

    records: list[RunRecord]
    left_out: int
    measurements: list[Measurement]
    retried: list[RunRecord]


def build_report(
    plan: Plan,
    folder: Path,
    environment: str | None = None,
    figures: bool = True,
    command: str = "make bench",
    related: Mapping[str, str] | None = None,
) -> Path:
    """Write CSVs, figures and ``README.md`` of a plan into ``folder``; return the README's path.

    Args:
        plan: The suite's runs and their records.
        folder: Made if need be. Until the last step its old README stands.
        environment: Digest of the environment to show; None for this machine's, else the one with most
            runs, on each device and backend.
        figures: False leaves figures out, and links to none.
        command: How to make this report again.
        related: Names of reports beside this one, each with the question that it answers: they are linked to.

    Raises:
        BenchError: No record belongs to the plan, or none to ``environment``.
    """
    selection = select(plan, environment)
    about = {
        "suite": plan.suite.name,
        "title": plan.suite.title or plan.suite.name,
        "command": command,
        "n_planned": str(len(plan.specs)),
        "left_out": str(selection.left_out),
        "seeds": str(len(plan.seeds)),
        "seeds_rule": plan.suite.seeds_rule,
        "data_seeds": str(len(plan.suite.data_seeds)),
        **{f"{RELATED}{name}": question for name, question in (related or {}).items()},
    }
    records = selection.records
    cases = fr.cases_frame(plan)
    fr.write_frames(
        folder,
        {
            "about": fr.typed([{"key": k, "text": v} for k, v in about.items()]),
            "cases": cases,
            "errata": fr.errata_frame(plan),
            "runs": fr.runs_frame(records),
            "curves": fr.curves_frame(records),
            "forecasts": fr.forecasts_frame(records),
            "groups": fr.groups_frame(records),
            "retries": fr.retries_frame(selection.retried),
            "environments": fr.environment_frame(records),
            "published": published_frame(cases["curve"]),
            "measurements": fr.measurements_frame(selection.measurements),
            "rounds": fr.rounds_frame(selection.measurements),
        },
    )
    return render_report(folder, figures=figures)


def render_report(folder: Path, figures: bool = True) -> Path:
    """Render ``README.md`` and figures from the CSVs in ``folder``; return the README's path.

    Raises:
        BenchError: A CSV is missing or unreadable.
    """
    results = Results(fr.read_frames(folder))
    drawn: dict[str, list[Drawn]] = {}
    if figures:
        from bench.report.figures import draw_all

        drawn = draw_all(results, folder / FIGURES)
    text = render_text(results, drawn)
    readme, new = folder / "README.md", folder / ".README.md.new"
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(readme)
    finally:
        new.unlink(missing_ok=True)
    return readme


def check_report(folder: Path) -> list[str]:
    """Return how a report differs from what the CSVs beside it give; nothing where it does not.

    Text is compared line by line; a figure has to be there, since its bytes depend on fonts.

    Raises:
        BenchError: A CSV or the README is missing or unreadable.
    """
    from bench.report.figures import draw_all

    readme = folder / "README.md"
    try:
        text = readme.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise BenchError(f"{readme} cannot be read; write it first: bench report") from None
    results = Results(fr.read_frames(folder))
    drawn = draw_all(results, None, FIGURES)
    expected = render_text(results, drawn)
    changed = difflib.unified_diff(text.splitlines(), expected.splitlines(), "README.md", "its CSVs", lineterm="", n=0)
    linked = [folder / figure.path for figures in drawn.values() for figure in figures]
    files = [file for path in linked for file in (path, path.with_suffix(".png"))]
    return [*changed, *(f"missing: {file}" for file in files if not file.exists())]


def select(plan: Plan, environment: str | None = None) -> Selection:
    """Choose one environment a device and backend, and in it each run's newest finished record.

    A run without a record there is shown by its newest failure on the same hosts, whose environment
    a dead worker may not have told.

    Raises:
        BenchError: No record belongs to the plan, or none to ``environment``.
    """
    if not plan.records:
        raise BenchError(
            f"suite {plan.suite.name!r} has no records to report; run it first: bench run {plan.suite.name}"
        )
    if environment and not any(r.environment.digest == environment for r in plan.records):
        known = ", ".join(sorted({r.environment.digest for r in plan.records}))
        raise BenchError(f"no record of environment {environment!r}; known: {known}")
    places: dict[tuple[str, str], list[RunRecord]] = {}
    for record in plan.records:
        places.setdefault((record.spec.device, record.spec.backend), []).append(record)
    chosen: list[RunRecord] = []
    tried: list[RunRecord] = []
    left_out = 0
    for records in places.values():
        there = {r.environment.digest for r in records}
        digest = environment if environment in there else next(iter(plan.here & there), None) or _usual(records)
        hosts = {r.provenance.host for r in records if r.environment.digest == digest}
        own = [r for r in records if r.environment.digest == digest]
        left_out += sum(r.environment.digest != digest and r.status in FINISHED for r in records)
        recorded = {r.run_id for r in own}
        lost = [r for r in records if r.run_id not in recorded and r.status not in FINISHED]
        own += [r for r in lost if r.provenance.host in hosts]
        chosen += latest(own).values()
        tried += own
    order = {spec.run_id: i for i, spec in enumerate(plan.specs)}
    shown = {r.environment.digest for r in chosen}
    kept = {r.key for r in chosen}
    retried = [r for r in tried if r.key not in kept and r.status not in FINISHED]
    return Selection(
        sorted(chosen, key=lambda r: order[r.run_id]),
        left_out,
        _measurements(plan, shown),
        sorted(retried, key=lambda r: (order[r.run_id], r.attempt)),
    )


def _measurements(plan: Plan, environments: set[str]) -> list[Measurement]:
    """Return each measured spec's newest measurement in these environments, a good one before one that failed later."""
    newest = {
        m.measure_id: m
        for m in sorted(plan.measurements, key=lambda m: (m.status == "done", m.provenance.ended_at))
        if m.environment.digest in environments
    }
    return [newest[spec.measure_id] for spec in plan.measured if spec.measure_id in newest]


def _usual(records: list[RunRecord]) -> str:
    """Return the environment with most finished runs; of equals, the one used last."""
    runs = {(r.environment.digest, r.run_id) for r in records if r.status in FINISHED}
    finished = Counter(name for name, _ in runs)
    newest: dict[str, str] = {}
    for record in records:
        name = record.environment.digest
        newest[name] = max(newest.get(name, ""), record.provenance.ended_at)
    return max(newest, key=lambda name: (finished[name], newest[name]))


def published_frame(curves: Iterable[str]) -> pd.DataFrame:
    """Return every printed epoch of the named curves, one row an epoch."""
    from bench.cases.published import published_curve

    made = []
    for name in dict.fromkeys(c for c in curves if c):
        try:
            curve = published_curve(name)
        except BenchError:
            continue  # The value was printed, its epochs were not.
        made.append(fr.with_types(curve.assign(curve=name), ["curve", "epoch", "valid_mse"]))
    return pd.concat(made, ignore_index=True) if made else fr.typed([], ["curve", "epoch", "valid_mse"])


def render_text(results: Results, drawn: dict[str, list[Drawn]]) -> str:
    """Return the report as Markdown; ``drawn`` holds each section's figures."""
    tables = all_tables(results)
    parts = [
        f"# {escape(results.about['title'])}\n",
        opening(results) + "\n",
        related_reports(results),
        "## Findings\n",
    ]
    parts.append("".join(f"{i}. {s}\n" for i, s in enumerate(findings(results, tables), start=1)))
    for ground in results.grounds:
        first, *others = (tables[k] for k in tables if k == ground.key or k.startswith(f"{ground.key}_by_"))
        parts.append(first.markdown(above=description(ground)))
        for figure in drawn.get(ground.key, []):
            parts.append(f"![{escape(figure.alt)}]({figure.path})\n\n*{escape(figure.caption)}*\n")
        parts += [_folded(t) for t in others]
    parts += [tables[name].markdown() for name in tables if name in sections.names()]
    parts += ["## How to read this\n", HOW_TO_READ]
    parts += ["## Environment\n", environments(results) + "\n", left_out(results)]
    parts += ["## Run ids\n", RUN_IDS, run_ids(results)]
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def _folded(table: Table) -> str:
    return f"<details><summary>{table.heading}</summary>\n\n{table.markdown(level=3)}\n</details>\n"
