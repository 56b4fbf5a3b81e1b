"""Every simulation in small, and what `python -m tests.simulate` writes."""

import csv

import numpy as np
import pytest

from tests.simulate.__main__ import main
from tests.simulate.base import Found, Simulation, mean, share, simulations

FEW, MORE = 100, 400
"""Draws of every simulation but the dear ones, and of all, which is left to `make test-variants`."""
ALL = [pytest.param(each, MORE, id=f"{each.name}-{MORE}", marks=pytest.mark.variant) for each in simulations()]
QUICK = [pytest.param(each, FEW, id=f"{each.name}-{FEW}") for each in simulations() if not each.dear]


@pytest.mark.parametrize(("simulation", "draws"), [*QUICK, *ALL])
def test_what_the_statistics_promise_is_kept(simulation: Simulation, draws: int) -> None:
    found = simulation(draws)
    assert any(row.promised for row in found)
    assert [row for row in found if not row.kept] == []


def test_a_promise_that_is_broken_is_seen() -> None:
    rng = np.random.default_rng(0)
    hits = rng.random(2_000) < 0.2
    assert not share("", "", hits, (0.045, 0.055)).kept
    assert share("", "", hits, (0.15, 0.25)).kept
    assert share("", "", hits).kept
    biased = mean("", "", 0.1 + 0.5 * rng.standard_normal(2_000), (0.0, 0.0))
    assert not biased.kept
    assert biased.low < 0.1 < biased.high


def test_a_simulation_draws_the_same_twice() -> None:
    found = {simulation.name: (simulation(50), simulation(50)) for simulation in simulations()[-2:]}
    assert all(first == again for first, again in found.values())


@pytest.fixture
def few(monkeypatch):
    """Two small simulations in place of all."""

    def made(name, promised):
        def run(draws, rng):
            return [share("one", "hit", rng.random(draws) < 0.5, promised), share("two", "miss", rng.random(draws) < 1)]

        return Simulation(name, name.title(), f"About {name}.", run)

    known = [made("fair", (0.4, 0.6)), made("unfair", (0.9, 1.0))]
    monkeypatch.setattr("tests.simulate.__main__.simulations", lambda: known)
    return known


def test_all_is_written_and_what_is_not_kept_fails(few, tmp_path, capsys) -> None:
    assert main(["--draws", "1000", "--folder", str(tmp_path / "made")]) == 1
    assert "not kept: unfair, one: hit" in capsys.readouterr().out
    text = (tmp_path / "made" / "README.md").read_text()
    assert "`make simulate DRAWS=1000`" in text
    assert "## Fair\n\nAbout fair.\n\n|  | hit | miss |\n|---|--:|--:|\n| one | " in text
    assert "(90.0 to 100.0) ✗ |" in text
    with (tmp_path / "made" / "simulations.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["simulation"], r["setting"], r["promised"], r["draws"]) for r in rows[:2]] == [
        ("fair", "one", "0.4 to 0.6", "1000"),
        ("fair", "two", "", "1000"),
    ]
    few.pop()
    assert main(["--draws", "1000", "--folder", str(tmp_path / "made")]) == 0


def test_a_simulation_that_fails_leaves_what_was_written(few, tmp_path) -> None:
    def broken(draws, rng) -> list[Found]:
        raise ZeroDivisionError

    main(["--draws", "100", "--folder", str(tmp_path)])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    few.append(Simulation("broken", "", "", broken))
    with pytest.raises(ZeroDivisionError):
        main(["--draws", "200", "--folder", str(tmp_path)])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("draws", ["0", "-1", "many", "1e3"])
def test_a_number_of_draws_that_is_none_is_refused(draws, capsys) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--draws", draws])
    assert "is no number of draws" in capsys.readouterr().err
