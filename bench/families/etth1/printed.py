"""Values that papers print of ETTh1, 96 and 720 steps ahead: of cases here, and of networks that are not here.

Test MSE and MAE by horizon. No source here scores other channels or units than the cases do.
"""

from collections.abc import Iterator

from bench.cases.printed import NotRun, not_run

Printed = dict[int, tuple[float, float]]
FROM_96 = "Liu et al. 2024 (iTransformer), arXiv 2310.06625, full results, from 96 steps"
"""The table that most later papers repeat: its authors' own network, and their runs of others."""
OWN_RUN = "inputs (there with the calendar), sizes, recipe and start are not the paper's"
RIVALS_RUN = "run by a rival; sizes, recipe and start are not the paper's"
TABLE_OF_96: dict[str, Printed] = {
    "iTransformer": {96: (0.386, 0.405), 720: (0.503, 0.491)},
    "PatchTST": {96: (0.414, 0.419), 720: (0.500, 0.488)},
    "TiDE": {96: (0.479, 0.464), 720: (0.594, 0.558)},
    "DLinear": {96: (0.386, 0.400), 720: (0.519, 0.516)},
    "TimesNet": {96: (0.384, 0.402), 720: (0.521, 0.500)},
    "Crossformer": {96: (0.423, 0.448), 720: (0.653, 0.621)},
    "FEDformer": {96: (0.376, 0.419), 720: (0.506, 0.507)},
    "RLinear": {96: (0.386, 0.395), 720: (0.481, 0.470)},
}
FROM_336 = (
    "Zeng et al. 2023, arXiv 2205.13504, table 2, from 336 steps",
    "there the rate is halved an epoch later, and the incomplete last batch of 32 test windows is dropped",
)
LINEAR: dict[str, Printed] = {
    "DLinear": {96: (0.375, 0.399), 720: (0.472, 0.490)},
    "NLinear": {96: (0.374, 0.394), 720: (0.440, 0.453)},
}
NIE, DAS = "Nie et al. 2023, arXiv 2211.14730, table 3", "Das et al. 2023, arXiv 2304.08424"
CHEN = "Chen et al. 2023, arXiv 2303.06053"
OWN: dict[tuple[str, int], tuple[str, Printed]] = {
    ("PatchTST/64", 512): (NIE, {96: (0.370, 0.400), 720: (0.447, 0.468)}),
    ("PatchTST/42", 336): (NIE, {96: (0.375, 0.399), 720: (0.449, 0.466)}),
    ("TiDE", 720): (DAS, {96: (0.375, 0.398), 720: (0.454, 0.465)}),
    ("TSMixer", 512): (CHEN + ", as remembered: no copy of its table was found to check it", {96: (0.361, 0.392)}),
}
"""By network and look-back, what its own paper prints; TiDE's as Papers with Code has it."""
NOT_FOUND = f"no copy of its own paper's table was found ({CHEN})"
FLOORS = {(96, 96), (96, 720), (336, 96), (336, 720), (512, 96), (720, 96)}
"""Look-back and horizon of each case of least squares."""
OWN_WHY = "look-back, size, recipe and inputs of its own paper ({})"
NO_CASE: dict[tuple[str, int], tuple[str, Printed]] = {
    (name, 96): ("Liu et al. 2024, arXiv 2310.06625", TABLE_OF_96[name])
    for name in ("TimesNet", "Crossformer", "FEDformer", "RLinear")
} | {("TimeMixer", 96): ("Wang et al. 2024, arXiv 2405.14616", {96: (0.375, 0.400)})}
WHY = "no such network here ({})"


def _rows() -> Iterator[NotRun]:
    for table, why in ((NO_CASE, WHY), (OWN, OWN_WHY)):
        for (model, steps), (source, printed) in table.items():
            for horizon, values in printed.items():
                for metric, value in zip(("MSE", "MAE"), values, strict=True):
                    like = f"etth1/least_squares_{steps}_to_{horizon}" if (steps, horizon) in FLOORS else ""
                    yield NotRun(f"{horizon} ahead from {steps}", model, metric, value, why.format(source), like)
    yield NotRun("720 ahead from 512", "TSMixer", "MSE and MAE", None, NOT_FOUND)


not_run.add("etth1", tuple(_rows()))
