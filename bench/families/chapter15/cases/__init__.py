"""The cases of chapter 15, registered in the notebook's order by importing their files in it."""
# ruff: noqa: I001 (the order is the point)

from bench.families.chapter15.cases import one_step
from bench.families.chapter15.cases import ten_steps
from bench.families.chapter15.cases import every_step
from bench.families.chapter15.cases import convolutional
from bench.families.chapter15.cases import reber
from bench.families.chapter15.cases import torch_layers

PARTS = (one_step, ten_steps, every_step, convolutional, reber, torch_layers)
