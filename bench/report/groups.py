"""Accuracy by groups of test windows: what a group's value means, and the table of it."""

import pandas as pd

from bench.report.markdown import NONE, escape, table
from bench.report.summary import Ground, Results

NO_GROUP = -1
"""Value of windows that stand in no group."""


def group_note(ground: Ground) -> str:
    """Return what the dataset says of its groups; empty where it says nothing."""
    texts = [str(r.info["groups_about"]) for r in ground.rows if "groups_about" in r.info]
    return next((text for text in texts if text), "")


def none_label(ground: Ground) -> str:
    """Return what a window in no group is called."""
    return str(ground.rows[0].info["no_group"])


def group_frames(results: Results, ground: Ground) -> dict[str, pd.DataFrame]:
    """Return the test accuracies of a ground's rows by each kind of group."""
    frame = results.frames["groups"]
    mine = frame[frame["case"].isin([r.case for r in ground.rows]) & (frame["split"] == "test")]
    return {str(kind): mine[mine["group"] == kind] for kind in dict.fromkeys(mine["group"])}


def group_tables(results: Results, ground: Ground) -> list[tuple[str, str, str, list[str]]]:
    """Return accuracy by each group of the test windows: a line a value, a column a model."""
    made = []
    for group, part in group_frames(results, ground).items():
        rows = [r for r in ground.rows if r.case in set(part["case"])]
        lines = []
        for value in sorted(part["group_value"].unique()):
            counts = part.loc[part["group_value"] == value, "n_windows"].dropna().astype(int)
            line = [
                none_label(ground) if value == NO_GROUP else f"{value:g}",
                " to ".join(f"{n:,}" for n in dict.fromkeys((counts.min(), counts.max()))) if len(counts) else NONE,
            ]
            for row in rows:
                own = row.of(part)
                own = own[own["group_value"] == value]
                line.append(f"{100 * own['accuracy'].mean():.1f} %" if len(own) else NONE)
            lines.append(line)
        name = escape(group.replace("_", " "))
        body = table([name, "windows", *(escape(r.name) for r in rows)], lines)
        title = f"{escape(ground.title)}: test accuracy by {name}"
        note = escape(group_note(ground))
        made.append((group, title, body, ["Mean over runs, last epoch." + (f" {note}" if note else "")]))
    return made
