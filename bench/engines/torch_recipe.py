"""A recipe in PyTorch's terms: its loss, and its optimizer over one vector that holds all weights.

Keras's definitions, so that a recipe means the same on every backend, in PyTorch's own operations: Keras's put numbers
on the device as they go, which takes longer than the step of a small network and cannot be captured as a CUDA graph.
"""

from collections.abc import Callable
from typing import Any

from bench.engines.keras_recipe import keras_optimizer
from bench.errors import BenchError
from bench.recipe import Recipe

Tensor = Any
BatchLoss = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""From targets, forecasts and the mask (None where a task has none) of a batch to its mean loss."""
PROBABILITY = 1e-7
"""A probability is kept so far from 0 and from 1 before its logarithm is taken: Keras's epsilon."""


def batch_loss(recipe: Recipe, levels: tuple[float, ...] = ()) -> BatchLoss:
    """Return a recipe's loss averaged over a batch, over the positions alone that its mask has.

    ``levels`` are those of the task's quantiles, where it asks for some: an axis more of the forecasts.

    The function raises a `BenchError` where forecasts are not shaped as the targets are.
    """
    import torch
    from torch.nn import functional

    own = levels or (0.5 if recipe.quantile is None else recipe.quantile,)
    delta = 1.0 if recipe.huber_delta is None else recipe.huber_delta

    def pinball(forecast: Tensor, y: Tensor) -> Tensor:
        errors = [y - (forecast[..., at] if levels else forecast) for at in range(len(own))]
        each = [torch.maximum(q * error, (q - 1) * error) for q, error in zip(own, errors, strict=True)]
        return sum(each[1:], each[0]) / len(each) if levels else each[0]

    def two_classes(forecast: Tensor, y: Tensor) -> Tensor:
        share = forecast.clamp(PROBABILITY, 1 - PROBABILITY)
        return functional.binary_cross_entropy(share, y, reduction="none")

    def many_classes(forecast: Tensor, y: Tensor) -> Tensor:
        shares = (forecast / forecast.sum(-1, keepdim=True)).clamp(PROBABILITY, 1 - PROBABILITY)
        return -shares.log().gather(-1, y.long().unsqueeze(-1)).squeeze(-1)

    values: Callable[[Tensor, Tensor], Tensor] = {
        "mse": lambda forecast, y: functional.mse_loss(forecast, y, reduction="none"),
        "mae": lambda forecast, y: functional.l1_loss(forecast, y, reduction="none"),
        "huber": lambda forecast, y: functional.huber_loss(forecast, y, reduction="none", delta=delta),
        "quantile": pinball,
        "binary_crossentropy": two_classes,
        "sparse_categorical_crossentropy": many_classes,
    }[recipe.loss]
    several = recipe.loss == "sparse_categorical_crossentropy" or bool(levels)

    def mean(y: Tensor, forecast: Tensor, mask: Tensor | None) -> Tensor:
        if (forecast.shape[:-1] if several else forecast.shape) != y.shape:
            asked = "targets and one axis of classes or quantiles more" if several else "targets"
            raise BenchError(
                f"a network's forecasts are shaped {tuple(forecast.shape)}, its {asked} {tuple(y.shape)}; "
                "shape its output as the task's target_shape"
            )
        found = values(forecast, y)
        if mask is None:
            return found.mean()
        found = found.flatten(mask.ndim).mean(-1) if found.ndim > mask.ndim else found
        counted = mask.to(found.dtype)
        return (found * counted).sum() / counted.sum().clamp(min=1.0)  # a batch whose mask is empty has no loss

    return mean


class FlatOptimizer:
    """A recipe's optimizer, with Keras's own defaults, on the vector of all weights that gradients change.

    All state is in tensors, which keep their place.

    Attributes:
        rate: The learning rate of the next step.
        state: Tensors that steps change.

    Args:
        recipe: Gives the optimizer.
        weights: All weights ``(n,)``, changed in place.
        gradient: Their gradient ``(n,)``, clipped in place.
    """

    def __init__(self, recipe: Recipe, weights: Tensor, gradient: Tensor):
        import torch

        self._of = keras_optimizer(recipe)
        self._update = UPDATES[recipe.optimizer]
        self._start, self._keeps = recipe.learning_rate, bool(recipe.keep_gradients)
        self.weights, self.gradient = weights, gradient
        self.rate, self.steps, self.product = (torch.zeros((), device=weights.device) for _ in range(3))
        self.first, self.second, self.third = (torch.zeros_like(weights) for _ in range(3))
        self.state = [self.rate, self.steps, self.product, self.first, self.second, self.third]
        self.reset()

    def reset(self) -> None:
        """Put in the state before the first step."""
        for tensor in self.state:
            tensor.zero_()
        self.gradient.zero_()
        self.rate.fill_(self._start)
        self.product.fill_(1.0)

    def begin(self) -> None:
        """Make the gradient ready for the next batch's to be added: zero, unless the recipe keeps it."""
        if self._keeps:
            self._clip()
        else:
            self.gradient.zero_()

    def scale_loss(self, loss: Tensor) -> Tensor:
        """Return what the gradient is taken of: the loss itself."""
        return loss

    def _clip(self) -> None:
        of, gradient = self._of, self.gradient
        if of.global_clipnorm:
            gradient.mul_((of.global_clipnorm / gradient.norm()).clamp(max=1.0))
        if of.clipvalue:
            gradient.clamp_(-of.clipvalue, of.clipvalue)

    def step(self) -> None:
        """Change the weights by their gradient; call it where no gradients are recorded."""
        of = self._of
        if not self._keeps:
            self._clip()
        if of.weight_decay is not None:
            self.weights.mul_(1 - of.weight_decay * self.rate)
        self.steps.add_(1)
        self._update(self, of)


def _adam(o: FlatOptimizer, of: Any) -> None:
    """Kingma and Ba (2015), section 2's efficient order; the largest mean so far is that of Reddi et al. (2018)."""
    import torch

    rate = o.rate * (1 - of.beta_2**o.steps).sqrt() / (1 - of.beta_1**o.steps)
    o.first.lerp_(o.gradient, 1 - of.beta_1)
    o.second.lerp_(o.gradient.square(), 1 - of.beta_2)
    if of.amsgrad:
        torch.maximum(o.third, o.second, out=o.third)
    root = (o.third if of.amsgrad else o.second).sqrt()
    o.weights.sub_(o.first * rate / root.add_(of.epsilon))


def _nadam(o: FlatOptimizer, of: Any) -> None:
    """Dozat (2016), with Keras's schedule of the momentum."""
    now, following = (of.beta_1 * (1 - 0.5 * 0.96 ** (o.steps + later)) for later in (0, 1))
    o.product.mul_(now)
    o.first.lerp_(o.gradient, 1 - of.beta_1)
    o.second.lerp_(o.gradient.square(), 1 - of.beta_2)
    ahead = following * o.first / (1 - o.product * following) + (1 - now) * o.gradient / (1 - o.product)
    o.weights.sub_(ahead * o.rate / ((o.second / (1 - of.beta_2**o.steps)).sqrt() + of.epsilon))


def _rmsprop(o: FlatOptimizer, of: Any) -> None:
    """Hinton (2012), lecture 6e; centered as Graves (2013), with epsilon inside the root."""
    o.second.lerp_(o.gradient.square(), 1 - of.rho)
    spread = o.second
    if of.centered:
        o.first.lerp_(o.gradient, 1 - of.rho)
        spread = spread - o.first.square()
    change = o.rate * o.gradient / (spread + of.epsilon).sqrt()
    if of.momentum:
        change = o.third.mul_(of.momentum).add_(change)
    o.weights.sub_(change)


def _sgd(o: FlatOptimizer, of: Any) -> None:
    """Gradient descent with a momentum that may be Nesterov's (1983)."""
    change = o.gradient * o.rate
    if of.momentum:
        moved = o.first.mul_(of.momentum).sub_(change)
        change = change - moved * of.momentum if of.nesterov else -moved
    o.weights.sub_(change)


UPDATES: dict[str, Callable[[FlatOptimizer, Any], None]] = {
    "adam": _adam,
    "adamw": _adam,
    "nadam": _nadam,
    "rmsprop": _rmsprop,
    "sgd": _sgd,
}
"""From an optimizer at a step counted from 1, and Keras's optimizer for its options, to changed weights."""
