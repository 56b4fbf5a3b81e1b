"""What the microbenchmarks print and draw of numbers that are given; they themselves are run by `make microbench`."""

from types import SimpleNamespace

import pytest

from tests.microbench import conftest, seeds
from tests.microbench.test_backends import ways_of
from tests.microbench.ways import Gone


def lines_of(printed, *infos):
    said = []
    session = SimpleNamespace(benchmarks=[SimpleNamespace(extra_info=info) for info in infos])
    printed(SimpleNamespace(write_line=said.append), session)
    return "\n".join(said)


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table_of_backends_has_ratios_of_one_run():
    all_of = {"TensorFlow": 1.0, "JAX": 0.8, "JAX stacked": 0.4, "PyTorch fused": 0.5, "PyTorch eager": 2.0}
    some = {name: value for name, value in all_of.items() if not name.startswith("PyTorch")}
    text = lines_of(
        conftest._print_backends,
        {"backends_of": "gru", "s_per_epoch": all_of},
        {"backends_of": "linear", "s_per_epoch": some, "left_out": "PyTorch, since"},
    )
    _, header, _, gru, linear, left_out = text.splitlines()
    assert [cell.strip() for cell in gru.strip("|").split("|")][6:] == ["0.800", "0.500", "0.800"]
    assert [cell.strip() for cell in linear.strip("|").split("|")][4:] == ["", "", "0.800", "0.500", ""]
    assert "best / best PyTorch" in header
    assert left_out == "left out: PyTorch, since"
    assert lines_of(conftest._print_backends) == ""


def test_the_table_of_backends_has_what_is_installed():
    alone = lines_of(conftest._print_backends, {"backends_of": "gru", "s_per_epoch": {"TensorFlow": 1.0}})
    assert cells(alone.splitlines()[-1]) == ["gru", "1.000", "", "", ""]
    torch = {"PyTorch eager": 2.0, "TensorFlow": 1.0}
    fused = torch | {"PyTorch fused": 0.5}
    infos = [{"backends_of": name, "s_per_epoch": found} for name, found in (("linear", torch), ("gru", fused))]
    _, header, _, linear, gru = lines_of(conftest._print_backends, *infos).splitlines()
    assert [cell.strip() for cell in header.strip("|").split("|")][1:4] == [
        "TensorFlow",
        "PyTorch fused",
        "PyTorch eager",
    ]
    assert [cell.strip() for cell in linear.strip("|").split("|")][1:] == ["1.000", "", "2.000", "", "", "0.500"]
    assert cells(gru)[1:] == ["1.000", "0.500", "2.000", "", "", "2.000"]


def test_the_table_of_seeds_counts_all_of_them():
    text = lines_of(conftest._print_seeds, {"seeds_of": "gru", "s_per_epoch_and_seed": {"1": 0.5, "4": 0.25}})
    assert [cell.strip() for cell in text.splitlines()[-1].strip("|").split("|")] == ["gru", "0.500", "1.000", "0.500"]


def test_costs_are_written_read_and_drawn(tmp_path, capsys):
    costs = {"gru": {1: 0.5, 4: 0.25}, "lstm": {1: 0.6, 4: 0.2}}
    path = seeds.write(costs, "gpu:1", tmp_path)
    assert path.name == "seeds-gpu-1.csv"
    assert path.read_text().splitlines()[2] == "gpu:1,gru,4,1,0.25"
    assert seeds.read(path) == ("gpu:1", costs)
    seeds.main(["--draw", str(path)])
    assert path.with_suffix(".svg").stat().st_size > 1000
    assert capsys.readouterr().out == f"{path.with_suffix('.svg')}\n"


def test_networks_that_are_there_are_not_measured_again(tmp_path, monkeypatch, capsys):
    def measure(device, network, widths, log):
        if network == "large":
            raise Gone("RESOURCE_EXHAUSTED")
        return dict.fromkeys(widths, 1.0)

    monkeypatch.setattr(seeds, "measure", measure)
    words = ["--folder", str(tmp_path), "--widths", "1,2"]
    seeds.main([*words, "--networks", "gru,large"])
    assert "large RESOURCE_EXHAUSTED" in capsys.readouterr().out
    seeds.main([*words, "--networks", "gru,lstm"])
    assert capsys.readouterr().out.startswith("gru is there\nlstm ")
    assert set(seeds.read(tmp_path / "seeds-cpu.csv")[1]) == {"gru", "lstm"}


@pytest.mark.parametrize("network", ["linear", "seq2seq_lstm"])
def test_a_network_is_timed_in_every_way_that_is_installed(network, monkeypatch):
    monkeypatch.setattr("tests.microbench.test_backends.backend_version", lambda backend: "1")
    names = [way.name for way in ways_of(f"chapter15/{network}")]
    fused = ["PyTorch fused"] if network == "seq2seq_lstm" else []
    assert names == ["TensorFlow", "JAX", "JAX stacked", *fused, "PyTorch eager"]
    monkeypatch.setattr(
        "tests.microbench.test_backends.backend_version", lambda backend: "" if backend == "torch" else "1"
    )
    assert [way.name for way in ways_of(f"chapter15/{network}")] == ["TensorFlow", "JAX", "JAX stacked"]
