"""A network with kept weights as a model of MLflow: signature, example of its input, and the loader `bench.served`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cases.base import make_dataset, make_model
from bench.datasets.loaded import load
from bench.models.base import Network
from bench.record import RunRecord
from bench.served import write_served
from bench.task import Array

LOADER = "bench.served"


@dataclass(frozen=True)
class ServedModel:
    """What MLflow gets of one run's network.

    Attributes:
        record: Of the run.
        weights: Of its best epoch, in the order of a program's `weights`.
    """

    record: RunRecord
    weights: list[NDArray[Any]]

    @property
    def name(self) -> str:
        """What the model is called: MLflow allows no slash, colon or dot and few other signs in it."""
        return "".join(sign if sign.isalnum() or sign in "-_ " else "-" for sign in self.record.spec.case)

    def example(self) -> Array:
        """Return the first window of the test set ``(1, steps, [features])``.

        Raises:
            BenchError: The data are not there.
        """
        spec = self.record.spec
        dataset = make_dataset(spec.dataset.name, spec.dataset.all_params)
        first: Array = np.asarray(load(dataset, spec.data_seed).splits.test.x[:1])
        return first


def save(served: ServedModel, folder: Path, about: Any = None) -> Path:
    """Write a model as `mlflow.pyfunc.load_model` reads it into a new folder; return it.

    Args:
        served: What to write.
        folder: One that is there and empty: the model lies in ``model`` in it.
        about: The `mlflow.models.Model` that names run and model; None for none.

    Raises:
        BenchError: The data, of which an example is taken, are not there.
        OSError: It cannot be written.
    """
    from mlflow import pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    record, example = served.record, served.example()
    data, path = folder / "data", folder / "model"
    data.mkdir()
    write_served(data, record, served.weights)
    outputs = TensorSpec(np.dtype(np.float32), (-1, *_output_shape(record)))
    inputs = TensorSpec(example.dtype, (-1, *example.shape[1:]))
    seen = record.environment
    pyfunc.save_model(
        str(path),
        loader_module=LOADER,
        data_path=str(data),
        signature=ModelSignature(Schema([inputs]), Schema([outputs])),
        input_example=example,
        # Named, or MLflow would load the model in a process of its own to find them out.
        pip_requirements=[f"sequence-bench[{record.spec.backend}]", f"keras=={seen.keras}", f"numpy=={seen.numpy}"],
        metadata={"run_id": record.run_id, "case": record.spec.case, "backend": record.spec.backend},
        **({} if about is None else {"mlflow_model": about}),
    )
    return path


def _output_shape(record: RunRecord) -> tuple[int, ...]:
    """Return the shape of one window's forecast, as the network gives it."""
    spec, task = record.spec, record.task
    assert task is not None
    if not task.target.every_position:
        return task.output_shape
    model = make_model(spec.model.name, spec.model.all_params)
    assert isinstance(model, Network)
    return len(range(task.input_length or 0)[model.positions(task)]), *task.output_shape
