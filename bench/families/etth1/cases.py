"""Networks of long horizons on ETTh1 (Zhou et al. 2021), seven channels, 96 hours ahead, and what their faults cost.

The split that papers share: months of 30 days, 12 to train on, 4 to validate, 4 to test, inputs of validation and test
reaching back; scaled by training, errors of scaled values over all steps and channels; every test window is scored,
2,785. The file (CC BY-ND 4.0) is not here: put it at ``data/ETTh1.csv``. Recipes are one for all, Adam, early stopping
after three epochs; sizes are those of the models here, not each paper's.
"""

from bench.cases.base import Case, Erratum, Published, case
from bench.datasets.table import TableData
from bench.families.etth1.errata import AS_PRINTED, CORRECTED, erratum
from bench.models.base import Model, Network
from bench.models.channel_attention import ITransformer, PatchTST
from bench.models.channel_least_squares import ChannelLeastSquares, PeekingChannelLeastSquares
from bench.models.channel_perceptrons import TiDE, TSMixer
from bench.models.decomposition import DLinear, NLinear
from bench.models.forecasters import SeasonalNaive
from bench.models.naive import Naive
from bench.recipe import Recipe

CHANNELS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
LOOK_BACKS = (96, 336, 512, 720)
BATCH = 128
"""Of PatchTST's loader of test windows."""
RECIPE = Recipe(learning_rate=0.005, epochs=10, batch_size=32, early_stopping_epochs=3)
SLOW = RECIPE.model_copy(update={"learning_rate": 0.0001})
DEEP = RECIPE.model_copy(update={"learning_rate": 0.001})


def data(steps: int, dropped: int = 0) -> TableData:
    """Return the task from so many steps back; test windows counted in whole batches of ``dropped``, 0 for all."""
    return TableData(
        path="data/ETTh1.csv", time="date", targets=CHANNELS, input_length=steps, horizon=96, season=24,
        valid="2017-06-26", test="2017-10-24", until="2018-02-20 23:00", units="scaled", test_batch=dropped,
    )  # fmt: skip


def _printed(mse: float, mae: float, source: str, why_not: str = "") -> Published:
    return Published(
        values={"mse": mse, "mae": mae}, source=source, split="test", weights="best",
        note="sizes, recipe and start are not the paper's", why_not=why_not,
    )  # fmt: skip


def _add(
    name: str,
    label: str,
    dataset: TableData,
    model: Model,
    recipe: Recipe | None = None,
    published: Published | None = None,
    errata: tuple[Erratum, ...] = (),
    faulty: bool = False,
) -> None:
    @case(f"etth1/{name}")
    def made() -> Case:
        return Case(dataset, model, recipe, label, published or Published(), errata, faulty)


for _steps in LOOK_BACKS:
    _mended = (erratum(1, CORRECTED),) if _steps == 336 else ()
    _add(f"least_squares_{_steps}", f"least squares from {_steps}", data(_steps), ChannelLeastSquares(), errata=_mended)
_add("least_squares_336_less_last", "least squares less last, from 336", data(336), ChannelLeastSquares(less_last=True))
_add("last_value_96", "last value", data(96), Naive())
_add("seasonal_naive_96", "a day before", data(96), SeasonalNaive())
_add("least_squares_336_drop_last", "least squares from 336, last batch dropped", data(336, BATCH),
     ChannelLeastSquares(), errata=(erratum(1, AS_PRINTED),), faulty=True)  # fmt: skip
_add("least_squares_chosen", "least squares, look-back by validation", data(720),
     ChannelLeastSquares(look_backs=LOOK_BACKS), errata=(erratum(2, CORRECTED),))  # fmt: skip
_add("least_squares_peeking", "least squares, look-back by test", data(720),
     PeekingChannelLeastSquares(look_backs=LOOK_BACKS), errata=(erratum(2, AS_PRINTED),), faulty=True)  # fmt: skip

ITRANSFORMER = "Liu et al. 2024 (iTransformer), arXiv 2310.06625, from 96 steps"
_add("d_linear_96", "DLinear from 96", data(96), DLinear(), RECIPE, errata=(erratum(3, CORRECTED),))
_add("d_linear_96_slow", "DLinear from 96, Adam 0.0001", data(96), DLinear(), SLOW,
     _printed(0.386, 0.400, ITRANSFORMER), (erratum(3, AS_PRINTED),))  # fmt: skip
_add("n_linear_96", "NLinear from 96", data(96), NLinear(), RECIPE)
_add("d_linear_336", "DLinear from 336", data(336), DLinear(), RECIPE)
_add("n_linear_336", "NLinear from 336", data(336), NLinear(), RECIPE)

LONG = "an epoch takes {} on a core"
_DEEP: tuple[tuple[str, str, Network, float, float, str], ...] = (
    ("i_transformer", "iTransformer", ITransformer(), 0.386, 0.405, LONG.format("many seconds")),
    ("patch_tst", "PatchTST", PatchTST(), 0.414, 0.419, LONG.format("a minute and more")),
    ("tide", "TiDE", TiDE(), 0.479, 0.464, LONG.format("a minute and more")),
)
for _name, _label, _model, _mse, _mae, _why in _DEEP:
    _add(f"{_name}_96", f"{_label} from 96", data(96), _model, DEEP, _printed(_mse, _mae, ITRANSFORMER, _why))
_add("ts_mixer_96", "TSMixer from 96", data(96), TSMixer(), DEEP)
