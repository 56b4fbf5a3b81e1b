"""A network with kept weights as MLflow loads it: a folder with the record of its run and its weights, and no pickle.

Neither MLflow nor the run's data are needed here.
"""

from pathlib import Path
from typing import Any

import numpy as np

from bench.cases.base import make_dataset, make_model
from bench.datasets.loaded import declared
from bench.engines.base import Program, engines, load_engine
from bench.errors import BenchError
from bench.kept import weights_from_bytes, weights_to_bytes
from bench.models.base import Network
from bench.record import RunRecord
from bench.store import read_record
from bench.store.text import to_json
from bench.task import Array, Split

RECORD, WEIGHTS = "record.json", "weights.npz"


class Served:
    """A network that forecasts windows; made by `_load_pyfunc`."""

    def __init__(self, program: Program, dtype: type[np.generic]):
        self._program, self._dtype = program, dtype

    def predict(self, x: Any, params: dict[str, Any] | None = None) -> Array:
        """Return what the network forecasts of windows, as `bench.engines.base.Program.forecast`.

        Args:
            x: As `bench.task.Split.x`: scaled as the run's training windows were.
            params: MLflow's; there are none.
        """
        return self._program.forecast(np.asarray(x, self._dtype))


def write_served(folder: Path, record: RunRecord, weights: list[Array]) -> None:
    """Write what `_load_pyfunc` reads into a folder that is there.

    Raises:
        OSError: It cannot be written.
    """
    (folder / RECORD).write_text(to_json(record), encoding="utf-8")
    (folder / WEIGHTS).write_bytes(weights_to_bytes(weights))


def _load_pyfunc(path: str) -> Served:
    """Return the network in a folder, on the CPU; called by MLflow, by this name.

    Raises:
        BenchError: The backend is missing, or the network is another one today.
        OSError: A file is missing.
        ValueError: A file is broken.
    """
    record, _ = read_record(Path(path, RECORD).read_text(encoding="utf-8"))
    weights, spec = weights_from_bytes(Path(path, WEIGHTS).read_bytes()), record.spec
    dataset = make_dataset(spec.dataset.name, spec.dataset.all_params)
    model = make_model(spec.model.name, spec.model.all_params)
    assert isinstance(model, Network)
    assert spec.recipe is not None
    taught, asked = declared(dataset)
    load_engine(spec.backend, "cpu")
    windows = spec.recipe.batch_size
    kind = np.float32 if asked.vocabulary is None else np.int32
    # Of training windows a program that only forecasts needs shapes alone.
    shape = tuple(size or 1 for size in taught.input_shape(windows))
    classes = np.int32 if taught.target.is_class and taught.classes > 2 else np.float32
    mask = np.ones(taught.mask_shape(windows), np.bool_) if taught.masked else None
    train = Split(taught, np.zeros(shape, kind), np.zeros(taught.target_shape(windows), classes), mask=mask)
    program = engines.get(spec.backend).make_program(model, spec.recipe, train, asked)
    if [np.shape(each) for each in program.weights()] != [np.shape(each) for each in weights]:
        raise BenchError(f"the weights of run {spec.run_id} are of another network; install the version that made them")
    program.load(weights)
    return Served(program, kind)
