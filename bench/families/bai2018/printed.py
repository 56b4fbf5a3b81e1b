"""Table 1 of the source: what no case here stands for."""

from collections.abc import Iterator

from bench.cases.printed import NotRun, not_run

MODELS = ("LSTM", "GRU", "RNN", "TCN")
OTHER_IMAGES = "MNIST is a download; digits of scikit-learn stand in, and scores of other images are none to compare"
MUSIC = "the files lie in the source's repository, their licence is not clear"
TEXT = "Penn Treebank is a download"
TABLE = (
    ("sequential MNIST", "accuracy, %", (87.2, 96.2, 21.5, 99.0), OTHER_IMAGES),
    ("permuted MNIST", "accuracy, %", (85.7, 87.3, 25.3, 97.2), OTHER_IMAGES),
    ("JSB Chorales", "loss", (8.45, 8.43, 8.91, 8.10), MUSIC),
    ("Nottingham", "loss", (3.29, 3.46, 4.05, 3.07), MUSIC),
    ("Penn Treebank, characters", "bits per character", (1.36, 1.37, 1.48, 1.31), TEXT),
)
GATED = (("adding problem, T=600", "MSE", 5.6e-5), ("copy memory, T=1000", "cross-entropy", 0.00508))
"""PAPER, table 5."""


def _rows() -> Iterator[NotRun]:
    for task, metric, values, why in TABLE:
        for model, value in zip(MODELS, values, strict=True):
            yield NotRun(task, model, metric, value, why)
    for task, metric, value in GATED:
        yield NotRun(task, "gated TCN", metric, value, "no such network here")


not_run.add("bai2018", tuple(_rows()))
