"""Recipes: whether the order of the models under their default recipe survives when each has its best of a grid."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from scipy import stats as scipy_stats

from bench import stats
from bench.frames import RECIPE
from bench.report.markdown import NONE, count, effect, escape, percent, ranged, table
from bench.report.rows import is_error, recipe_word
from bench.report.sections.base import section
from bench.report.sections.training_order import agrees
from bench.report.summary import Ground, Results, Row

NUMBERS = ("learning_rate", "epochs", "batch_size", "early_stopping_epochs")
"""Recipe fields with an order, so that a chosen value can lie at an end of those tried."""


@dataclass(frozen=True)
class Family:
    """A case under every recipe of a grid, on one device and backend.

    Attributes:
        name: That of the case under its own recipe.
        default: Its row under its own recipe; None where that is not in the grid, or has no score.
        variants: Its rows under every recipe that ran, the default among them.
        best: The variant with the best validation score, of those whose runs all ended with one if there are any.
        column: Validation score of the ground.
        ranks: Whether the ground ranks it; False where it is scored on the easier positions alone.
    """

    name: str
    default: Row | None
    variants: tuple[Row, ...]
    best: Row
    column: str
    ranks: bool

    @property
    def test(self) -> str:
        """The test score's column."""
        return self.column.replace("valid", "test")

    @property
    def tuned(self) -> bool:
        """Whether another recipe than the default is best."""
        return self.best is not self.default

    @property
    def passed_over(self) -> list[Row]:
        """Variants that could not be chosen, since a run of theirs ended without a score."""
        return [r for r in self.variants if not _whole(r)] if _whole(self.best) else []

    @property
    def edges(self) -> list[str]:
        """Fields in which the best recipe's value is the lowest or highest of those tried, with it: in words."""
        found = []
        for field in NUMBERS:
            tried = sorted({float(r.info[field]) for r in self.variants if pd.notna(r.info[field])})
            own = self.best.info[field]
            if len(tried) > 1 and pd.notna(own) and float(own) in (tried[0], tried[-1]):
                found.append(f"{recipe_word(field)} {own}")
        return found

    @property
    def recipe(self) -> str:
        """What the best recipe sets otherwise than the default one; without a default, what the grid varies."""
        fields = [k for k in RECIPE if len({_text(r.info[k]) for r in self.variants}) > 1]
        if self.default is not None:
            base = self.default.info
            fields = [k for k in RECIPE if _text(self.best.info[k]) != _text(base[k])]
        return ", ".join(f"{recipe_word(k)} {_text(self.best.info[k])}" for k in fields)

    def gain(self) -> stats.Ratio | None:
        """Return the best recipe's test score over the default's (accuracy: less it), with its interval."""
        if self.default is None or not self.tuned:
            return None
        return stats.ratio(self.best.sample(self.test), self.default.sample(self.test), log=is_error(self.column))


def families(ground: Ground) -> list[Family]:
    """Return a ground's cases that a grid varies, in the order of their best recipes; empty without a grid."""
    column = ground.column
    bases = dict.fromkeys((str(r.info["variant_of"]), r.device, r.backend) for r in ground.rows if r.info["variant_of"])
    ranked = {r.name for r in ground.ranked}
    made = []
    for base, device, backend in bases:
        group = [r for r in ground.rows if base in (r.case, r.info["variant_of"])]
        group = [r for r in group if (r.device, r.backend) == (device, backend)]
        scored = [r for r in group if len(r.seeds(column))]
        if not scored:
            continue
        own = next((r for r in group if r.case == base), None)
        # Rows of a ground are best first.
        best = next((r for r in scored if _whole(r)), scored[0])
        default = own if own and len(own.seeds(column)) else None
        name = own.name if own else base
        made.append(Family(name, default, tuple(group), best, column, best.name in ranked))
    order = [r.name for r in ground.rows]
    return sorted(made, key=lambda f: (not f.ranks, order.index(f.best.name)))


def _whole(row: Row) -> bool:
    """Return whether every recorded run of a row ended with a score."""
    return bool((row.runs["status"] == "done").all())


def places(found: list[Family], pick: Callable[[Family], Row | None], column: str) -> dict[str, int]:
    """Return the ranks of the families that rank, by the mean score of the row that ``pick`` takes of each."""
    sign = 1 if is_error(column) else -1
    rows = {f.name: row for f in found if f.ranks and (row := pick(f)) is not None and len(row.seeds(column))}
    ranked = scipy_stats.rankdata([sign * r.mean(column) for r in rows.values()], method="min")
    return {name: int(place) for name, place in zip(rows, ranked, strict=True)}


def kept(found: list[Family], column: str) -> float | None:
    """Return Kendall's tau-b between the order under default recipes and under the best; None below two families."""
    default, best = places(found, _default, column), places(found, _best, column)
    both = [(default[name], best[name]) for name in default if name in best]
    if len(both) < 2:
        return None
    tau = float(scipy_stats.kendalltau(*zip(*both, strict=True)).statistic)
    return None if tau != tau else tau


def told_apart(found: list[Family]) -> tuple[list[str], set[frozenset[str]]]:
    """Return the names of the ranked families by test score under their best recipes, and the pairs told apart."""
    ranked = {f.name: f for f in found if f.ranks and len(f.best.seeds(f.test))}
    samples = {name: f.best.sample(f.test) for name, f in ranked.items()}
    if not ranked:
        return [], set()
    test = next(iter(ranked.values())).test
    log = is_error(test)
    order = sorted(ranked, key=lambda name: (1 if log else -1) * ranked[name].best.mean(test))
    return order, stats.told_apart(samples, log=log)


def _default(family: Family) -> Row | None:
    return family.default


def _best(family: Family) -> Row | None:
    return family.best


@section("recipes", "Recipes: the order under the default and under the best recipe", order=50)
def recipes_table(results: Results) -> tuple[str, list[str]] | None:
    """Return each varied case under its default and its best recipe, with ranks under both; None without a grid."""
    lines, notes, passed = [], [], []
    edges: dict[str, list[str]] = {}
    unranked: dict[str, list[str]] = {}
    for ground in results.grounds:
        found = families(ground)
        if not found:
            continue
        before, after = places(found, _default, ground.column), places(found, _best, ground.column)
        order, apart = told_apart(found)
        signs = stats.letters(order, apart)
        show = percent if ground.is_label else ranged
        for f in found:
            cells = [escape(ground.title), escape(f.name) + ("" if f.ranks else " ‡"), _recipe(f)]
            for row in (f.default, f.best):
                cells += [show(row.interval(c)) if row else NONE for c in (f.column, f.test)]
            cells += [_runs(f.best), effect(f.gain(), points=ground.is_label)]
            cells += [str(p.get(f.name, NONE)) for p in (before, after)]
            lines.append([*cells, signs.get(f.name, NONE)])
            if f.edges:
                edges.setdefault(ground.title, []).append(f"{escape(f.name)} ({escape(', '.join(f.edges))})")
            passed += [escape(r.name) for r in f.passed_over]
            if not f.ranks:
                unranked.setdefault(ground.title, []).append(escape(f.name))
        notes.append(f"**{escape(ground.title)}.** {_survival(found, order, apart)}")
    if not lines:
        return None
    headers = [
        "table",
        "model",
        "best recipe",
        "default: valid",
        "default: test",
        "best: valid",
        "best: test",
        "best: runs",
    ]
    headers += ["test, best ÷ default", "rank, default", "rank, best", "group"]
    return table(headers, lines, text_columns=3), [*_rules(results, edges, passed, unranked), *notes]


def _recipe(family: Family) -> str:
    if not family.tuned:
        return "default"
    return escape(family.recipe)


def _runs(row: Row) -> str:
    return f"{len(row.done)} of {row.info['n_planned']}"


def _rules(
    results: Results, edges: dict[str, list[str]], passed: list[str], unranked: dict[str, list[str]]
) -> list[str]:
    notes = [
        "The best recipe of a model is that of its variants, its default among them, whose mean validation score "
        "after the last epoch is best; both ranks are by validation. The best of several is chosen for its luck, too; "
        "test scores are of the same networks and share that luck, if no more of it than the seeds' spread allows: of "
        "three equal recipes another than the default comes first in two models of three. Fresh seeds of the chosen "
        "recipe alone would be free of it. *Test, best ÷ default* is the ratio of geometric means [95 % interval of "
        "that one comparison]"
        + (", for labels the difference of accuracies in points" if any(g.is_label for g in results.grounds) else "")
        + ". Two models share a letter of *group* exactly where these seeds cannot tell their test scores under the "
        "best recipes apart."
    ]
    if edges:
        listed = _by_table(edges)
        notes.append(f"The value chosen is the lowest or highest tried, so that a wider grid may do better. {listed}")
    if passed:
        listed = ", ".join(dict.fromkeys(passed))
        notes.append(f"Never chosen, since a run of theirs ended without a score: {listed}.")
    if unranked:
        notes.append(f"‡ Scored on the easier positions alone, so that it does not rank. {_by_table(unranked)}")
    return notes


def _by_table(named: dict[str, list[str]]) -> str:
    return " ".join(f"{escape(title)}: {'; '.join(found)}." for title, found in named.items())


def _survival(found: list[Family], order: list[str], apart: set[frozenset[str]]) -> str:
    """Return whether the order survives the choice of recipes, who leads, and who is told from the leader."""
    ranked = [f for f in found if f.ranks]
    if not ranked:
        return "No model ranks here."
    column, test = ranked[0].column, ranked[0].test
    if len(ranked) == 1:
        return f"Only {escape(ranked[0].name)} ranks, so there is no order."
    sentences = []
    tau, on_test = kept(found, column), kept(found, test)
    if tau is not None:
        n = len([f for f in ranked if f.default is not None])
        tail = f", on test tau = {on_test:.2f}" if on_test is not None else ""
        sentences.append(
            f"The order under the default recipes {agrees(tau)} that under the best ones: tau = {tau:.2f}{tail} "
            f"({count(n, 'model')})."
        )
    sentences.append(f"{_leads(found, column)}.")
    if order:
        near = [escape(name) for name in order[1:] if frozenset((order[0], name)) not in apart]
        told = f"cannot tell {', '.join(near)} from it" if near else "tell every other model from it"
        sentences.append(f"On test, with the best recipes, {escape(order[0])} is first, and these seeds {told}.")
    return " ".join(sentences)


def _leads(found: list[Family], column: str) -> str:
    """Return who leads under the default recipes, and who under the best."""
    before, after = (_lead(places(found, pick, column)) for pick in (_default, _best))
    if before == after:
        return f"{before} under both"
    return (
        f"{before} under the default recipes, {after} under the best" if before else f"{after} under the best recipes"
    )


def _lead(ranks: dict[str, int]) -> str:
    """Return who leads, with the verb: ``GRU leads``; empty without ranks."""
    first = [escape(name) for name, place in ranks.items() if place == 1]
    return f"{' and '.join(first)} lead{'s' if len(first) == 1 else ''}" if first else ""


def _text(value: str | float | None) -> str:
    return "" if pd.isna(value) else str(value)


def recipes_finding(results: Results) -> str:
    """Return in a sentence, naming no table, whether the order survives the choice of recipes; empty without a grid."""
    parts = []
    for ground in results.leading():
        found = families(ground)
        tau = kept(found, ground.column)
        if tau is None:
            continue
        lower = sum(_gains(f) for f in found)
        has, none = "has" if lower < 2 else "have", 0 if ground.is_label else 1
        parts.append(
            f"on {escape(ground.title)}, {lower or 'none'} of {count(len(found), 'model')} {has} a better test score "
            "under a recipe chosen on validation than under the default, by a 95 % interval of its own that leaves "
            f"{none} out; "
            f"{_leads(found, ground.column)} (Kendall's tau between the orders {tau:.2f}){_at_edges(found)}"
        )
    text = "; ".join(parts)
    return f"**Recipes.** {text[:1].upper()}{text[1:]}" if text else ""


def _at_edges(found: list[Family]) -> str:
    """Return how many models chose a value at an end of those tried; empty where none did."""
    number = sum(bool(f.edges) for f in found)
    if not number:
        return ""
    who = "every model" if number == len(found) else f"{number} of {count(len(found), 'model')}"
    return f"; {who} chose the lowest or highest value tried, so that a wider grid may do better"


def _gains(family: Family) -> bool:
    """Return whether the interval of a family's gain on test leaves no gain out."""
    gain = family.gain()
    if gain is None or gain.low is None or gain.high is None:
        return False
    return gain.high < 1 if is_error(family.column) else gain.low > 0
