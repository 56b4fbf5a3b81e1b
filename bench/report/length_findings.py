"""What `bench speed` found, in sentences: who is quickest where, how cost grows, whose grows faster than linearly."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench import stats
from bench.report.length_points import QUANTITIES, Curve, Quantity, last_slope, leaders, lengths_of
from bench.report.markdown import escape, listed, paragraphs

LINEAR = 1.0
"""The power of the length that a cost grows with which is the same at every step."""
SPEEDS = tuple(quantity for quantity in QUANTITIES if quantity.more_is_better)


@dataclass(frozen=True)
class Grown:
    """How the cost of a curve's network grows.

    Attributes:
        name: In Markdown.
        power: Over all lengths.
        last_low: Ends of the interval of the slope between the two longest windows,
        last_high: see `bench.report.length_points.last_slope`.
        between: Those two, in steps.
        linear: The model says that it grows linearly; None where it says nothing.
    """

    name: str
    power: stats.Power
    last_low: float
    last_high: float
    between: tuple[int, int]
    linear: bool | None

    @property
    def over_all(self) -> str:
        """The power over all lengths, in words."""
        return f"{in_words(self.power)} ({self.name})"

    @property
    def at_the_end(self) -> str:
        """The slope between the two longest windows, in words."""
        shorter, longer = self.between
        slope = f"{self.power.last:.2f} [{self.last_low:.2f}, {self.last_high:.2f}]"
        return f"{self.name} ({slope} from {shorter:,} to {longer:,} steps)"


def findings(curves: Sequence[Curve]) -> list[str]:
    """Return the findings on all curves, batch by batch, in Markdown."""
    batches = sorted({curve.batch for curve in curves})
    found = [text for batch in batches for text in _of_batch([c for c in curves if c.batch == batch], len(batches) > 1)]
    return found or ["No network was measured at any length."]


def in_words(power: stats.Power) -> str:
    """Return a power over all lengths, with its interval where it has one."""
    ends = "" if power.low is None else f" [{power.low:.2f}, {power.high:.2f}]"
    return f"{power.exponent:.2f}{ends}"


def _of_batch(curves: Sequence[Curve], several: bool) -> list[str]:
    training = SPEEDS[0]
    grown = sorted(filter(None, (_grown(curve, training) for curve in curves)), key=lambda each: each.power.exponent)
    ends = {quantity: _ends(curves, quantity) for quantity in SPEEDS}
    by_name = {each.name: each for each in grown}
    best = dict.fromkeys(escape(leaders(curves, training, length)[0].name) for length in ends[training])
    steep = [each for each in grown if each.last_low > LINEAR]
    return paragraphs(
        "length_findings",
        batch=f"At batch {curves[0].batch}: " if several else "",
        quickest={q.power_of: [_quickest(curves, q, length) for length in ends[q]] for q in SPEEDS if ends[q]},
        best=[by_name[name].over_all for name in best if name in by_name],
        ranked=[each.over_all for each in grown],
        steep=[each.at_the_end for each in steep],
        elsewhere={q.power_of: found for q in SPEEDS[1:] if (found := _against(curves, q))},
        all_say_so=all(each.linear is False for each in steep),
        against=[each.name for each in steep if each.linear],
        unseen=[each.at_the_end for each in grown if each not in steep and each.linear is False],
    )


def _against(curves: Sequence[Curve], quantity: Quantity) -> list[str]:
    """Return the networks that grow faster than linearly at the end, though their models say linearly, in words."""
    grown = filter(None, (_grown(curve, quantity) for curve in curves))
    return [each.at_the_end for each in grown if each.last_low > LINEAR and each.linear]


def _ends(curves: Sequence[Curve], quantity: Quantity) -> list[int]:
    """Return the shortest and the longest length that anything was measured at."""
    lengths = lengths_of(curves, quantity)
    return list(dict.fromkeys([*lengths[:1], *lengths[-1:]]))


def _quickest(curves: Sequence[Curve], quantity: Quantity, length: int) -> str:
    best, *others = leaders(curves, quantity, length)
    value = f"{quantity.show(best.points[length].spans[quantity.key].middle)} {quantity.unit}"
    beside = f"; rounds of {listed([escape(each.name) for each in others])} overlap with its own" if others else ""
    return f"{escape(best.name)} on {length:,} steps ({value}{beside})"


def _grown(curve: Curve, quantity: Quantity) -> Grown | None:
    power, costs = curve.power(quantity), curve.costs(quantity)
    ends = last_slope(power, costs, quantity) if power else None
    if power is None or ends is None:
        return None
    shorter, longer = list(costs)[-2:]
    linear = curve.growth == "linear" if curve.growth else None
    return Grown(escape(curve.name), power, *ends, (shorter, longer), linear)
