"""The cases, registered in the order of the source's table by importing their files in it."""
# ruff: noqa: I001 (the order is the point)

from bench.families.bai2018.cases import adding
from bench.families.bai2018.cases import copying
from bench.families.bai2018.cases import pixels

PARTS = (adding, copying, pixels)
