"""Making a dataset's splits: they are checked once, here, before anything trains; what no run can use is one line."""

from dataclasses import dataclass
from inspect import getsourcefile
from pathlib import Path
from traceback import extract_tb

from bench.datasets.base import Dataset
from bench.datasets.checked import checked, warnings_of
from bench.datasets.fault import Fault, counted, kind_of, short
from bench.errors import BenchError
from bench.record import Failure
from bench.task import Splits, Task


class BadData(BenchError):
    """Data that no run can use. The message names the dataset, the split, how many values and the first place."""

    @property
    def failure(self) -> Failure:
        """Why a run has no scores: the line, and the traceback of what the dataset raised."""
        return Failure(reason=str(self), details=Failure.of(self.__cause__).details if self.__cause__ else "")


@dataclass(frozen=True)
class Loaded:
    """A dataset's splits, which are good, read-only, and hold 0 for what a mask leaves out and is no value.

    Attributes:
        warnings: What a run can use but which says little, a line each.
    """

    splits: Splits
    warnings: tuple[str, ...] = ()


def load(dataset: Dataset, data_seed: int) -> Loaded:
    """Make a dataset's splits and check them.

    Raises:
        BadData: They cannot be made, or no run can use them.
        MemoryError: They do not fit into the memory that is free now.
    """
    taught, asked = declared(dataset)
    try:
        made = dataset.load(data_seed)
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        raise _raised(dataset, "load()", error) from error
    try:
        splits = checked(made, taught, asked)
    except Fault as fault:
        raise BadData(f"{called(dataset)}: {fault}") from None
    return Loaded(splits, tuple(f"{called(dataset)}: {text}" for text in warnings_of(splits)))


def declared(dataset: Dataset) -> tuple[Task, Task]:
    """Return the task of a dataset's training windows, and that of all others.

    Raises:
        BadData: It cannot say them.
    """
    try:
        tasks = dataset.train_task(), dataset.task()
    except Exception as error:
        raise _raised(dataset, "task()", error) from error
    for task in tasks:
        if not isinstance(task, Task):
            raise BadData(f"{called(dataset)}: task() returned {kind_of(task)}; return a bench.task.Task")
    return tasks


def check_batch(dataset: Dataset, splits: Splits, batch_size: int) -> None:
    """See that the training windows fill a batch; an incomplete last one is left out of every epoch.

    Raises:
        BadData: They do not.
    """
    windows = len(splits.train.x)
    if windows < batch_size:
        raise BadData(
            f"{called(dataset)}: train has {counted(windows, 'window')}, and a batch of the recipe {batch_size}; "
            "lower batch_size, or give it more windows"
        )


def called(dataset: Dataset) -> str:
    """Return a dataset's name in words, with the parameters that were set."""
    params = ", ".join(f"{k} = {v!r}" for k, v in dataset.model_dump(exclude_defaults=True).items())
    return f"dataset {dataset.name!r}" + (f" ({short(params)})" if params else "")


def _raised(dataset: Dataset, what: str, error: BaseException) -> BadData:
    """Return that a dataset's own code raised, and where; a line of the kind that we raise stands as it is."""
    if isinstance(error, BenchError):
        return BadData(str(error))
    frames = extract_tb(error.__traceback__)[1:]  # the first is ours
    own = [frame for frame in frames if frame.filename == getsourcefile(type(dataset))] or frames
    at = f" at {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""
    text = f"{type(error).__name__}: {short(str(error))}".rstrip(": ")
    return BadData(f"{called(dataset)}: {what} raised {text}{at}; mend it, or what it reads")
