"""A network with kept weights in MLflow: loaded from there it forecasts what it forecasts here."""

import mlflow
import numpy as np
import pytest

from bench.cases.base import Case
from bench.datasets.loaded import load
from bench.errors import BenchError
from bench.forecasting import forecasts
from bench.models.linear import Linear
from bench.served import _load_pyfunc, write_served
from bench.tracking import Mirror, ServedModel, tracking_uri
from bench.training import make_program
from tests.conftest import BACKEND
from tests.fakes import fake_record
from tests.tables import ROWS, dates, made, series, write
from tests.tracking_fakes import EXPERIMENT, SWEEP, FakeTracker


def of_a_file():
    """A case on a file of its own, which a test may take away."""
    return Case(made(path=write("served", day=dates(ROWS), units=series())), Linear(), label="net", name="t/net.1")


@pytest.fixture(scope="module")
def served():
    case = of_a_file()
    record = fake_record(case, 42, backend=BACKEND, mse=1.0)
    program = make_program(BACKEND, case.model, case.recipe, load(case.dataset, 42).splits)
    weights = program.fresh_weights(7)
    program.close()
    return ServedModel(record, weights)


def test_a_model_from_mlflow_forecasts_what_the_run_forecasts(served, tmp_path, monkeypatch, capfd):
    uri, warnings = tracking_uri(tmp_path / "results", {}), []
    for _ in range(2):  # the second time adds nothing
        mirror = Mirror(uri, EXPERIMENT, SWEEP, warn=warnings.append)
        mirror.send(served.record)
        mirror.send_model(served)
        mirror.close(120)
    assert warnings == []
    assert "".join(capfd.readouterr()) == ""
    client = mlflow.MlflowClient(tracking_uri=uri)
    (experiment,) = client.search_experiments(filter_string=f"name = '{EXPERIMENT}'")
    (found,) = client.search_logged_models([experiment.experiment_id])
    assert found.name == "t-net-1"
    run = client.get_run(found.source_run_id)
    assert (run.data.tags["bench.model"], run.data.params["case"]) == (found.model_id, "t/net.1")
    before = mlflow.get_tracking_uri()
    try:
        mlflow.set_tracking_uri(uri)
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        model = mlflow.pyfunc.load_model(f"models:/{found.model_id}")
        example = model.input_example
    finally:
        mlflow.set_tracking_uri(before)
    np.testing.assert_array_equal(example, served.example())
    assert model.metadata.signature.inputs.inputs[0].shape == (-1, 14, 1)
    expected = forecasts(served.record.spec, [served.weights], example)[0]
    answer = model.predict(example)
    np.testing.assert_array_equal(answer, expected)
    assert model.metadata.signature.outputs.inputs[0].shape == (-1, *answer.shape[1:])
    kernel, bias = served.weights
    np.testing.assert_allclose(answer[0], example[0, :, 0] @ kernel + bias, rtol=1e-5)


def test_weights_of_another_network_are_not_served(served, tmp_path):
    write_served(tmp_path, served.record, [np.zeros((2, 2), np.float32)])
    with pytest.raises(BenchError, match="are of another network"):
        _load_pyfunc(str(tmp_path))


def test_a_model_whose_data_are_gone_is_told_and_the_records_arrive(served):
    class Loads(FakeTracker):
        def log_model(self, run_id, served):
            served.example()

    spec = served.record.spec
    params = spec.dataset.params | {"path": "gone.csv"}
    spec = spec.model_copy(update={"dataset": spec.dataset.model_copy(update={"params": params})})
    lost = ServedModel(served.record.model_copy(update={"spec": spec}), served.weights)
    warnings = []
    mirror = Mirror("http://host/", EXPERIMENT, SWEEP, warn=warnings.append, tracker=Loads())
    mirror.send(lost.record)
    mirror.send_model(lost)
    outcome = mirror.close(60)
    assert (outcome.sent, outcome.missing) == (1, 0)
    assert len(warnings) == 1
    assert warnings[0].startswith("the model of t/net.1 was not sent to MLflow: gone.csv: cannot be read")
