"""The cases of chapter 15, registered in the notebook's order by importing their files in it."""
# ruff: noqa: I001 (the order is the point)

from bench.cases import chapter15_one_step
from bench.cases import chapter15_ten_steps
from bench.cases import chapter15_every_step
from bench.cases import chapter15_convolutional
from bench.cases import chapter15_reber

PARTS = (
    chapter15_one_step,
    chapter15_ten_steps,
    chapter15_every_step,
    chapter15_convolutional,
    chapter15_reber,
)
