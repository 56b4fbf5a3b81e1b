"""What the notebook does otherwise than this package, as facts that stand beside its values."""

WHOLE_EPOCHS = "the notebook trains on the incomplete last batch too"
"""24 of 7,000 windows; an epoch here leaves them out."""
