"""Self-attention that hands its scores on to the next one."""

from typing import Any

import keras
from keras import ops


class ResidualAttention(keras.layers.Layer):  # type: ignore[misc]
    """``softmax(Q K' / sqrt(size) + before) V`` in each head, and an output map; all tokens see all.

    He et al. (2021), "RealFormer: Transformer Likes Residual Attention", arXiv 2012.11747, section 3; without
    ``before`` it is the attention of Vaswani et al. (2017). A single token sees itself alone, whatever its scores are:
    then there are no queries and keys, for nothing would train them.

    Args:
        heads: They share out the features.

    Call arguments:
        inputs: ``(batch, tokens, features)``, tokens known.
        before: Scores of the attention before this one; None for none.

    Returns:
        ``(batch, tokens, features)``, and the scores before the softmax ``(batch, heads, tokens, tokens)``.
    """

    def __init__(self, heads: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.heads = heads

    def build(self, inputs_shape: tuple[int | None, ...], before_shape: Any = None) -> None:
        """Make the maps."""
        features = inputs_shape[-1]
        names = ("value", "out") if inputs_shape[-2] == 1 else ("query", "key", "value", "out")
        for name in names:
            setattr(self, name, keras.layers.Dense(features))
            getattr(self, name).build(inputs_shape)
        self.built = True

    def call(self, inputs: Any, before: Any = None) -> tuple[Any, Any]:
        """Attend."""
        _, tokens, features = inputs.shape
        values = self.headed(self.value(inputs))
        if tokens == 1:
            mixed, scores = values, ops.zeros_like(values[..., :1])
        else:
            queries, keys = self.headed(self.query(inputs)), self.headed(self.key(inputs))
            scores = ops.matmul(queries, ops.transpose(keys, (0, 1, 3, 2))) * (features // self.heads) ** -0.5
            scores = scores if before is None else scores + before
            mixed = ops.matmul(ops.softmax(scores, axis=-1), values)
        return self.out(ops.reshape(ops.transpose(mixed, (0, 2, 1, 3)), (-1, tokens, features))), scores

    def headed(self, x: Any) -> Any:
        """Return each head's features ``(batch, heads, tokens, size)``."""
        _, tokens, features = x.shape
        return ops.transpose(ops.reshape(x, (-1, tokens, self.heads, features // self.heads)), (0, 2, 1, 3))
