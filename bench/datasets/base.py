"""What a dataset is, and the registry that finds them."""

from collections.abc import Callable, Mapping
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict

from bench.errors import BenchError
from bench.registry import Registry
from bench.task import Ahead, Facts, Splits, Task


class Dataset(BaseModel):
    """Windows for a task. A subclass's fields are its parameters, checked and digested.

    Each subclass documents its split. Raise ``version`` when the numbers that it makes change.

    Attributes:
        extra_note: What the further test sets hold, a sentence for the report.
        groups_note: What the values of a split's groups mean, likewise.
        as_trained: The extra test set whose groups have the values of training's, where test's have others: how far a
            network carries what it learnt is then shown over both. Empty for none.
        no_group: What a window with the group value -1 is called.
        synthetic: True where the data are made by a program, so that nothing is said of data from the world.
        seeded: False where the data do not depend on the data seed: then they are run once, whatever a suite's seeds.
        quick: True where a draw is made and networks of it are compiled in seconds: there tests hold each network to
            its words, elsewhere it stands at the sizes of a source.
        own_series: True where a user's own series are forecast: a report first says whether a network is worth it.
        files: Names of the parameters that hold the path of a file: its content is what counts, wherever it lies.
        checks: Names of the parameters that only hold the data to something: no id depends on them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str] = ""
    version: ClassVar[str] = "1"
    extra_note: ClassVar[str] = ""
    groups_note: ClassVar[str] = ""
    as_trained: ClassVar[str] = ""
    no_group: ClassVar[str] = "in none"
    synthetic: ClassVar[bool] = False
    seeded: ClassVar[bool] = True
    quick: ClassVar[bool] = False
    own_series: ClassVar[bool] = False
    files: ClassVar[tuple[str, ...]] = ()
    checks: ClassVar[tuple[str, ...]] = ()

    def task(self) -> Task:
        """Return what is asked of a model, known before any data are made: that of valid, test and extra."""
        raise NotImplementedError

    def train_task(self) -> Task:
        """Return the task of the training windows, where it is another one."""
        return self.task()

    def load(self, data_seed: int) -> Splits:
        """Make the splits; the same seed gives the same bits."""
        raise NotImplementedError

    def ahead(self, data_seed: int, path: str = "") -> Ahead:
        """Return the last window of each of its series, whose next steps nobody has seen.

        Args:
            data_seed: Of the draw that a model was trained on.
            path: A newer file of the same columns; empty for its own.

        Raises:
            BenchError: It has none, or cannot be read.
        """
        raise BenchError(f"dataset {self.name!r} has no next steps to forecast; name a case on a file of series")

    def facts(self, data_seed: int) -> Facts | None:
        """Return what is known of the rows that the test split forecasts; None where nothing is but their values."""
        return None

    def located(self, parameter: str) -> str | list[str]:
        """Return where the file lies, or the files, that one of ``files`` names.

        Raises:
            BenchError: It cannot be had.
        """
        found: str | list[str] = getattr(self, parameter)
        return found

    @property
    def number_of_draws(self) -> int:
        """How many draws of its data there are, which data seeds number, modulo; 0 for any number, or the same always.

        Where there is such a number, a suite draws each once at most, since n is the number of draws and not of seeds.
        """
        return 0

    @property
    def varies(self) -> bool:
        """Whether its data depend on the data seed, with these parameters."""
        return self.seeded or self.number_of_draws > 0

    @property
    def noise_floors(self) -> Mapping[str, float]:
        """Expected value of a metric, by its name, that no forecast can get below, where theory gives one."""
        return {}

    @property
    def chance(self) -> Mapping[str, float]:
        """Expected value of a metric on test, by its name, of the best forecast that does not look at the window.

        Where theory gives one; a network at this level has learnt nothing of what its window holds.
        """
        return {}

    @property
    def solved(self) -> Mapping[str, float]:
        """Value of a metric on test, by its name, from which on the task counts as solved; empty where none does."""
        return {}


datasets: Registry[type[Dataset]] = Registry("dataset", "bench.datasets")

D = TypeVar("D", bound=type[Dataset])


def dataset(name: str) -> Callable[[D], D]:
    """Register a `Dataset` subclass under ``name``."""

    def decorate(cls: D) -> D:
        cls.name = name
        datasets.add(name, cls)
        return cls

    return decorate
