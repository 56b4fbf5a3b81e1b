"""Where runs are tracked: the protocol, and MLflow behind it. No other module imports mlflow.

MLflow is imported when a tracker is opened, since that takes seconds.
"""

import logging
import os
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bench.tracking.advice import unusable
from bench.tracking.database import ARTIFACTS, drop_init_lock, prepare
from bench.tracking.items import Artifact, Dataset, Item, Tag
from bench.tracking.limits import batches, fit_key, fit_name, fit_tags
from bench.tracking.models import ServedModel, save

DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_ALLOW_FILE_STORE": "true",
}
"""Environment variables that silence MLflow, make it give up in seconds, and let it keep runs in files where that is
what MLFLOW_TRACKING_URI asks for; what a user has set stays."""
NO_HOME = "/nonexistent"
"""The home of users that have none, by convention: MLflow makes paths of it when it is imported, and uses none."""


@dataclass(frozen=True)
class Run:
    """A run that is there already."""

    run_id: str
    tags: Mapping[str, str]


class Refused(Exception):
    """The tracker takes nothing of this kind, now or later, while it works otherwise."""


class Tracker(Protocol):
    """What the mirror needs of a tracking server.

    Every method may raise anything; `Refused` where only what was sent is at fault, `Unusable` where it is of no use
    to try again.
    """

    def open(self, experiment: str) -> None:
        """Connect, and find or make the experiment; called again after a failure."""

    def tag_experiment(self, tags: Iterable[Tag]) -> None:
        """Set tags of the experiment itself: its description, and views of it."""

    def find(self, tags: Mapping[str, str]) -> Run | None:
        """Return a run of the experiment that carries all these tags."""

    def create(self, name: str, start_ms: int, tags: Mapping[str, str]) -> str:
        """Start a run; return its id."""

    def log(self, run_id: str, items: Iterable[Item]) -> None:
        """Send items. What was sent before is sent again without harm."""

    def log_folder(self, run_id: str, folder: Path, path: str) -> None:
        """Send a folder's files under ``path``."""

    def log_model(self, run_id: str, served: ServedModel) -> str:
        """Send a network with its weights as a model of the run; return the model's id.

        Raises:
            BenchError: The data, of which an example is taken, are not there.
        """

    def set_status(self, run_id: str, status: str, end_ms: int | None = None) -> None:
        """Set the run's status: FINISHED, FAILED, KILLED or RUNNING, and unless it is the last of these its end."""


def connect(uri: str) -> Any:
    """Return MLflow's client of a server or file.

    Raises:
        Exception: MLflow's own; of an address that will never do, some say so only when something is asked.
    """
    from mlflow import MlflowClient

    # Again, in case somebody imported mlflow before: its first start logs each migration.
    logging.getLogger("mlflow").setLevel(os.environ["MLFLOW_LOGGING_LEVEL"].upper())
    logging.getLogger().addHandler(logging.NullHandler())  # a root without one prints what MLflow tells it
    # No models are registered, so what MLFLOW_REGISTRY_URI names does not matter.
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def check(uri: str) -> None:
    """Ask for an experiment at an address.

    Raises:
        Exception: It cannot be asked; `Unusable` where that will not pass.
    """
    set_up(os.environ)
    try:
        connect(uri).search_experiments(max_results=1)
    except Exception as error:
        if advice := unusable(error, uri):
            raise advice from None
        raise


def set_up(environ: MutableMapping[str, str]) -> None:
    """Set the environment variables under which MLflow is imported, here or in a process of its own."""
    environ.update({"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"})
    for name, value in DEFAULTS.items():
        environ.setdefault(name, value)
    try:
        Path.home()
    except RuntimeError:  # no HOME, and a user whom the system does not know, as in a container
        environ["HOME"] = NO_HOME


class MlflowTracker:
    """Runs in MLflow, by explicit ids: the implicit active run is never touched.

    Artifacts of an SQLite file lie in ``artifacts`` beside it; a server keeps them where it likes.

    Args:
        uri: Of the server or file.
        say: Told in one line where an older database was kept.
    """

    def __init__(self, uri: str, say: Callable[[str], None] = print):
        self.uri = uri
        self._say = say
        self._client: Any = None
        self._experiment_id = ""

    def open(self, experiment: str) -> None:
        """See `Tracker.open`.

        Raises:
            OSError: The SQLite file cannot be used just now.
            Unusable: There is nothing at this address that takes runs.
        """
        set_up(os.environ)
        # A filter for good: warnings.catch_warnings is not safe beside other threads.
        warnings.filterwarnings("ignore", module=r"(mlflow|alembic|sqlalchemy)(\.|$)")
        database = prepare(self.uri, self._say)
        try:
            self._client = connect(self.uri)
            self._experiment_id = self._find_or_create(
                experiment, database.with_name(ARTIFACTS).as_uri() if database else None
            )
        except Exception as error:
            if advice := unusable(error, self.uri):
                raise advice from None
            raise
        finally:
            if database:
                drop_init_lock(self.uri)

    def _find_or_create(self, name: str, artifacts: str | None) -> str:
        from mlflow.exceptions import MlflowException

        client = self._client
        found = client.get_experiment_by_name(name)
        if found is None:
            # The kind makes the UI open on runs and charts; without it, it asks.
            tags = {"mlflow.experimentKind": "custom_model_development"}
            try:
                made = client.create_experiment(name, artifact_location=artifacts, tags=tags)
                if not made:
                    raise MlflowException("an experiment with no id was made")
                return str(made)
            except MlflowException:
                found = client.get_experiment_by_name(name)  # another process was faster
                if found is None:
                    raise
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        if not found.experiment_id:
            raise MlflowException("an experiment with no id was found")
        return str(found.experiment_id)

    def tag_experiment(self, tags: Iterable[Tag]) -> None:
        """See `Tracker.tag_experiment`."""
        for key, value in fit_tags({tag.key: tag.value for tag in tags}).items():
            self._client.set_experiment_tag(self._experiment_id, key, value)

    def find(self, tags: Mapping[str, str]) -> Run | None:
        """See `Tracker.find`."""
        query = " and ".join(f"tags.`{key}` = {_quoted(value)}" for key, value in fit_tags(tags).items())
        found = self._client.search_runs([self._experiment_id], query, max_results=1)
        return Run(found[0].info.run_id, found[0].data.tags) if found else None

    def create(self, name: str, start_ms: int, tags: Mapping[str, str]) -> str:
        """See `Tracker.create`."""
        with _refusals():
            run = self._client.create_run(self._experiment_id, start_ms, fit_tags(tags), fit_name(name))
        return str(run.info.run_id)

    def log(self, run_id: str, items: Iterable[Item]) -> None:
        """See `Tracker.log`."""
        from mlflow import entities

        items = list(items)
        for batch in batches(items):
            with _refusals():
                self._client.log_batch(
                    run_id,
                    [entities.Metric(m.key, m.value, m.time_ms, m.step) for m in batch.metrics],
                    [entities.Param(p.key, p.value) for p in batch.params],
                    [entities.RunTag(t.key, t.value) for t in batch.tags],
                    synchronous=True,  # whatever MLFLOW_ENABLE_ASYNC_LOGGING says: what is sent next relies on it
                )
        if datasets := [_dataset_input(item) for item in items if isinstance(item, Dataset)]:
            self._client.log_inputs(run_id, datasets)
        if files := [item for item in items if isinstance(item, Artifact)]:
            with tempfile.TemporaryDirectory(prefix="bench-mlflow-") as private:
                folder = Path(private, "files")  # of the umask's mode, which MLflow copies
                folder.mkdir()
                for file in files:
                    path = Path(folder, fit_key(file.path))
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(file.data)
                self._client.log_artifacts(run_id, str(folder))

    def log_folder(self, run_id: str, folder: Path, path: str) -> None:
        """See `Tracker.log_folder`."""
        self._client.log_artifacts(run_id, str(folder), path)

    def log_model(self, run_id: str, served: ServedModel) -> str:
        """See `Tracker.log_model`."""
        from mlflow.entities import LoggedModelOutput
        from mlflow.models import Model

        client = self._client
        made = client.create_logged_model(self._experiment_id, served.name, run_id, model_type="network")
        with tempfile.TemporaryDirectory(prefix="bench-mlflow-") as private:
            folder = Path(private, "files")
            folder.mkdir()
            path = save(served, folder, Model(run_id=run_id, model_id=made.model_id))
            client.log_model_artifacts(made.model_id, str(path))
        client.finalize_logged_model(made.model_id, "READY")
        client.log_outputs(run_id, [LoggedModelOutput(made.model_id, step=0)])
        return str(made.model_id)

    def set_status(self, run_id: str, status: str, end_ms: int | None = None) -> None:
        """See `Tracker.set_status`."""
        if status == "RUNNING":
            self._client.update_run(run_id, status=status)
        else:
            self._client.set_terminated(run_id, status, end_ms)


@contextmanager
def _refusals() -> Iterator[None]:
    """Raise `Refused` for what MLflow calls invalid."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != "INVALID_PARAMETER_VALUE":
            raise
        raise Refused(error.message) from error


def _quoted(value: str) -> str:
    return f'"{value}"' if "'" in value else f"'{value}'"


def _dataset_input(item: Dataset) -> Any:
    from mlflow import entities

    data = entities.Dataset(fit_name(item.name), item.digest[:36], "code", item.source, profile=item.profile)
    return entities.DatasetInput(data, [entities.InputTag("mlflow.data.context", "training")])
