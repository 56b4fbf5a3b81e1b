"""One further seed of each trained network: the engine against Keras's fit, in turn within one run.

The benchmark's own time is the engine's, on one pinned core. Beside it stand, from the same rounds: two
workers at once, plain ``fit`` (no XLA, not pinned) and ``fit`` with XLA (pinned). Every way trains the same
epochs, validates after each and tests at the end.
"""

from statistics import median

import pytest

from bench.devices import usable_cores
from tests.microbench.children import EPOCHS, Child

# The notebook's trained networks, in its order, and the gated one at the end.
NETWORKS = [
    "linear",
    "simple_rnn",
    "deep_rnn",
    "deep_rnn_dense",
    "linear_10",
    "deep_rnn_10",
    "seq2seq_rnn",
    "seq2seq_rnn_batch_norm",
    "seq2seq_rnn_layer_norm",
    "seq2seq_rnn_own_loop",
    "seq2seq_lstm",
    "seq2seq_gru",
    "conv_gru",
    "wavenet",
    "wavenet_gated",
]
ROUNDS = 3


@pytest.mark.parametrize("network", NETWORKS)
def test_further_seed(network, benchmark):
    case = f"chapter15/{network}"
    cores = usable_cores()
    first, second = cores[0], cores[-1]
    children = {
        "engine": Child("engine", first, case),
        "engine_beside": Child("engine", second, case),
        "fit": Child("fit", None, case),
        "fit_xla": Child("fit_xla", first, case),
    }
    for child in children.values():
        child.ready()
    seconds: dict[str, list[float]] = {"engine": [], "two_workers": [], "fit": [], "fit_xla": []}
    seeds = iter(range(1, 1000))

    def alone(way: str) -> float:
        children[way].begin(next(seeds))
        return children[way].end()

    def one_round() -> None:
        """The ways in turn, so that a drift of the machine hits all of them."""
        seconds["fit"].append(alone("fit"))
        seconds["fit_xla"].append(alone("fit_xla"))
        children["engine"].begin(next(seeds))
        children["engine_beside"].begin(next(seeds))
        seconds["two_workers"].append(max(children["engine"].end(), children["engine_beside"].end()))

    def engine_alone() -> None:
        seconds["engine"].append(alone("engine"))

    benchmark.pedantic(engine_alone, setup=one_round, rounds=ROUNDS, warmup_rounds=0)
    for child in children.values():
        child.close()
    middle = {way: median(values) / EPOCHS for way, values in seconds.items()}
    benchmark.extra_info.update({f"{way}_s_per_epoch": value for way, value in middle.items()})
    benchmark.extra_info["network"] = network
