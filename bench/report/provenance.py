"""Where a report's numbers come from: the commits, environments and days of its runs and measurements."""

from collections.abc import Iterator

import pandas as pd

from bench.report.results import Results

CHANGED = "+"
"""What a commit ends in where the code was changed, or had files that no commit has."""
UNKNOWN = "unknown"


def parts(results: Results) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield what was made, in words, and its frame, a line each with a commit, an environment and a start."""
    for name, key in (("runs", "runs"), ("measurements of throughput", "measurements")):
        yield name, results.frames[key].assign(git_commit=lambda frame: frame["git_commit"].replace("", UNKNOWN))


def commits_of(results: Results) -> list[str]:
    """Return every commit that runs or measurements were made from, in order of its first one."""
    every = pd.concat([frame[["git_commit", "started_at"]] for _, frame in parts(results)])
    return [str(commit) for commit in every.sort_values("started_at")["git_commit"].drop_duplicates()]


def origins(results: Results) -> pd.DataFrame:
    """Return a line for each commit, environment and day that runs or measurements come from, with their count."""
    made = []
    for name, frame in parts(results):
        keys = frame.assign(what=name, day=frame["started_at"].str[:10].replace("", UNKNOWN))
        made.append(keys[["what", "git_commit", "environment", "day"]])
    return pd.concat(made).value_counts(sort=False).rename("n").reset_index().sort_values(["day", "what"])
