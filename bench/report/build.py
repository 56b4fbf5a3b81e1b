"""From a plan's records to a report: choose the records, write the CSVs, render from what they hold."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench import frames as fr
from bench.errors import BenchError
from bench.plan import Plan
from bench.record import FINISHED, RunRecord
from bench.report.appendix import environments, run_ids, total_time
from bench.report.findings import findings
from bench.report.markdown import count, escape
from bench.report.summary import Results
from bench.report.tables import Table, all_tables
from bench.store import latest

FIGURES = "figures"


@dataclass(frozen=True)
class Selection:
    """The records that a report shows, and how many of other environments it leaves out."""

    records: list[RunRecord]
    left_out: int


def build_report(
    plan: Plan,
    folder: Path,
    environment: str | None = None,
    figures: bool = True,
    command: str = "make bench",
) -> Path:
    """Write CSVs, figures and ``README.md`` of a plan into ``folder``; return the README's path.

    Args:
        plan: The suite's runs and their records.
        folder: Made if need be. Until the last step its old README stands.
        environment: Digest of the environment to show; None for the one with most runs, on each
            device and backend.
        figures: False leaves figures out, and links to none.
        command: How to make this report again.

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
        "seeds": str(len(plan.suite.seeds)),
        "data_seeds": str(len(plan.suite.data_seeds)),
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
            "environments": fr.environment_frame(records),
            "published": published_frame(cases["curve"]),
        },
    )
    return render_report(folder, figures=figures)


def render_report(folder: Path, figures: bool = True) -> Path:
    """Render ``README.md`` and figures from the CSVs in ``folder``; return the README's path.

    Raises:
        BenchError: A CSV is missing or unreadable.
    """
    results = Results(fr.read_frames(folder))
    drawn: dict[str, list[tuple[str, str]]] = {}
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
    kinds: dict[tuple[str, str], list[RunRecord]] = {}
    for record in plan.records:
        kinds.setdefault((record.spec.device.partition(":")[0], record.spec.backend), []).append(record)
    chosen: list[RunRecord] = []
    left_out = 0
    for records in kinds.values():
        digest = environment if environment in {r.environment.digest for r in records} else _usual(records)
        hosts = {r.provenance.host for r in records if r.environment.digest == digest}
        own = [r for r in records if r.environment.digest == digest]
        left_out += sum(r.environment.digest != digest and r.status in FINISHED for r in records)
        recorded = {r.run_id for r in own}
        lost = [r for r in records if r.run_id not in recorded and r.status not in FINISHED]
        own += [r for r in lost if r.provenance.host in hosts]
        chosen += latest(own).values()
    order = {spec.run_id: i for i, spec in enumerate(plan.specs)}
    return Selection(sorted(chosen, key=lambda r: order[r.run_id]), left_out)


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


def render_text(results: Results, drawn: dict[str, list[tuple[str, str]]]) -> str:
    """Return the report as Markdown; ``drawn`` holds each section's figures as alt text and path."""
    tables = all_tables(results)
    parts = [f"# {escape(results.about['title'])}\n", opening(results) + "\n", "## Findings\n"]
    parts.append("".join(f"{i}. {s}\n" for i, s in enumerate(findings(results, tables), start=1)))
    for ground in results.grounds:
        first, *others = (tables[k] for k in tables if k == ground.key or k.startswith(f"{ground.key}_by_"))
        parts.append(first.markdown())
        parts += [f"![{escape(alt)}]({path})\n\n*{escape(alt)}.*\n" for alt, path in drawn.get(ground.key, [])]
        parts += [_folded(t) for t in others]
    parts += [tables[key].markdown() for key in ("floors", "errata", "throughput", "failures") if key in tables]
    parts += ["## How to read this\n", HOW_TO_READ]
    parts += ["## Environment\n", environments(results) + "\n", left_out(results)]
    parts += ["## Run ids\n", RUN_IDS, run_ids(results)]
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def opening(results: Results) -> str:
    """Return what was compared on what, over how many seeds, where, how long, and how to run it again."""
    cases, runs = results.frames["cases"], results.frames["runs"]
    trained, exact = int(cases["trained"].sum()), int((~cases["trained"]).sum())
    tasks = [g.title.lower() for g in results.tasks]
    asked = f"{', '.join(tasks[:-1])} and {tasks[-1]}" if len(tasks) > 1 else "".join(tasks)
    seeds, data_seeds = int(results.about["seeds"]), int(results.about["data_seeds"])
    over = count(seeds, "seed") + (f" on {data_seeds} data seeds" if data_seeds > 1 else "")
    done = int((runs["status"] == "done").sum())
    return (
        f"{count(trained, 'trained model')} and {count(exact, 'predictor')} that need no training, compared on "
        f"{count(len(tasks), 'task')} ({escape(asked)}), each trained model over {over}. "
        f"{done} of {count(results.n_planned, 'run')} have a result. They ran on {places(results)} and took "
        f"{total_time(results)} in all, summed over runs. To run this again: `{results.about['command']}`."
    )


def places(results: Results) -> str:
    """Return the environments of trained runs in words."""
    frame = results.frames["environments"]
    frame = frame[frame["backend"] != "numpy"] if (frame["backend"] != "numpy").any() else frame
    words = []
    for _, e in frame.iterrows():
        device = f"{e['device_name']} beside {e['cpu']}" if e["device_name"] else e["cpu"]
        backend = f"{e['backend']} {e['backend_version']}".strip()
        keras = f", Keras {e['keras']}" if e["keras"] else ""
        words.append(
            f"{escape(device)} ({count(int(e['threads']), 'thread')} a worker; {backend}{keras}, {e['precision']})"
        )
    return " and on ".join(words)


def left_out(results: Results) -> str:
    """Return a line on the records of other environments."""
    number = int(results.about["left_out"])
    if not number:
        return "No record of another environment was left out.\n"
    verb = "was" if number == 1 else "were"
    return f"{count(number, 'record')} of other environments {verb} left out; name one with `--environment`.\n"


def _folded(table: Table) -> str:
    return f"<details><summary>{table.heading}</summary>\n\n{table.markdown(level=3)}\n</details>\n"


RUN_IDS = "Each run id names the run's files in `results/records` and its row in `runs.csv`.\n"
HOW_TO_READ = """\
- **Validation chooses, test reports.** Rows are ranked by validation after the last epoch. Test was scored once, for
  the last epoch and for the weights of the epoch that was best on validation.
- **mean ± sd** is over runs with a result: seeds of one data set, so it says nothing about another data set.
  *2 of 3* means that one planned run has no result; it is neither dropped from the count nor filled in.
- **exact** marks a predictor that no seed can change.
- **Cannot be told from the leader**: a 95 % Welch t interval on the difference of mean log MSE (of accuracy, for
  labels) contains zero. Each model is held against the leader alone, uncorrected for how many there are. With few
  seeds this finds large differences only, so it never means equal.
- **skill** is 1 − MSE / MSE of the baseline: 1 is perfect, 0 is no better than the baseline.
- **× floor** is the MSE over the variance of the noise in the target, which no forecast can expect to beat.
- **Printed values** count as outside where they miss the 95 % prediction interval of our seeds' log MSE, widened by the
  printed rounding, with Holm's correction over all of them.
- **Stuck** is a seed whose final score is over three times its model's median, or over four points of accuracy
  below it.
- **windows/s** is training alone: no compilation, no evaluation. (c) marks a run that shared its core.
"""
