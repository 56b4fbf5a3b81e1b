"""Training steps captured as a CUDA graph, without a GPU: what is captured runs as it would, and leaves nothing."""

from contextlib import nullcontext

import numpy as np
import pytest

from tests.conftest import BACKEND

if BACKEND != "torch":
    pytest.skip("Keras runs on another backend in this process; see tests.test_torch", allow_module_level=True)

import torch

from bench.engines.torch import WARM_UP, TorchProgram, capture
from bench.models.recurrent import SimpleRNN
from bench.recipe import Recipe
from tests.torch_fakes import PLAIN, SPLITS, Odd, order_of, program_of


class Captured(TorchProgram):
    """A program that captures its steps, wherever it is."""

    captures = True


class Graph:
    """Takes the place of a CUDA graph: it plays the step again by calling it."""

    def __init__(self):
        self.replayed = 0

    def replay(self):
        self.replayed += 1
        self.step()


@pytest.fixture
def graphs(monkeypatch):
    """PyTorch's CUDA interface, as far as a capture needs it, on the CPU."""
    made = []

    class Stream(nullcontext):
        def wait_stream(self, other):
            pass

    def new():
        made.append(Graph())
        return made[-1]

    fakes = {"Stream": Stream, "current_stream": Stream, "stream": Stream, "graph": Stream, "CUDAGraph": new}
    generator = {name: getattr(torch, name) for name in ("get_rng_state", "set_rng_state")}
    for name, fake in (fakes | generator).items():
        monkeypatch.setattr(torch.cuda, name, fake)
    return made


@pytest.mark.parametrize("model", [PLAIN, Odd()], ids=["fused", "dropout and batch norm"])
def test_captured_steps_are_the_steps(graphs, model, monkeypatch):
    """Weights, buffers, moments, counters and the generator are after a capture what they were before it."""
    recipe = Recipe(learning_rate=0.01, schedule="cosine")
    eager = program_of(model, recipe)
    captured = Captured(model, recipe, SPLITS.train, SPLITS.valid.task)
    rates = np.linspace(0.01, 0.001, len(order_of()), dtype=np.float32)

    def trained(program):
        program.reset(program.fresh_weights(3), 3)
        losses = [program.train(order_of(seed=3), rates=rates) for _ in range(2)]
        return losses, [array.tobytes() for array in program.weights()]

    expected = trained(eager)
    monkeypatch.setattr(Graph, "step", lambda _: captured._step(), raising=False)
    assert trained(captured) == expected
    assert trained(captured) == expected
    assert (len(graphs), captured.compilations) == (1, 1)
    assert graphs[0].replayed == 4 * len(order_of())
    assert captured.compile_s > 0
    captured.use(SPLITS.train)
    assert trained(captured) == expected
    assert len(graphs) == 2, "other data lie elsewhere"


def test_each_step_of_a_capture_is_the_first_and_what_it_changes_is_put_back(graphs):
    counted, calls = torch.zeros(1), []

    def step():
        calls.append(counted.item())
        counted.add_(1)

    capture(step, [counted])
    assert (calls, counted.item()) == ([0.0] * (WARM_UP + 1), 0.0)


def test_only_plain_modules_on_a_gpu_are_captured():
    found = {}
    for model in (PLAIN, SimpleRNN(units=(2,))):
        program = program_of(model)
        for kind in ("cpu", "cuda"):
            program._device = torch.device(kind)
            found[model.name, kind] = program.captures
    assert found == {
        ("torch_gru", "cpu"): False,
        ("torch_gru", "cuda"): True,
        ("simple_rnn", "cpu"): False,
        ("simple_rnn", "cuda"): False,
    }
