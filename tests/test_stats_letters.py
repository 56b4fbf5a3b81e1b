from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from bench import stats


def pairs(*names: str) -> set[frozenset[str]]:
    return {frozenset(name) for name in names}


def test_letters_of_a_chain_overlap() -> None:
    assert stats.letters("xyz", pairs("xz")) == {"x": "a", "y": "ab", "z": "b"}


def test_letters_of_all_and_of_none_apart() -> None:
    assert stats.letters("xyz", set()) == {"x": "a", "y": "a", "z": "a"}
    assert stats.letters("xyz", pairs("xy", "yz", "xz")) == {"x": "a", "y": "b", "z": "c"}
    assert stats.letters("", set()) == {}


def test_the_order_gives_the_first_letter_and_other_names_are_ignored() -> None:
    assert stats.letters(["z", "x"], pairs("xz", "xq")) == {"z": "a", "x": "b"}


def holds(order: list[str], apart: set[frozenset[str]], made: dict[str, str]) -> bool:
    return all(bool(set(made[a]) & set(made[b])) != (frozenset((a, b)) in apart) for a, b in combinations(order, 2))


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 9), st.data())
def test_two_models_share_a_letter_exactly_if_they_are_not_significantly_different(n: int, data: st.DataObject) -> None:
    order = [str(i) for i in range(n)]
    every = [frozenset(pair) for pair in combinations(order, 2)]
    apart = data.draw(st.sets(st.sampled_from(every))) if every else set()
    made = stats.letters(order, apart)
    assert list(made) == order
    assert holds(order, apart, made)
    assert made["0"].startswith("a")
    assert all(text and text == "".join(sorted(set(text))) for text in made.values())
    # Swept: without any one letter of a model, two that are not told apart would share none, or it would have none.
    for name, text in made.items():
        for sign in text:
            fewer = made | {name: text.replace(sign, "")}
            assert not fewer[name] or not holds(order, apart, fewer)


def test_more_than_fifty_two_groups_have_a_letter_each() -> None:
    order = [str(i) for i in range(60)]
    made = stats.letters(order, {frozenset(pair) for pair in combinations(order, 2)})
    assert len(set(made.values())) == 60
    assert all(len(text) == 1 and text.isalpha() for text in made.values())
