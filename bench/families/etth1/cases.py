"""Networks of long horizons on ETTh1 (Zhou et al. 2021), seven channels, 96 and 720 hours ahead, and what faults cost.

The split that papers share: months of 30 days, 12 to train on, 4 to validate, 4 to test, inputs of validation and test
reaching back; scaled by training, errors of scaled values over all steps and channels; every test window is scored,
2,785 of 96 hours and 2,161 of 720. Linear networks have their source's recipe. Deep ones have one for all; their sizes
are those of the models here, not each paper's. All of them scale each window, as the authors' scripts do.
"""

from bench.cases.base import Case, Erratum, Published, case
from bench.datasets.table import TableData
from bench.families.etth1.errata import AS_PRINTED, CORRECTED, erratum
from bench.families.etth1.printed import FROM_96, FROM_336, LINEAR, OWN_RUN, RIVALS_RUN, TABLE_OF_96
from bench.models.base import Model, Network
from bench.models.channel_attention import ITransformer, PatchTST
from bench.models.channel_least_squares import ChannelLeastSquares, PeekingChannelLeastSquares
from bench.models.channel_perceptrons import TiDE, TSMixer
from bench.models.decomposition import DLinear, NLinear
from bench.models.forecasters import SeasonalNaive
from bench.models.naive import Naive
from bench.recipe import Recipe

URL = "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/main/ETT-small/ETTh1.csv"
"""Of its authors; CC BY-ND 4.0."""
SHA256 = "f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066"
CHANNELS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
HORIZONS = (96, 720)
LOOK_BACKS = (96, 336)
FURTHER = (512, 720)
"""Look-backs of least squares alone, 96 hours ahead."""
BATCH = 128
"""Of PatchTST's loader of test windows."""
RECIPE = Recipe(
    learning_rate=0.005, epochs=10, batch_size=32, early_stopping_epochs=3, schedule="step", step_epochs=1,
    decay_factor=0.5,
)  # fmt: skip
"""Of the linear networks' source (github.com/cure-lab/LTSF-Linear), which halves the rate from the third epoch on."""
CONSTANT = Recipe(learning_rate=0.001, epochs=10, batch_size=32, early_stopping_epochs=3)
SLOW = CONSTANT.model_copy(update={"learning_rate": 0.0001})
"""The rate of TSLib's script, whose default ``type1`` also halves it from the third epoch on; here it stays."""
LONG = "an epoch takes {} on a core"


def data(steps: int, horizon: int = 96, dropped: int = 0) -> TableData:
    """Return the task from so many steps back; test windows counted in whole batches of ``dropped``, 0 for all."""
    return TableData(
        path="data/ETTh1.csv", url=URL, sha256=SHA256, time="date", targets=CHANNELS, input_length=steps,
        horizon=horizon, season=24, valid="2017-06-26", test="2017-10-24", until="2018-02-20 23:00", units="scaled",
        test_batch=dropped,
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


def _printed(values: tuple[float, float], source: str, note: str, why_not: str = "") -> Published:
    scores = dict(zip(("mse", "mae"), values, strict=True))
    return Published(values=scores, source=source, split="test", weights="best", note=note, why_not=why_not)


def _linear(steps: int, horizon: int) -> None:
    """Register baselines, the closed form and the linear networks of one size."""
    size, words = f"{steps}_to_{horizon}", f"{steps} to {horizon}"
    windows = data(steps, horizon)
    whole = (erratum(1, CORRECTED),) if (steps, horizon) == (336, 96) else ()
    slow = (erratum(3, CORRECTED),) if steps == 96 else ()
    _add(f"naive_{size}", f"last value {words}", windows, Naive())
    _add(f"seasonal_naive_{size}", f"a day before {words}", windows, SeasonalNaive())
    _add(f"least_squares_{size}", f"least squares {words}", windows, ChannelLeastSquares(), errata=whole)
    networks: tuple[tuple[str, Network, tuple[Erratum, ...]], ...] = (
        ("DLinear", DLinear(), slow), ("NLinear", NLinear(), ()),
    )  # fmt: skip
    for label, model, errata in networks:
        printed = _printed(LINEAR[label][horizon], *FROM_336) if steps == 336 else None
        _add(f"{model.name}_{size}", f"{label} {words}", windows, model, RECIPE, printed, errata)


for _horizon in HORIZONS:
    for _steps in LOOK_BACKS:
        _linear(_steps, _horizon)
    _add(f"d_linear_96_to_{_horizon}_slow", f"DLinear 96 to {_horizon}, Adam 0.0001", data(96, _horizon), DLinear(),
         SLOW, _printed(TABLE_OF_96["DLinear"][_horizon], FROM_96, RIVALS_RUN), (erratum(3, AS_PRINTED),))  # fmt: skip

for _steps in FURTHER:
    _add(f"least_squares_{_steps}_to_96", f"least squares {_steps} to 96", data(_steps), ChannelLeastSquares())
_add("least_squares_336_to_96_less_last", "least squares less last 336 to 96", data(336),
     ChannelLeastSquares(less_last=True))  # fmt: skip
_add("least_squares_336_to_96_drop_last", "least squares 336 to 96, last batch dropped", data(336, dropped=BATCH),
     ChannelLeastSquares(), errata=(erratum(1, AS_PRINTED),), faulty=True)  # fmt: skip
_add("least_squares_chosen", "least squares, look-back by validation", data(720),
     ChannelLeastSquares(look_backs=LOOK_BACKS + FURTHER), errata=(erratum(2, CORRECTED),))  # fmt: skip
_add("least_squares_peeking", "least squares, look-back by test", data(720),
     PeekingChannelLeastSquares(look_backs=LOOK_BACKS + FURTHER), errata=(erratum(2, AS_PRINTED),),
     faulty=True)  # fmt: skip

_SECONDS, _MINUTE = LONG.format("many seconds"), LONG.format("a minute and more")
_DEEP: tuple[tuple[str, Network, str, str, tuple[Erratum, ...]], ...] = (
    ("iTransformer", ITransformer(), OWN_RUN, _SECONDS, ()),
    ("PatchTST", PatchTST(), RIVALS_RUN, _MINUTE, ()),
    ("TiDE", TiDE(scaled=True), RIVALS_RUN, _MINUTE, (erratum(4, CORRECTED),)),
)
for _horizon in HORIZONS:
    for _label, _model, _note, _why, _errata in _DEEP:
        _add(f"{_model.name}_96_to_{_horizon}", f"{_label} 96 to {_horizon}", data(96, _horizon), _model, CONSTANT,
             _printed(TABLE_OF_96[_label][_horizon], FROM_96, _note, _why), _errata)  # fmt: skip
    _add(f"tide_96_to_{_horizon}_step_norm", f"TiDE 96 to {_horizon}, each step normalised", data(96, _horizon),
         TiDE(scaled=True, step_norm=True), CONSTANT, Published(why_not=_MINUTE),
         (erratum(4, AS_PRINTED),))  # fmt: skip
    _add(f"ts_mixer_96_to_{_horizon}", f"TSMixer 96 to {_horizon}", data(96, _horizon), TSMixer(scaled=True), CONSTANT,
         Published(why_not=_SECONDS))  # fmt: skip
