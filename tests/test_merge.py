"""Merging results folders: what is taken up, once, and what is refused with its file's name."""

from pathlib import Path

import numpy as np
import pytest

from bench.cli import call
from bench.kept import Kept, KeptErrors, digest_of, weights_to_bytes
from bench.measurement import measure_spec
from bench.store import Store, WeightStore
from tests.fakes import ENVIRONMENT, fake_measurement, fake_record

KEPT = Kept((KeptErrors("test", "best", "mse", "0" * 64, np.zeros(3, np.float32)),)).to_bytes()


def store(name, *records, kept=b""):
    made = Store(Path(name))
    made.prepare()
    for record in records:
        made.write(record, kept)
    return made


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def merge(capsys, *folders):
    code = call(["merge", *folders, "--results", "all"])
    return code, capsys.readouterr().out.splitlines()


def test_records_and_what_lies_beside_them_are_taken_up_once(capsys):
    record = fake_record("fake/rnn", 1, mse=0.1).model_copy(update={"kept": digest_of(KEPT)})
    node = store("node", record, kept=KEPT)
    weights = weights_to_bytes([np.arange(4.0, dtype=np.float32)])
    WeightStore(node).write(record, weights)
    node.write_measurement(fake_measurement(measure_spec(record.spec)))
    assert merge(capsys, "node") == (0, ["2 added to all, 0 were there"])
    everything = Store(Path("all"))
    assert everything.read() == [record]
    assert everything.read_kept(record).errors[0].truth == "0" * 64
    assert np.array_equal(WeightStore(everything).read(record)[0], np.arange(4.0))
    assert everything.read_measurements() == node.read_measurements()
    assert merge(capsys, "node") == (0, ["0 added to all, 2 were there"])
    assert sorted(p.name for p in Path("all").rglob("*.json")) == sorted(p.name for p in Path("node").rglob("*.json"))


def test_attempts_of_two_nodes_get_numbers_of_their_own(capsys):
    failed = fake_record("fake/rnn", 1, status="failed")
    store("one", failed)
    store("two", fake_record("fake/rnn", 1, mse=0.1))
    assert merge(capsys, "one", "two") == (0, ["2 added to all, 0 were there"])
    assert sorted((r.attempt, r.status) for r in Store(Path("all")).read()) == [(1, "failed"), (2, "done")]
    assert merge(capsys, "two", "one") == (0, ["0 added to all, 2 were there"])


def test_a_run_that_a_queue_began_twice_is_taken_up_once(capsys):
    store("one", fake_record("fake/rnn", 1, mse=0.1))
    store("two", fake_record("fake/rnn", 1, mse=0.1, ended_at="2026-01-02T09:09:09Z", host="another"))
    assert merge(capsys, "one", "two") == (0, ["1 added to all, 1 were there"])


def test_another_result_under_the_same_id_is_refused_and_named_and_the_rest_is_taken(capsys):
    first = fake_record("fake/rnn", 1, mse=0.1)
    store("all", first)
    other = fake_record("fake/rnn", 1, mse=0.2)
    store("node", other, fake_record("fake/rnn", 2, mse=0.1))
    code, said = merge(capsys, "node")
    assert code == 1
    assert said == [
        f"refused node/records/{other.key}.json: the same run in the same environment has another result in "
        f"all/records/{first.key}.json",
        "1 added to all, 0 were there, 1 refused",
    ]
    assert len(Store(Path("all")).read()) == 2


def test_another_environment_may_have_another_result(capsys):
    store("all", fake_record("fake/rnn", 1, mse=0.1))
    elsewhere = ENVIRONMENT.model_copy(update={"cpu": "Other CPU"})
    store("node", fake_record("fake/rnn", 1, mse=0.2, environment=elsewhere))
    assert merge(capsys, "node") == (0, ["1 added to all, 0 were there"])


def test_another_version_of_what_fitted_it_may_have_another_result(capsys):
    fitted = [
        fake_record("fake/naive", 0, mse=mse).model_copy(update={"libraries": {"scikit-learn": version}})
        for mse, version in ((0.1, "1.7"), (0.2, "1.8"), (0.3, "1.8"))
    ]
    store("all", fitted[0])
    store("node", fitted[1])
    store("other", fitted[2])
    assert merge(capsys, "node") == (0, ["1 added to all, 0 were there"])
    assert merge(capsys, "other")[0] == 1


@pytest.mark.parametrize("break_it", [lambda beside: beside.unlink(), lambda beside: beside.write_bytes(b"else")])
def test_a_record_whose_file_of_errors_is_not_its_own_is_refused(capsys, break_it):
    record = fake_record("fake/rnn", 1, mse=0.1).model_copy(update={"kept": digest_of(KEPT)})
    node = store("node", record, kept=KEPT)
    break_it(node.folder / f"{record.key}.npz")
    code, said = merge(capsys, "node")
    assert (code, len(said)) == (1, 2)
    assert said[0].startswith(f"refused node/records/{record.key}.npz: it is missing, or not the file")
    assert Store(Path("all")).read() == []


def test_a_broken_record_is_refused_by_name(capsys):
    record = fake_record("fake/rnn", 1, mse=0.1)
    path = store("node", record).folder / f"{record.key}.json"
    path.write_text(path.read_text()[:-100])
    code, said = merge(capsys, "node")
    assert code == 1
    assert said[0].startswith(f"refused {path}: ")


def test_what_is_no_results_folder_is_one_line(capsys):
    Path("empty").mkdir()
    store("all")
    assert call(["merge", "empty", "--results", "all"]) == 2
    assert "empty is no results folder" in capsys.readouterr().err
    assert call(["merge", "all", "--results", "all"]) == 2
    assert "all is the folder to merge into" in capsys.readouterr().err
