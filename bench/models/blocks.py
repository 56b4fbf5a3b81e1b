"""What deep networks of equal residual blocks share: an entry of one width, the blocks, and a head."""

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PositiveInt

from bench.models.base import Network, Support
from bench.models.targets import embedding, head, task_input
from bench.task import Task

if TYPE_CHECKING:
    import keras


class BlockNetwork(Network):
    """An entry, ``layers`` blocks, what comes after them, and a dense head a position or on the last one.

    A subclass says what one block is. Whatever the code of a paper has: dense maps start as Keras's do unless a layer
    says so, one recipe is for all weights, and where a window has one answer its last step is read.

    Attributes:
        width: Numbers a step between the blocks.
        layers: Blocks.
        dropout: Share of a block's outputs that training sets to zero; 0 adds no layer.
    """

    quantile_outputs: ClassVar[bool] = True
    general: ClassVar[bool] = True
    width: PositiveInt = 32
    layers: PositiveInt = 2
    dropout: float = Field(default=0.0, ge=0, lt=1)

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Network.supports`; blocks are over a known number of steps."""
        if task.input_length is None:
            return self.misfit(task, "takes a known number of steps", "has windows of any length")
        return super().supports(task, train)

    def receptive_field(self, task: Task) -> int | None:
        """As `Model.receptive_field`: the whole window, unless a subclass says another."""
        return task.input_length

    def build(self, task: Task) -> "keras.Model":
        """Return a network whose output is shaped like the task's."""
        import keras

        inputs = x = task_input(task)
        for layer in (*embedding(task), keras.layers.Dense(self.width)):
            x = layer(x)
        x = self.entered(x)
        for number in range(self.layers):
            x = self.block(x, number)
        x = self.left(x)
        if not task.target.every_position:
            x = x[:, -1]
        for layer in head(task):
            x = layer(x)
        return keras.Model(inputs, x)

    def entered(self, x: Any) -> Any:
        """Return what the first block is given ``(batch, steps, width)``."""
        return x

    def block(self, x: Any, number: int) -> Any:
        """Return a block's output ``(batch, steps, width)``; ``number`` from 0."""
        raise NotImplementedError

    def left(self, x: Any) -> Any:
        """Return what the head is given, from the last block's output."""
        return x

    def dropped(self, x: Any) -> Any:
        """Return x with dropout, where there is any."""
        import keras

        return keras.layers.Dropout(self.dropout)(x) if self.dropout else x
