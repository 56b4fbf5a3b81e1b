"""Two reports' verdicts against their leaders: which changed, and which were marked fragile."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bench.stats import Verdict


@dataclass(frozen=True)
class Standing:
    """What one leaderboard says.

    Attributes:
        board: Its key, by which the two reports' are matched.
        title: What it is called.
        leader: Place of the row that leads.
        verdicts: Of each ranked row by its place, the leader's among them.
        fragile: Places of rows whose verdict is marked fragile, see `bench.stats.flip_chances`.
        names: What rows are called, by place.
    """

    board: str
    title: str
    leader: str
    verdicts: Mapping[str, Verdict]
    fragile: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Flip:
    """One row whose verdict is not the same in both.

    Attributes:
        board: Title of the leaderboard.
        name: What the row is called.
        a: Its verdict in A.
        b: In B.
        fragile_a: Whether A marks it fragile.
        fragile_b: Whether B does.
    """

    board: str
    name: str
    a: Verdict
    b: Verdict
    fragile_a: bool
    fragile_b: bool

    @property
    def fragile(self) -> bool:
        """Whether either of the two marks it."""
        return self.fragile_a or self.fragile_b


@dataclass(frozen=True)
class Verdicts:
    """All of a comparison's verdicts.

    Attributes:
        flips: Those that changed.
        leaders: Of each leaderboard of both, its title and who leads in A and in B.
        held: How many did not change.
        fragile: Those of them that either marks fragile, as ``leaderboard: row (verdict)``.
        alone: Leaderboards and rows that one of the two has alone, as a text each.
    """

    flips: tuple[Flip, ...]
    leaders: Mapping[str, tuple[str, str]]
    held: int
    fragile: tuple[str, ...]
    alone: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether any verdict is another."""
        return bool(self.flips)


def compare_verdicts(a: Iterable[Standing], b: Iterable[Standing]) -> Verdicts:
    """Compare two reports' leaderboards, matched by key, row by row.

    A verdict is one against the leader of its own report: where another row leads, the two that changed places are
    flips themselves.
    """
    first, second = ({s.board: s for s in standings} for standings in (a, b))
    flips, fragile, alone, held = [], [], [], 0
    leaders = {}
    for key in dict.fromkeys([*first, *second]):
        if key not in first or key not in second:
            alone.append(f"{(first.get(key) or second[key]).title}: only in {'A' if key in first else 'B'}")
            continue
        one, other = first[key], second[key]
        names = {**other.names, **one.names}
        leaders[one.title] = names.get(one.leader, one.leader), names.get(other.leader, other.leader)
        for place in dict.fromkeys([*one.verdicts, *other.verdicts]):
            name = names.get(place, place)
            if place not in one.verdicts or place not in other.verdicts:
                alone.append(f"{one.title}: {name} only in {'A' if place in one.verdicts else 'B'}")
                continue
            was, now = one.verdicts[place], other.verdicts[place]
            marked = place in one.fragile, place in other.fragile
            if was is not now:
                flips.append(Flip(one.title, name, was, now, *marked))
                continue
            held += 1
            if any(marked):
                fragile.append(f"{one.title}: {name} ({was})")
    return Verdicts(tuple(flips), leaders, held, tuple(fragile), tuple(alone))
