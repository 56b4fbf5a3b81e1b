"""What scores over seeds say, and which models differ significantly: plain numbers in, frozen values out."""

from bench.stats.agreement import Agreement, agreement
from bench.stats.intervals import Interval, Ratio, enough_seeds, interval, ratio
from bench.stats.letters import letters
from bench.stats.paired import Comparison, paired_ratio
from bench.stats.pairs import games_howell, holm, significant_pairs
from bench.stats.power import detectable_gap, seeds_to_separate
from bench.stats.published import Judgement, curve_outside, expected_misses, judge_published, last_digit
from bench.stats.samples import (
    LARGEST,
    SAME,
    Float64,
    Sample,
    Summary,
    finite,
    geometric_mean,
    multiple_of_floor,
    scale_of,
    skill,
    stuck,
    summarise,
)

__all__ = [
    "LARGEST",
    "SAME",
    "Agreement",
    "Comparison",
    "Float64",
    "Interval",
    "Judgement",
    "Ratio",
    "Sample",
    "Summary",
    "agreement",
    "curve_outside",
    "detectable_gap",
    "enough_seeds",
    "expected_misses",
    "finite",
    "games_howell",
    "geometric_mean",
    "holm",
    "interval",
    "judge_published",
    "last_digit",
    "letters",
    "multiple_of_floor",
    "paired_ratio",
    "ratio",
    "scale_of",
    "seeds_to_separate",
    "significant_pairs",
    "skill",
    "stuck",
    "summarise",
]  # fmt: skip
