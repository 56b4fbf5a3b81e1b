"""A suite: a selection of cases, seeds, devices and backends, read strictly from one TOML file."""

from bench.suite.model import AutoSeeds, Suite, match_cases
from bench.suite.override import override
from bench.suite.read import SUITES, explain, read_suite

__all__ = ["SUITES", "AutoSeeds", "Suite", "explain", "match_cases", "override", "read_suite"]
