"""Findings: at most seven sentences made from a report's numbers, each naming its table."""

from collections.abc import Callable, Mapping

import numpy as np

from bench import stats
from bench.report.markdown import between, count, escape, factor, score, thousands
from bench.report.rows import recipe_of
from bench.report.sections.errata import alone, partial_effect, told
from bench.report.sections.recipes import recipes_finding
from bench.report.sections.reproduction import published_values
from bench.report.sections.training_order import courses
from bench.report.summary import LABEL, Ground, Results, Row, fallen, names, odd_positions
from bench.report.tables import WIDE, Table

LIMIT = 7
LISTED = 4
"""Names that a sentence lists before it counts the rest."""
FAR = 0.1
"""How far below test an extra test set's accuracy is worth a "but"."""
HIGH, LOW = 0.95, 0.05
"""Accuracies of seeds that have learnt a rule, and of those that have not."""


def findings(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return the findings as Markdown sentences; failed and missing runs always have theirs, last."""
    grounds = results.leading()
    sentences = [leader(results, ground, tables) for ground in grounds if not ground.is_label]
    labels = [leader(results, ground, tables) for ground in grounds if ground.is_label]
    sentences += [" ".join(labels)] if labels else []
    makers: list[Callable[[Results, Mapping[str, Table]], str]] = [recipes, beaten, printed, errata]
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


def leader(results: Results, ground: Ground, tables: Mapping[str, Table]) -> str:
    """Return who leads a ground, who cannot be told from the leader, the fastest of those, and who still improves."""
    group = ground.leaders()
    title = f"**{escape(ground.title)}.**"
    link = tables[ground.key].link
    if not group:
        return f"{title} No model has a score yet ({link})."
    first = group[0]
    scores = _score(first, ground) + _on_test(first, ground)
    if len(ground.ranked) == 1:
        return f"{title} Only {escape(first.name)} has a score so far: {scores} ({link})."
    text = f"{title} {_upper(escape(first.name))} leads with {scores}"
    others = group[1:]
    trained = [r for r in ground.ranked if r.trained]
    if first.trained and len(trained) == 1:
        text += _only_trained(ground, others)
    elif not others:
        ranked = "ranked model" if any(r.partial for r in ground.rows if r not in ground.ranked) else "model"
        text += f"; these seeds tell every other {ranked} from it"
    elif all(_tied(first, r, ground) for r in others):
        text += f", level with {escape(names(others, LISTED))}"
    elif all(len(r.values(ground.column)) < 2 for r in group):
        text += f"; with one score each nothing is told apart from it: {escape(names(others, LISTED))}"
    else:
        text += f"; these seeds cannot tell {escape(names(others, LISTED))} from it"
    text += _caveats(group, ground) if others else ""
    return f"{text}{_fastest(group)}{_unfinished(results, ground)} ({link})."


def _unfinished(results: Results, ground: Ground) -> str:
    """Return how many trained models still improve at the end of their training; empty where none does."""
    found = [] if ground.is_label else courses(results, ground)
    still = sum(bool(course.improving) for course in found)
    if not still:
        return ""
    who = "its one trained model" if len(found) == 1 else f"{still} of {len(found)} trained models"
    return f"; {who} still {'improves' if still == 1 else 'improve'} at the end of training"


def _caveats(group: list[Row], ground: Ground) -> str:
    """Return what to bear in mind of rows not told apart: recipes that differ, and the least difference to be seen."""
    recipes = {tuple(recipe_of(r).values()) for r in group if r.trained}
    notes = ["each with its recipe, and these differ"] if len(recipes) > 1 else []
    gap = ground.detectable() if sum(r.trained for r in group) > 1 else None
    if gap:
        size = f"a difference of {100 * gap:.2g} points" if ground.is_label else f"a ratio of × {factor(gap)}"
        notes.append(f"{size} would be detected with 80 % power")
    return f" ({'; '.join(notes)})" if notes else ""


def _on_test(row: Row, ground: Ground) -> str:
    """Return a label model's range over seeds on test, and how its seeds do on every extra test set."""
    test = row.seeds("test_accuracy")
    if not ground.extra or not len(test):
        return ""
    text = f"; its {count(len(test), 'seed')} reach" if len(test) > 1 else "; it reaches"
    parts = [f"{between(test)} on test"]
    for name in ground.extra:
        values = row.seeds(f"{name}_accuracy")
        if len(values):
            turn = "but " if values.min() < test.min() - FAR else ""
            parts.append(f"{turn}on the extra test set *{escape(name.replace('_', ' '))}* {_split(values)}")
    last = parts.pop()
    joint = ", " if last.startswith("but ") else " and "
    return f"{text} {', '.join(parts)}{joint}{last}"


def _split(values: stats.Float64) -> str:
    """Return the range of shares, or where seeds fall apart how many lie at either end."""
    if len(values) < 2 or float(np.std(values, ddof=1)) <= WIDE:
        return between(values)
    high, low = int((values > HIGH).sum()), int((values < LOW).sum())
    rest = len(values) - high - low
    parts = [(high, f"at over {100 * HIGH:.0f} %"), (low, f"at under {100 * LOW:.0f} %"), (rest, "in between")]
    return ", ".join(f"{number} {words}" for number, words in parts if number)


def _only_trained(ground: Ground, near: list[Row]) -> str:
    best = ground.untrained
    if best is None:
        return ""
    told = ", which these seeds cannot tell from it" if best in near else ""
    return f"; no other model here is trained, and the best predictor is {escape(best.name)} with " + (
        f"{_score(best, ground)}{told}"
    )


def _fastest(group: list[Row]) -> str:
    """Return the fastest of the group's trained models, where its seeds are all faster than the runner-up's."""
    fast = sorted((r for r in group if len(r.speeds)), key=lambda r: -float(np.median(r.speeds)))
    places = {(r.device, r.backend, e) for r in fast for e in r.speed_environments}
    alone = {r.measured("train_windows_per_s") is not None for r in fast}
    unlike = len(places) > 1 or len(alone) > 1 or any(r.contended for r in fast)
    if len(fast) < 2 or unlike or fast[0].speeds.min() <= fast[1].speeds.max():
        return ""
    best = fast[0]
    shared = " (a timing that never settled)" if best.unstable else ""
    speed = thousands(float(np.median(best.speeds)))
    return f"; the fastest trained model among them is {escape(best.name)} at {speed} windows/s{shared}"


def recipes(results: Results, tables: Mapping[str, Table]) -> str:
    """Return whether the order survives when each model has its best recipe of a grid."""
    text = recipes_finding(results)
    return f"{text} ({tables['recipes'].link})." if text else ""


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
                f"{escape(best.name)} ({score(exact)}) has a lower MSE than every seed of {len(worse)} of "
                f"{count(len(trained), 'trained model')}: {escape(names(worse, LISTED))} ({tables[ground.key].link})"
            )
    return f"**Without training.** {_upper('; '.join(parts))}." if parts else ""


def printed(results: Results, tables: Mapping[str, Table]) -> str:
    """Return the published values that our seeds do not contain."""
    values = {v.key: v for v in published_values(results)}
    if not values:
        return ""
    judged = {key: v.judgement for key, v in values.items() if v.judgement is not None}
    if not judged:
        return "**Printed values.** One seed each has no spread to hold a printed value against."

    def listed(wanted: list[str]) -> str:
        parts = []
        for name in wanted:
            value = values[name]
            last = " last step" if value.last else ""
            ours = score(value.ours, 3)
            parts.append(f"{escape(value.row.name)}{last} {score(value.printed, 3)} printed, {ours} here")
        return "; ".join(parts[:LISTED]) + (f"; {len(parts) - LISTED} more" if len(parts) > LISTED else "")

    sentences = []
    exact = [n for n, j in judged.items() if j.exact]
    differ = [n for n in exact if judged[n].outside]
    if exact and differ:
        verb = "differs" if len(differ) == 1 else "differ"
        which = "the one exact value" if len(exact) == 1 else f"{len(differ)} of {len(exact)} exact values"
        sentences.append(f"{which} {verb}: {listed(differ)}")
    elif exact:
        sentences.append(f"{_all(len(exact), 'exact value')} {'matches' if len(exact) == 1 else 'match'}")
    if seeded := {n: j for n, j in judged.items() if not j.exact}:
        sentences.append(_seeded(seeded, [len(values[n].sample.values) for n in seeded], listed))
    return f"**Printed values.** {'. '.join(_upper(s) for s in sentences)} ({tables['reproduction'].link})."


def _seeded(judged: Mapping[str, stats.Judgement], seeds: list[int], listed: Callable[[list[str]], str]) -> str:
    """Return how many values our seeds exclude, and how far off a value had to be for that."""
    outside = [n for n, j in judged.items() if j.outside]
    missed = sum(j.missed for j in judged.values())
    total = count(len(judged), "value")
    factors = [j.factor for j in judged.values() if j.factor is not None]
    spanned = f"× {factor(float(np.median(factors)))}"
    if len(factors) > 1:
        spanned += f" in the median ({factor(min(factors))} to {factor(max(factors))})"
    these = " to ".join(str(n) for n in sorted({min(seeds), max(seeds)}))
    text = f"Of {total} from trained models, {len(outside) or 'none'} {'lies' if len(outside) < 2 else 'lie'} outside "
    text += "where one more seed of ours would fall, after Holm's correction"
    text += f" ({listed(outside)})" if outside else ""
    text += f"; {missed or 'none'} {'misses' if missed < 2 else 'miss'} the uncorrected 95 % prediction interval"
    return f"{text}; with {these} seeds a value had to differ by {spanned} to be called outside"


def errata(results: Results, tables: Mapping[str, Table]) -> str:
    """Return what each fault, alone, did to the validation MSE: as printed over corrected."""
    if "errata" not in tables:
        return ""
    parts: list[tuple[int, str]] = []
    variants = alone(results)
    for v, differs in zip(variants, told(variants), strict=True):
        name, ratio = escape(v.row.name), f"× {v.ratio:.2f}"
        if differs:
            parts.append((v.number, f"no. {v.number} {_verb(v.ratio or 1.0)} {name}, {ratio}"))
        else:
            parts.append((v.number, f"no. {v.number}: these seeds cannot tell its effect on {name} from none, {ratio}"))
    if partial := partial_effect(results):
        median = f"× {partial.median:.2f} (median of {count(len(partial.ratios), 'model')} scored both ways)"
        where = f"scored on positions {odd_positions(results.rows)} alone"
        text = f"no. {partial.number} {_verb(partial.median)} what is {where}, {median}"
        parts.append((partial.number, text))
    if not parts:
        return ""
    text = "; ".join(part for _, part in sorted(parts, key=lambda p: p[0]))
    return f"**Errata.** Validation MSE with each fault alone, over that without it: {text} ({tables['errata'].link})."


def _verb(ratio: float) -> str:
    return "flatters" if ratio < 1 else "hurts"


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
    stuck = [f"{escape(row.name)} {seed} ({_value(row, value)})" for row, seed, value in results.stuck()]
    if stuck:
        text += f"; stuck far from their other seeds: {', '.join(stuck[:LISTED])}"
    return f"{text} ({link})."


def _score(row: Row, ground: Ground) -> str:
    mean = row.mean(ground.column)
    exact = ", exact" if not row.trained else ""
    if ground.is_label:
        low, of = fallen(row.seeds(ground.column)), count(len(row.seeds(ground.column)), "seed")
        apart = f" in the mean, {low} of {of} stuck far below the others" if low else ""
        return f"{100 * mean:.2f} % validation accuracy{exact}{apart}"
    kind = "last-time-step MSE" if ground.common else "MSE"
    return f"a validation {kind} of {score(mean)}{exact}"


def _value(row: Row, value: float) -> str:
    return f"{100 * value:.2f} %" if row.info["target"] == LABEL else score(value)


def _tied(a: Row, b: Row, ground: Ground) -> bool:
    return a.mean(ground.column) == b.mean(ground.column)


def _all(number: int, noun: str) -> str:
    return f"the one {noun}" if number == 1 else f"both {noun}s" if number == 2 else f"all {number} {noun}s"


def _seed(seed: object) -> str:
    return "" if str(seed) == "<NA>" else f" seed {seed}"


def _upper(text: str) -> str:
    """Return a sentence with a capital, unless it begins with a name that is code, such as ``gru_8``."""
    return text if "_" in text.partition(" ")[0] else text[:1].upper() + text[1:]
