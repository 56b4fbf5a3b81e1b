"""What scores over seeds say, and which models differ significantly: plain numbers in, frozen values out."""

from bench.stats.agreement import Agreement, agreement
from bench.stats.endings import SHARE_MARGIN, Ending, endings, errors_of_shares, failed_on
from bench.stats.intervals import Interval, Ratio, enough_seeds, interval, ratio
from bench.stats.letters import letters
from bench.stats.paired import Comparison, paired_ratio
from bench.stats.pairs import critical, games_howell, holm, significant_pairs
from bench.stats.pooled import Pooled, pooled
from bench.stats.power import Undecidable, seeds_to_decide
from bench.stats.powers import Crossing, Power, Span, crossings, power
from bench.stats.published import Judgement, curve_outside, expected_misses, judge_published, last_digit
from bench.stats.replication import FRAGILE, Beyond, flip_chances
from bench.stats.same_seed import Ends, ends
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
    summarise,
)
from bench.stats.shares import wilson
from bench.stats.simultaneous import EXACT, Family, Noise, pair_level, simultaneous_error, sizes_of
from bench.stats.sources import LEAST_RUNS, Sources, epoch_noise, share_intervals, sources
from bench.stats.survival import Survival, survival
from bench.stats.tuning import Tuned, expected_best, tuning_curve, winner_on_fresh
from bench.stats.verdicts import ENOUGH, Contrast, Region, Verdict, chance_to_beat, judge

__all__ = [
    "ENOUGH",
    "EXACT",
    "FRAGILE",
    "LARGEST",
    "LEAST_RUNS",
    "SAME",
    "SHARE_MARGIN",
    "Agreement",
    "Beyond",
    "Comparison",
    "Contrast",
    "Crossing",
    "Ending",
    "Ends",
    "Family",
    "Float64",
    "Interval",
    "Judgement",
    "Noise",
    "Pooled",
    "Power",
    "Ratio",
    "Region",
    "Sample",
    "Sources",
    "Span",
    "Summary",
    "Survival",
    "Tuned",
    "Undecidable",
    "Verdict",
    "agreement",
    "chance_to_beat",
    "critical",
    "crossings",
    "curve_outside",
    "endings",
    "ends",
    "enough_seeds",
    "epoch_noise",
    "errors_of_shares",
    "expected_best",
    "expected_misses",
    "failed_on",
    "finite",
    "flip_chances",
    "games_howell",
    "geometric_mean",
    "holm",
    "interval",
    "judge",
    "judge_published",
    "last_digit",
    "letters",
    "multiple_of_floor",
    "pair_level",
    "paired_ratio",
    "pooled",
    "power",
    "ratio",
    "scale_of",
    "seeds_to_decide",
    "share_intervals",
    "significant_pairs",
    "simultaneous_error",
    "sizes_of",
    "skill",
    "sources",
    "summarise",
    "survival",
    "tuning_curve",
    "wilson",
    "winner_on_fresh",
]  # fmt: skip
