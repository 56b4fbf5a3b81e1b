"""Values that papers print of ETTh1, 96 steps ahead, from 96 steps back, of networks that are not here."""

from collections.abc import Iterator

from bench.cases.printed import NotRun, not_run

WHY = "no such network here"
ROWS = (("TimeMixer", 0.375, 0.400), ("TimesNet", 0.384, 0.402), ("Crossformer", 0.423, 0.448),
        ("FEDformer", 0.376, 0.419), ("RLinear", 0.386, 0.395))  # fmt: skip
"""Test MSE and MAE, all with a look-back of 96."""


def _rows() -> Iterator[NotRun]:
    for model, mse, mae in ROWS:
        for metric, value in (("MSE", mse), ("MAE", mae)):
            yield NotRun("96 ahead from 96", model, metric, value, WHY)


not_run.add("etth1", tuple(_rows()))
