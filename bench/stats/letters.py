"""Compact letter display: which models differ significantly, in a column of letters."""

from collections.abc import Collection, Iterator, Sequence
from itertools import chain, combinations, count
from string import ascii_letters


def letters(order: Sequence[str], different: Collection[frozenset[str]]) -> dict[str, str]:
    """Return letters for the models such that two share one exactly where they do not differ.

    The first of ``order``, the best, has an ``a``. Pairs with a name outside ``order`` are ignored. After 52 letters
    come those of further alphabets; each is one character.

    Source: Piepho, An algorithm for a letter-based representation of all-pairwise comparisons, Journal of
    Computational and Graphical Statistics 13 (2004), insert-and-absorb, then sweeping.
    """
    place = {name: i for i, name in enumerate(order)}
    pairs = sorted(
        sorted(place[n] for n in pair) for pair in different if len(pair) == 2 and all(name in place for name in pair)
    )
    groups = [frozenset(range(len(order)))] if order else []
    for first, second in pairs:
        groups = _absorb(part for group in groups for part in _split(group, first, second))
    groups = sorted(_sweep(groups), key=sorted)
    signs = chain(ascii_letters, map(chr, count(0x100)))
    made = ["" for _ in order]
    for sign, group in zip(signs, groups, strict=False):
        for member in group:
            made[member] += sign
    return dict(zip(order, made, strict=True))


def _split(group: frozenset[int], first: int, second: int) -> tuple[frozenset[int], ...]:
    return (group - {second}, group - {first}) if first in group and second in group else (group,)


def _absorb(groups: Iterator[frozenset[int]]) -> list[frozenset[int]]:
    """Return the groups that lie in no other."""
    kept: list[frozenset[int]] = []
    for group in sorted(set(groups), key=len, reverse=True):
        if not any(group < other for other in kept):
            kept.append(group)
    return kept


def _sweep(groups: list[frozenset[int]]) -> list[frozenset[int]]:
    """Return the groups less the members that are not needed: every pair of theirs shares another group too."""
    swept = sorted(groups, key=sorted)
    for i in reversed(range(len(swept))):
        others = swept[:i] + swept[i + 1 :]
        said = {pair for other in others for pair in combinations(sorted(other), 2)}
        named = frozenset(chain.from_iterable(others))
        for member in sorted(swept[i], reverse=True):
            pairs = {(min(member, other), max(member, other)) for other in swept[i] if other != member}
            if member in named and pairs <= said:
                swept[i] -= {member}
    return [group for group in swept if group]
