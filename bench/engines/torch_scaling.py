"""A recipe's optimizer on PyTorch for float16: the loss is scaled, and a step whose gradient is not finite is none."""

from typing import Any

from bench.engines.torch_recipe import FlatOptimizer
from bench.recipe import Recipe

Tensor = Any


class ScalingOptimizer(FlatOptimizer):
    """As `FlatOptimizer`, on the gradient of a scaled loss; the scale is that of `keras_recipe.scaling_optimizer`.

    `torch.amp.GradScaler` asks the device whether a gradient is finite before each step, which cannot be captured as a
    CUDA graph; here both ends of a step are computed, and numbers on the device choose.

    Attributes:
        scale: What the loss of the next step is multiplied by.
        finite: Finite gradients in a row since it last changed.
    """

    def __init__(self, recipe: Recipe, weights: Tensor, gradient: Tensor):
        import torch

        self.scale, self.finite = (torch.zeros((), device=weights.device) for _ in range(2))
        super().__init__(recipe, weights, gradient)
        self._kept = [weights, gradient, *self.state]
        self._before: list[Tensor] = []
        self.state += [self.scale, self.finite]

    def reset(self) -> None:
        """Put in the state before the first step."""
        super().reset()
        self.scale.fill_(self._scaling.initial_scale)
        self.finite.zero_()

    def begin(self) -> None:
        """As `FlatOptimizer.begin`; what a recipe keeps is scaled, as what is added to it."""
        self._before = [tensor.clone() for tensor in self._kept]
        super().begin()
        self.gradient.mul_(self.scale)

    def scale_loss(self, loss: Tensor) -> Tensor:
        """Return the loss times the scale."""
        return loss * self.scale

    def step(self) -> None:
        """Change the weights by their gradient if all of it is finite, and the scale by whether it is."""
        import torch

        self.gradient.div_(self.scale)
        finite = self.gradient.isfinite().all()
        super().step()
        for tensor, before in zip(self._kept, self._before, strict=True):
            tensor.copy_(torch.where(finite, tensor, before))
        self.finite.add_(1).mul_(finite)
        grows = self.finite == self._scaling.dynamic_growth_steps
        self.scale.mul_(torch.where(finite, 1.0 + grows, 0.5))
        self.finite.mul_(~grows)

    @property
    def _scaling(self) -> Any:
        """Keras's optimizer that scales, for its numbers."""
        import keras

        return keras.optimizers.LossScaleOptimizer(self._of)
