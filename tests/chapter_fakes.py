"""A plan the size of the chapter's, with plausible scores: what a report must look good on."""

from typing import Any

import numpy as np

from bench.cases.base import Erratum, Published
from bench.plan import Plan
from bench.recipe import Recipe
from tests.fakes import (
    ENVIRONMENT,
    ODD_POSITIONS,
    TASKS,
    FakeLeaky,
    FakeLeastSquares,
    FakeNaive,
    FakeNetwork,
    fake_case,
    fake_plan,
    fake_record,
    seeded,
    with_throughput,
)

ERRATA = {
    1: "the ten-step naive forecast repeats the last target, so it sees the answer",
    2: "the hand-written recurrent loop stacks its outputs time-major, so the second layer recurs over the batch",
    6: "the printed MSE covers only positions 3, 5, ..., 49, the easier ones",
    7: "the rows do not share a recipe: this one trains with Adam 0.01, the others with 0.001",
}
PRINTED, CORRECTED = "as printed", "corrected"
# name, label, task, kind, mse, last-step mse, parameters, windows/s, printed, learning rate, errata
CHAPTER: list[tuple[Any, ...]] = [
    ("naive_next_step", "Naive, last value", "next_step", "naive", 0.0202114, None, 0, 1, 0.0202114, 0.001, {}),
    ("linear", "Linear", "next_step", "net", 0.00417, None, 51, 900e3, 0.004174, 0.001, {}),
    ("least_squares", "Least squares", "next_step", "ls", 0.00293115, None, 0, 1, None, 0.001, {}),
    ("simple_rnn", "Simple RNN, one unit", "next_step", "net", 0.0109, None, 3, 450e3, 0.010849, 0.005, {}),
    ("deep_rnn", "Deep RNN", "next_step", "net", 0.00285, None, 1302, 42e3, 0.00289, 0.001, {}),
    ("deep_rnn_dense", "Deep RNN, dense head", "next_step", "net", 0.00268, None, 1281, 41e3, 0.002677, 0.001, {}),
    ("iterated", "Deep RNN, iterated", "ten_steps", "net", 0.0285, None, 1281, 41e3, 0.0285489, 0.001, {}),
    ("naive_10_as_printed", "Naive as printed", "ten_steps", "peek", 0.222788, None, 0, 1,
     0.22278848, 0.001, {1: PRINTED}),
    ("naive_10", "Naive", "ten_steps", "naive", 0.256974, None, 0, 1, None, 0.001, {1: CORRECTED}),
    ("linear_10", "Linear, ten steps", "ten_steps", "net", 0.0188, None, 510, 850e3, 0.0188, 0.001, {}),
    ("least_squares_10", "Least squares, ten steps", "ten_steps", "ls", 0.0154883, None, 0, 1, None, 0.001, {}),
    ("deep_rnn_10", "Deep RNN, ten steps", "ten_steps", "net", 0.0085, None, 1470, 40e3, 0.0082, 0.001, {}),
    ("naive_every", "Naive, every step", "every_step", "naive", 0.2587, 0.256974, 0, 1, None, 0.001, {}),
    ("ls_every", "Least squares, every step", "every_step", "ls", 0.0294, 0.0154883, 0, 1, None, 0.001, {}),
    ("seq2seq_rnn", "Seq2seq RNN", "every_step", "net", 0.0199, 0.0071, 1470, 35e3, 0.0198, 0.01, {7: PRINTED}),
    ("seq2seq_rnn_matched", "Seq2seq RNN, Adam 0.001", "every_step", "net", 0.0262, 0.0121, 1470,
     35e3, None, 0.001, {7: CORRECTED}),
    ("seq2seq_batch_norm", "Seq2seq RNN, batch norm", "every_step", "net", 0.0289, 0.0171, 1550,
     28e3, 0.0289, 0.001, {}),
    ("seq2seq_layer_norm", "Seq2seq RNN, layer norm", "every_step", "net", 0.0278, 0.0149, 1550,
     25e3, 0.0275, 0.001, {}),
    ("own_loop_as_printed", "Own loop as printed", "every_step", "net", 0.0276, 0.0139, 1470, 26e3,
     0.0276, 0.001, {2: PRINTED}),
    ("own_loop", "Own loop", "every_step", "net", 0.0262, 0.0121, 1470, 26e3, None, 0.001, {2: CORRECTED}),
    ("seq2seq_lstm", "LSTM", "every_step", "net", 0.0237, 0.0085, 5250, 15e3, 0.0237, 0.001, {}),
    ("seq2seq_gru", "GRU", "every_step", "net", 0.0239, 0.0103, 4130, 16.6e3, 0.0246, 0.001, {}),
    ("conv_gru", "Conv + GRU", "every_step", "net", 0.0186, 0.0081, 5290, 32e3, 0.0186, 0.001, {6: PRINTED}),
    ("wavenet", "WaveNet", "every_step", "net", 0.0205, 0.0089, 9410, 29e3, 0.0207, 0.001, {}),
    ("reber_majority", "Majority class", "reber", "naive", 0.5, 0.0, 0, 1, None, 0.001, {}),
    ("reber_bigram", "Bigram", "reber", "ls", 0.86, 0.11, 0, 1, None, 0.001, {}),
    ("reber_gru", "Reber GRU", "reber", "net", 0.999, 1.0, 3900, 21e3, None, 0.005, {}),
    ("reber_exercise_gru", "Reber GRU, exercise", "reber_exercise", "net", 0.985, 0.0, 3900, 21e3, None, 0.001, {}),
]  # fmt: skip


def chapter_like(seeds: tuple[int, ...] = (42, 43, 44), devices: tuple[str, ...] = ("cpu",)) -> Plan:
    """Return a plan the size of the chapter's, with plausible scores: what a report must look good on."""
    rows = CHAPTER
    cases, records = [], []
    for name, label, task, kind, mse, last, params, speed, printed, lr, errata in rows:
        models: dict[str, Any] = {
            "naive": FakeNaive(),
            "peek": FakeLeaky(),
            "ls": FakeLeastSquares(),
            "net": FakeNetwork(kind=name),
        }
        recipe = Recipe(learning_rate=lr) if kind == "net" else None
        published = Published(values={"mse": printed}, source="notebook", curve=name) if printed else Published()
        faults = tuple(Erratum(n, ERRATA[n], v) for n, v in errata.items())
        case = fake_case(
            f"fake/{name}",
            task=task,
            label=label,
            model=models[kind],
            recipe=recipe,
            published=published,
            errata=faults,
        )
        cases.append(case)
        for device in devices if kind == "net" else ("cpu",):
            for seed in seeds if kind == "net" else (None,):
                rng = seeded(f"{name}{seed}{device}")
                wobble = float(np.exp(0.06 * rng.standard_normal())) if seed is not None else 1.0
                if TASKS[task].target.is_class:
                    scores = {
                        "accuracy": min(1.0, mse + 0.002 * (wobble - 1)),
                        "accuracy_outer_only": last or 0.9,
                    }
                else:
                    scores = {"mse": mse * wobble, "last_time_step_mse": (last or mse) * wobble}
                    if name == "conv_gru":
                        scores |= {"mse_odd_positions": scores["mse"], "positions": ODD_POSITIONS}
                environment = None
                if device != "cpu" and kind == "net":
                    environment = ENVIRONMENT.model_copy(update={"device": "gpu", "device_name": "NVIDIA H100 80GB"})
                speedup = 4.0 if device != "cpu" else 1.0
                failed = name == "seq2seq_layer_norm" and seed == 44
                records.append(
                    fake_record(
                        case,
                        seed,
                        device=device,
                        status="failed" if failed else "done",
                        reason="ran out of memory after 3 epochs",
                        parameters=params,
                        windows_per_s=speed * speedup * float(np.exp(0.02 * rng.standard_normal())),
                        cpu_over_wall=0.7 if name == "seq2seq_lstm" else 1.0,
                        environment=environment,
                        **scores,
                    )
                )
    return with_throughput(fake_plan(cases, records, seeds, devices, title="The chapter's networks"))
