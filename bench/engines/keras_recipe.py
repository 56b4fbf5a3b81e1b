"""A recipe in Keras's terms: its optimizer and its loss. For engines that run on Keras, and for the reference."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from bench.recipe import OPTIONS, Recipe

if TYPE_CHECKING:
    import keras

BatchLoss = Callable[[Any, Any, Any], Any]
"""From targets, forecasts and the mask (None where a task has none) of a batch to its mean loss."""


def keras_optimizer(recipe: Recipe) -> "keras.optimizers.Optimizer":
    """Return a recipe's optimizer, with Keras's own defaults for what it does not set."""
    import keras

    names = {key: key for key, option in OPTIONS.items() if option.field == "optimizer"}
    names |= {"weight_decay": "weight_decay", "clip_norm": "global_clipnorm", "clip_value": "clipvalue"}
    options = {theirs: getattr(recipe, ours) for ours, theirs in names.items() if getattr(recipe, ours) is not None}
    made = keras.optimizers.get(
        {"class_name": recipe.optimizer, "config": {"learning_rate": recipe.learning_rate, **options}}
    )
    return _adding_up(type(made)).from_config(made.get_config()) if recipe.keep_gradients else made


def scaling_optimizer(recipe: Recipe) -> "keras.optimizers.Optimizer":
    """Return the same, whose `scale_loss` a loss goes through before its gradient is taken: for float16 it is scaled.

    Dynamic loss scaling (Micikevicius et al., 2018, section 3.2) with Keras's numbers: from 2**15 the scale doubles
    after 2000 finite gradients in a row. One that is not finite halves it, and weights and optimizer stay as they are.
    """
    import keras

    made = keras_optimizer(recipe)
    return keras.optimizers.LossScaleOptimizer(made) if recipe.precision == "float16" else made


def _adding_up(kind: Any) -> Any:
    """Return an optimizer whose gradients are never set to zero: ``v_t = clip(v_{t-1}) + g_t``, and v_t is applied."""
    from keras import ops

    class AddingUp(kind):  # type: ignore[misc]
        def build(self, variables: Any) -> None:
            super().build(variables)
            self._sums = [self.add_variable_from_reference(v, name="sum") for v in variables]

        def _clip_gradients(self, gradients: Any) -> Any:
            earlier = super()._clip_gradients([ops.convert_to_tensor(each) for each in self._sums])
            sums = [one + other for one, other in zip(earlier, gradients, strict=True)]
            for variable, value in zip(self._sums, sums, strict=True):
                variable.assign(value)
            return sums

    return AddingUp


def keras_loss(recipe: Recipe, levels: tuple[float, ...] = ()) -> Callable[[Any, Any], Any]:
    """Return a recipe's loss: from targets and forecasts to their loss, averaged over the last axis.

    With ``levels`` forecasts have an axis of quantiles more than targets, and the loss is averaged over that.
    """
    import keras

    if levels:
        return partial(_pinball_of, levels)
    if recipe.loss == "quantile":
        return partial(_pinball, 0.5 if recipe.quantile is None else recipe.quantile)
    loss = keras.losses.get(recipe.loss)
    return partial(loss, delta=recipe.huber_delta) if recipe.huber_delta is not None else loss


def batch_loss(recipe: Recipe, levels: tuple[float, ...] = ()) -> BatchLoss:
    """Return a recipe's loss averaged over a batch, over the positions alone that its mask has.

    ``levels`` are those of the task's quantiles, where it asks for some.
    """
    from keras import ops

    loss = keras_loss(recipe, levels)

    def mean(y: Any, forecast: Any, mask: Any) -> Any:
        if mask is None:
            return ops.mean(loss(y, forecast))
        single = len(forecast.shape) == len(mask.shape)  # a loss is averaged over the last axis: give it one
        values = loss(y[..., None], forecast[..., None]) if single else loss(y, forecast)
        values = ops.mean(values, axis=tuple(range(len(mask.shape), len(values.shape))))
        counted = ops.cast(mask, values.dtype)
        # A batch whose mask is empty has no loss.
        return ops.sum(values * counted) / ops.maximum(ops.sum(counted), 1.0)

    return mean


def _pinball(level: float, y: Any, forecast: Any) -> Any:
    """``max(q e, (q - 1) e)`` of each error e = y - forecast, Koenker and Bassett (1978)."""
    from keras import ops

    error = y - forecast
    return ops.mean(ops.maximum(level * error, (level - 1) * error), axis=-1)


def _pinball_of(levels: tuple[float, ...], y: Any, forecast: Any) -> Any:
    """Return the mean of `_pinball` over levels, each of which has a place on the forecast's last axis."""
    return sum(_pinball(level, y, forecast[..., at]) for at, level in enumerate(levels)) / len(levels)
