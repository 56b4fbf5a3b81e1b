"""Findings: at most seven sentences made from a report's numbers, each naming its table."""

from collections.abc import Callable, Mapping

import numpy as np

from bench import stats
from bench.report.appendix import corrected, errata_rows
from bench.report.markdown import count, escape, score, thousands
from bench.report.summary import Ground, Results, Row, names
from bench.report.tables import Table

LIMIT = 7
LISTED = 4
"""Names that a sentence lists before it counts the rest."""


def findings(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return the findings as Markdown sentences; failed and missing runs always have theirs, last."""
    grounds = results.leading()
    sentences = [leader(ground, tables) for ground in grounds if not ground.is_label]
    labels = [leader(ground, tables) for ground in grounds if ground.is_label]
    sentences += [" ".join(labels)] if labels else []
    makers: list[Callable[[Results, Mapping[str, Table]], str]] = [beaten, printed, errata]
    rest = [sentence for make in makers if (sentence := make(results, tables))]
    last = failed(results, tables)
    room = LIMIT - len(rest) - 1
    kept = [s for s in sentences if s]
    if len(kept) > room:
        more = len(kept) - room + 1
        kept = [
            *kept[: room - 1],
            f"**More tables.** {count(more, 'further table')} with their own leaders stand below.",
        ]
    return [*kept, *rest, last]


def leader(ground: Ground, tables: Mapping[str, Table]) -> str:
    """Return who leads a ground, who cannot be told from the leader, and the fastest of those."""
    group = ground.leaders()
    title = f"**{escape(ground.title)}.**"
    link = tables[ground.key].link
    if not group:
        return f"{title} No model has a score yet ({link})."
    first = group[0]
    if len(ground.ranked) == 1:
        return f"{title} Only {escape(first.name)} has a score so far: {_score(first, ground)} ({link})."
    text = f"{title} {_upper(escape(first.name))} leads with {_score(first, ground)}"
    others = group[1:]
    if not others:
        text += "; these seeds tell every other model from it"
    elif all(_tied(first, r, ground) for r in others):
        text += f", level with {escape(names(others, LISTED))}"
    elif all(len(r.values(ground.column)) < 2 for r in group):
        text += f"; with one score each nothing is told apart from it: {escape(names(others, LISTED))}"
    else:
        text += f"; these few seeds cannot tell {escape(names(others, LISTED))} from it"
    text += _recipes(group) if others else ""
    fast = [r for r in group if r.trained and len(r.seeds("windows_per_s"))]
    places = {(r.device, r.backend, e) for r in fast for e in r.done["environment"]}
    if len(fast) > 1 and len(places) == 1:
        best = max(fast, key=lambda r: float(np.median(r.seeds("windows_per_s"))))
        speed = thousands(float(np.median(best.seeds("windows_per_s"))))
        shared = ", contended" if best.contended() else ""
        text += f"; the fastest of them to train is {escape(best.name)} at {speed} windows/s{shared}"
    return f"{text} ({link})."


def beaten(results: Results, tables: Mapping[str, Table]) -> str:
    """Return the trained models whose every seed an untrained predictor beats."""
    parts = []
    for ground in results.leading():
        best = ground.untrained
        if best is None or ground.is_label:
            continue
        exact = best.mean(ground.column)
        trained = [r for r in ground.ranked if r.trained]
        worse = [r for r in trained if float(r.seeds(ground.column).min()) > exact]
        if worse:
            parts.append(
                f"{escape(best.name)} ({score(exact)}) beats every seed of {len(worse)} of "
                f"{count(len(trained), 'trained model')}: {escape(names(worse, LISTED))} ({tables[ground.key].link})"
            )
    return f"**Without training.** {_upper('; '.join(parts))}." if parts else ""


def printed(results: Results, tables: Mapping[str, Table]) -> str:
    """Return the published values that our seeds do not contain."""
    published: dict[str, float] = {}
    samples: dict[str, stats.Sample] = {}
    where: dict[str, tuple[Row, str]] = {}
    for ground in results.tasks:
        for row in ground.rows:
            for column in ("valid_mse", "valid_last_time_step_mse"):
                value = row.info[f"published_{column}"]
                if np.isfinite(value) and len(row.seeds(column)):
                    name = f"{row.case} {row.device} {row.backend} {column}"
                    published[name], samples[name] = float(value), row.sample(column)
                    where[name] = row, ground.key
    if not published:
        return ""
    judged = [n for n in published if samples[n].exact or len(samples[n].values) > 1]
    if not judged:
        return "**Printed values.** One seed each has no spread to hold a printed value against."
    outside = stats.outside_prediction(published, samples)
    links = ", ".join(dict.fromkeys(tables[where[n][1]].link for n in (outside or judged)))
    if not outside:
        which = "The one printed value lies" if len(judged) == 1 else f"All {len(judged)} printed values lie"
        wide = ", which so few make wide" if min(len(samples[n].values) for n in judged) < 10 else ""
        return f"**Printed values.** {which} within what one more seed of ours would give{wide} ({links})."
    parts = []
    for name in outside:
        row, _ = where[name]
        last = " last step" if name.endswith("last_time_step_mse") else ""
        ours = stats.geometric_mean(samples[name].values)
        parts.append(f"{escape(row.name)}{last} {score(published[name], 3)} printed, {score(ours, 3)} here")
    text = "; ".join(parts[:LISTED]) + (f"; {len(parts) - LISTED} more" if len(parts) > LISTED else "")
    return (
        f"**Printed values.** {len(outside)} of {len(judged)} lie outside what one more seed of ours would give: "
        f"{text} ({links})."
    )


def errata(results: Results, tables: Mapping[str, Table]) -> str:
    """Return what each fault did to the validation MSE: as printed over corrected."""
    if "errata" not in tables:
        return ""
    rows = errata_rows(results)
    faults: dict[str, list[int]] = {}
    ratios: dict[str, tuple[Row, float]] = {}
    for number, row, _, _, ratio in rows:
        if ratio is not None:
            faults.setdefault(row.name, []).append(number)
            ratios[row.name] = row, ratio
    frame = results.frames["errata"]
    parts = []
    for name, numbers in faults.items():  # in the order of the errata's numbers
        row, ratio = ratios[name]
        fair = set(frame[(frame["number"] == numbers[0]) & (frame["variant"] == "corrected")]["case"])
        reference = corrected(results, row, fair)
        samples = {r.name: r.sample("valid_mse") for r in (row, reference) if r}
        unsure = bool(stats.cannot_be_told_from_leader(name, samples))
        known = " and ".join(str(n) for n in sorted(set(numbers)))
        parts.append(f"no. {known} {escape(name)} × {ratio:.2f}" + (", within the seeds' spread" if unsure else ""))
    partial = _partial(results)
    if partial:
        number, text = partial
        parts.insert(sum(numbers[0] <= number for numbers in faults.values()), text)
    if not parts:
        return ""
    return f"**Errata.** Validation MSE as printed over corrected: {'; '.join(parts)} ({tables['errata'].link})."


def _partial(results: Results) -> tuple[int, str] | None:
    """Return what scoring the odd positions alone does to the models that are scored on all, and the erratum."""
    ratios, numbers = [], set()
    frame = results.frames["errata"]
    for ground in results.tasks:
        for row in ground.rows:
            if row.partial:
                numbers |= set(frame[frame["case"] == row.case]["number"])
            elif len(row.seeds("valid_mse_odd_positions")):
                ratios.append(row.mean("valid_mse_odd_positions") / row.mean("valid_mse"))
    if not numbers or not ratios:
        return None
    number = int(min(numbers))
    return number, f"no. {number} the others × {np.median(ratios):.2f} (median) if scored on positions 3::2 alone too"


def failed(results: Results, tables: Mapping[str, Table]) -> str:
    """Return how many runs have no result, and which seeds are stuck."""
    runs = results.failures
    link = tables["failures"].link
    absent = results.n_planned - len(results.frames["runs"])
    labels = dict(zip(results.frames["cases"]["case"], results.frames["cases"]["label"], strict=True))
    text = f"**Runs.** {_upper(_all(results.n_planned, 'planned run'))} ended with a result"
    if len(runs) or absent:
        done = results.n_planned - len(runs) - absent
        text = f"**Runs.** {done} of {count(results.n_planned, 'planned run')} ended with a result"
        if len(runs):
            listed = [
                f"{escape(labels.get(r['case'], r['case']))}{_seed(r['seed'])} {r['status'].replace('_', ' ')} "
                f"({escape(r['reason']) or 'no reason recorded'})"
                for _, r in runs.iterrows()
            ]
            more = f"; {len(listed) - LISTED} more" if len(listed) > LISTED else ""
            text += f": {'; '.join(listed[:LISTED])}{more}"
        if absent:
            text += f"; {count(absent, 'run')} not recorded yet"
    stuck = [f"{escape(row.name)} seed {seed} ({score(value)})" for row, seed, value in results.stuck()]
    if stuck:
        text += f"; stuck far from their other seeds: {', '.join(stuck[:LISTED])}"
    return f"{text} ({link})."


def _score(row: Row, ground: Ground) -> str:
    mean = row.mean(ground.column)
    exact = ", exact" if not row.trained else ""
    if ground.is_label:
        return f"{100 * mean:.2f} % validation accuracy{exact}"
    kind = "last-time-step MSE" if ground.common else "MSE"
    return f"a validation {kind} of {score(mean)}{exact}"


def _tied(a: Row, b: Row, ground: Ground) -> bool:
    return a.mean(ground.column) == b.mean(ground.column)


def _recipes(group: list[Row]) -> str:
    """Return a caveat where trained rows of the group do not share a recipe."""
    keys = ("optimizer", "learning_rate", "epochs", "batch_size", "loss")
    recipes = {tuple(str(r.info[k]) for k in keys) for r in group if r.trained}
    return " (each with its recipe, and these differ)" if len(recipes) > 1 else ""


def _all(number: int, noun: str) -> str:
    return f"the one {noun}" if number == 1 else f"both {noun}s" if number == 2 else f"all {number} {noun}s"


def _seed(seed: object) -> str:
    return "" if str(seed) == "<NA>" else f" seed {seed}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
