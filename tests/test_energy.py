"""Energy of a CPU by the counters that Linux shows; that of a GPU is in `tests/test_gpus.py`."""

from pathlib import Path

import pytest

from bench.energy import rapl


def zone(folder: Path, number: int, name: str, energy_uj: str) -> Path:
    """Make a zone as the kernel shows it."""
    made = folder / f"intel-rapl:{number}"
    made.mkdir()
    (made / "name").write_text(f"{name}\n", encoding="ascii")
    (made / "max_energy_range_uj").write_text("9000000\n", encoding="ascii")
    (made / "energy_uj").write_text(f"{energy_uj}\n", encoding="ascii")
    return made / "energy_uj"


def test_packages_are_added_up_and_a_counter_may_start_again(tmp_path: Path) -> None:
    first, second = zone(tmp_path, 0, "package-0", "8000000"), zone(tmp_path, 1, "package-1", "500000")
    zone(tmp_path, 2, "psys", "70000000")
    read = rapl(tmp_path)
    before = read()
    first.write_text("250000\n", encoding="ascii")
    second.write_text("750000\n", encoding="ascii")
    after = read()
    assert before == pytest.approx(8.5)
    assert after == pytest.approx(9.25 + 0.75)


@pytest.mark.parametrize("told", ["", "unavailable"])
def test_a_counter_that_tells_no_number_tells_none_at_all(tmp_path: Path, told: str) -> None:
    zone(tmp_path, 0, "package-0", "8000000")
    zone(tmp_path, 1, "package-1", told)
    assert rapl(tmp_path)() is None


def test_a_machine_without_counters_tells_none(tmp_path: Path) -> None:
    assert rapl(tmp_path)() is None
    assert rapl(tmp_path / "none")() is None
