"""The running text of a report: its opening, a line on each task, how to read it."""

import pandas as pd

from bench.estimates import in_words
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import count, escape, listed, lower, paragraphs, rendered
from bench.report.results import Results
from bench.report.rows import Row, names
from bench.task import Target, TargetKind

RELATED = "related:"
"""How keys of ``about.csv`` begin that name a report beside this one."""
RESUMED_S = 3600.0
"""A gap between runs from which on a sweep was interrupted and resumed."""


def opening(results: Results) -> list[str]:
    """Return what was compared on what, over how many seeds, where, how long, how to run it again, and what is beside.

    The last is a paragraph of links to the reports that answer further questions, if there are any.
    """
    runs, trained = results.frames["runs"], results.frames["cases"]["trained"]
    places = results.frames["environments"]
    networks = places[places["backend"] != "numpy"]
    return paragraphs(
        "opening",
        about={"seeds_rule": "", **results.about},
        trained=int(trained.sum()),
        exact=int((~trained).sum()),
        tasks=[_task_in_words(board) for board in results.tasks],
        done=int((runs["status"] == "done").sum()),
        planned=results.n_planned,
        places=(networks if len(networks) else places).to_dict("records"),
        total=in_words(float(runs["total_s"].sum())),
        span=_span(runs),
        related={k.removeprefix(RELATED): v for k, v in results.about.items() if k.startswith(RELATED)},
    )


def _task_in_words(board: Leaderboard) -> str:
    """Return a task's name inside a sentence, as its title has it but for the capital."""
    words = str(board.rows[0].info["task"]).replace("_", " ")
    return words if words and words[1:] == board.title[1:] else board.title


def _span(runs: pd.DataFrame) -> str:
    """Return the time on the clock from first start to last end; empty where the runs did not go in one go."""
    times = (pd.to_datetime(runs[c], format="ISO8601", utc=True, errors="coerce") for c in ("started_at", "ended_at"))
    spans = pd.concat(times, axis=1, keys=["start", "end"]).dropna().sort_values("start")
    gaps = (spans["start"] - spans["end"].cummax().shift()).dt.total_seconds()
    if len(spans) < len(runs) or (spans["end"] < spans["start"]).any() or (gaps > RESUMED_S).any():
        return ""
    return in_words((spans["end"].max() - spans["start"].min()).total_seconds())


def left_out(results: Results) -> str:
    """Return a line on the records of other environments."""
    number = int(results.about["left_out"])
    if not number:
        return "No record of another environment was left out.\n"
    verb = "was" if number == 1 else "were"
    return f"{count(number, 'record')} of other environments {verb} left out; name one with `--environment`.\n"


def description(board: Leaderboard) -> str:
    """Return what is forecast from what, on which windows, as the datasets say it of themselves."""
    datasets: dict[str, list[Row]] = {}
    for row in board.rows:
        datasets.setdefault(row.info["dataset"], []).append(row)
    first, *others = sorted(datasets.values(), key=lambda rows: -len(rows))
    info = first[0].info
    said = _sentences(info)
    added = {names(rows): ". ".join(s for s in _sentences(rows[0].info) if s not in said) for rows in others}
    by_order = sorted(board.rows, key=lambda r: int(r.info["order"]))
    text = paragraphs(
        "description",
        board=board,
        tasks=list(dict.fromkeys(escape(r.info["task"].replace("_", " ")) for r in by_order)),
        asked=escape(board.rows[0].info["question"]),
        info=info,
        others={escape(who): escape(lower(about)) for who, about in added.items() if about},
        **_shapes(board, info),
    )
    return " ".join(text)


def _sentences(info: pd.Series) -> list[str]:
    return str(info["dataset_about"]).rstrip(".").split(". ")


def _asked(info: pd.Series) -> str:
    """Return what is forecast of a window."""
    kind, steps = TargetKind(info["target"]), int(info["horizon"])
    if kind.is_class:
        asked = "the label of each of its positions" if kind.every_position else "its label"
        return asked + (f", one of {info['classes']:,} classes" if info["classes"] > 2 else "")
    after = f"the {count(steps, 'step')} after" if kind.every_position or steps > 1 else "the step after"
    named = [t.name + (f" in {t.unit}" if t.unit else "") for t in info["targets"] if t != Target()]
    of = f", of {escape(listed(named))}" if named else ""
    return f"{after} {'each of its positions' if kind.every_position else 'it'}{of}"


def _shapes(board: Leaderboard, info: pd.Series) -> dict[str, object]:
    """Return what a window is and what is forecast of it, how many windows there are, and how many train."""
    if pd.isna(info["input_length"]):
        return {"length": 0}
    values = count(int(info["features"]), "value") if pd.notna(info["features"]) else "values"
    if pd.notna(info["vocabulary"]):
        values = f"one of {info['vocabulary']:,} tokens"
    same = [r for r in board.rows if all(r.info[k] == info[k] for k in ("dataset", "dataset_params"))]
    runs = pd.concat([r.done for r in same if r.trained] or [same[0].done])
    used = runs["train_windows"].dropna()
    used = used[used > 0]
    return {
        "length": int(info["input_length"]),
        "values": values,
        "forecast": _asked(info),
        "windows": runs[runs["windows"] != ""].drop_duplicates("windows").to_dict("records"),
        "used": " to ".join(dict.fromkeys(f"{n:,.0f}" for n in (used.min(), used.max()))) if len(used) else "",
    }


def how_to_read(results: Results) -> str:
    """Return what a reader has to know of the numbers."""
    monitors = dict.fromkeys(escape(board.monitor.heading) for board in results.tasks)
    return rendered("how_to_read", monitors=" or ".join(monitors)) + "\n"
