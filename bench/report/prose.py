"""The running text of a report: its opening, a line on each task, how to read it."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench import stats
from bench.estimates import in_words
from bench.frames.scores import Key
from bench.record import RANKED
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import Table, count, escape, listed, lower, paragraphs, rendered
from bench.report.provenance import CHANGED, commits_of
from bench.report.recipe_words import recipe_of
from bench.report.results import Results
from bench.report.rows import Row, names
from bench.report.sections.training_order import courses, error_of
from bench.task import Target, TargetKind
from bench.text.markdown import code

RELATED = "related:"
"""How keys of ``about.csv`` begin that name a report beside this one."""
RESUMED_S = 3600.0
"""A gap between runs from which on a sweep was interrupted and resumed."""


def opening(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return what a report is about and what it leaves open: data, models, seeds, machine, what was not tested.

    First, where it was made from more than one commit or from changed code, that, with a link to the table of which is
    which; last, links to the reports beside it.
    """
    runs, cases = results.frames["runs"], results.frames["cases"]
    places = results.frames["environments"]
    networks = places[places["backend"] != "numpy"]
    commits = commits_of(results)
    fewest = min((len(row.done) for row in results.rows if row.trained), default=stats.ENOUGH)
    return paragraphs(
        "opening",
        about={"seeds_rule": "", **results.about},
        seeds_on=results.seeds_on,
        commits=[code(commit) for commit in commits],
        changed=any(commit.endswith(CHANGED) for commit in commits),
        provenance=tables["provenance"].target,
        trained=int((cases["trained"] & (cases["variant_of"] == "")).sum()),
        recipes_each=_recipes_each(results),
        exact=int((~cases["trained"]).sum()),
        tasks=[_task_in_words(board) for board in results.tasks],
        synthetic=bool(cases["synthetic"].all()),
        partly=bool(cases["synthetic"].any()),
        windows=_span_of(runs["train_windows"]),
        draws=int(results.about["data_seeds"]),
        recipes=_recipes(results),
        done=int((runs["status"] == "done").sum()),
        planned=results.n_planned,
        places=(networks if len(networks) else places).to_dict("records"),
        total=in_words(float(runs["total_s"].sum())),
        span=_span(runs),
        few=fewest if 0 < fewest < stats.ENOUGH else 0,
        enough=stats.ENOUGH,
        untested=_untested(results),
        related={k.removeprefix(RELATED): v for k, v in results.about.items() if k.startswith(RELATED)},
    )


def _span_of(counts: pd.Series) -> str:
    """Return the least and the greatest of the counts that are known and above 0; empty for none."""
    known = counts.dropna()
    known = known[known > 0]
    return " to ".join(dict.fromkeys(f"{n:,.0f}" for n in (known.min(), known.max()))) if len(known) else ""


def _recipes(results: Results) -> str:
    """Return in words whether the networks that are compared share a recipe, differ in it, or choose from a grid."""
    if _varied(results):
        return "the best recipe of one grid"
    unlike = any(len({tuple(recipe_of(r).values()) for r in board.trained}) > 1 for board in results.leading())
    return "each under its own recipe, and these differ" if unlike else "one recipe a question"


def _recipes_each(results: Results) -> int:
    """Return under how many recipes a network of a grid ran, at most; 1 without a grid."""
    frame = results.frames["cases"]
    return int(frame.loc[frame["variant_of"] != "", "variant_of"].value_counts().max()) + 1 if _varied(results) else 1


def _varied(results: Results) -> bool:
    return bool((results.frames["cases"]["variant_of"] != "").any())


def _untested(results: Results) -> list[str]:
    """Return in words what no run of this report says anything of."""
    cases, runs = results.frames["cases"], results.frames["runs"]
    found = ["other draws of the data"] * (int(results.about["data_seeds"]) < 2)
    found += ["data from the world"] * bool(cases["synthetic"].all())
    found += ["other recipes"] * (not _varied(results))
    found += ["speed"] * (not any(row.speed is not None for row in results.rows))
    found += ["another machine"] * (runs["host"].nunique() < 2)
    improving = [c.improving for b in results.leading() if error_of(b) for c in courses(results, b)]
    still = sum(map(bool, improving))
    return [*found, "longer training" + (f" ({still} of {len(improving)} curves of error still fall)" if still else "")]


def verdicts(results: Results) -> list[str]:
    """Return what the verdict words mean, in a paragraph."""
    log = any(board.metric.log for board in results.leading())
    plain = any(not board.metric.log for board in results.leading())
    return paragraphs(
        "verdicts", region=results.region, log=log, plain=plain, enough=stats.ENOUGH, chance=stats.FRAGILE
    )


def asked(board: Leaderboard) -> str:
    """Return in a line what a question asks."""
    if board.common:
        by_order = sorted(board.rows, key=lambda r: int(r.info["order"]))
        tasks = dict.fromkeys(str(r.info["task"]).replace("_", " ") for r in by_order)
        some = any(TargetKind(row.info["target"]).every_position for row in board.rows)
        what = f"The last position's forecast ({board.rows[0].info['question']})" if some else "One question"
        return escape(f"{what}, in {listed([*tasks])}.")
    info = min((row.info for row in board.rows), key=lambda i: int(i["order"]))
    said = _sentences(info)[0].rstrip(".")
    return escape(f"{said}.") if said else ""


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
        about=". ".join(said) + "." * any(said),
        changed=_changed(info),
        others={escape(who): escape(lower(about)) for who, about in added.items() if about},
        **_shapes(board, info),
    )
    return " ".join(text)


def _sentences(info: Mapping[str, Any]) -> list[str]:
    """Return what a dataset says of itself, without what it says of each parameter: those that were set follow."""
    return str(info["dataset_about"]).partition(" Attributes: ")[0].rstrip(".").split(". ")


def _changed(info: Mapping[str, Any]) -> str:
    """Return the parameters of made-up data that are not those that the dataset describes itself with."""
    params = json.loads(info["dataset_set"] or "{}") if info["synthetic"] else {}
    words = {key: ", ".join(map(str, value)) if isinstance(value, list) else value for key, value in params.items()}
    return "; ".join(f"{key.replace('_', ' ')} {value}" for key, value in words.items())


def _asked(info: Mapping[str, Any]) -> str:
    """Return what is forecast of a window."""
    kind, steps = TargetKind(info["target"]), int(info["horizon"])
    if kind.is_class:
        asked = "the label of each of its positions" if kind.every_position else "its label"
        return asked + (f", one of {info['classes']:,} classes" if info["classes"] > 2 else "")
    after = f"the {count(steps, 'step')} after" if kind.every_position or steps > 1 else "the step after"
    named = [t.name + (f" in {t.unit}" if t.unit else "") for t in info["targets"] if t != Target()]
    of = f", of {escape(listed(named))}" if named else ""
    return f"{after} {'each of its positions' if kind.every_position else 'it'}{of}"


def _shapes(board: Leaderboard, info: Mapping[str, Any]) -> dict[str, object]:
    """Return what a window is and what is forecast of it, how many windows there are, and how many train."""
    if pd.isna(info["input_length"]):
        return {"length": 0}
    values = count(int(info["features"]), "value") if pd.notna(info["features"]) else "values"
    if pd.notna(info["vocabulary"]):
        values = f"one of {info['vocabulary']:,} tokens"
    same = [r for r in board.rows if all(r.info[k] == info[k] for k in ("dataset", "dataset_params"))]
    runs = pd.concat([r.done for r in same if r.trained] or [same[0].done])
    return {
        "length": int(info["input_length"]),
        "values": values,
        "forecast": _asked(info),
        "windows": runs[runs["windows"] != ""].drop_duplicates("windows").to_dict("records"),
        "used": _span_of(runs["train_windows"]),
    }


def how_to_read(results: Results) -> str:
    """Return what a reader has to know of the numbers."""
    monitors = dict.fromkeys(escape(board.monitor.heading) for board in results.tasks)
    noises = [board.noise for board in results.leaderboards if len(board.ranked) > 1]
    score = Key("", *RANKED[results.rank])
    text = rendered(
        "how_to_read",
        ranked=f"the {score.in_words('score')}",
        chosen=score.split == "valid",
        monitors=" or ".join(monitors),
        by_draw=any(noise.by_draw for noise in noises),
        crossed=any(noise.series for noise in noises),
        chance=f"{100 * stats.FRAGILE:g}",
    )
    return text + "\n"
