"""The running text of a report: its opening, a line on each task, how to read it."""

import numpy as np
import pandas as pd

from bench.estimates import in_words
from bench.report.markdown import count, escape
from bench.report.summary import EVERY_STEP, Ground, Results, names

RELATED = "related:"
"""How keys of ``about.csv`` begin that name a report beside this one."""
RESUMED_S = 3600.0
"""A gap between runs from which on a sweep was interrupted and resumed."""


def opening(results: Results) -> str:
    """Return what was compared on what, over how many seeds, where, how long, and how to run it again."""
    cases, runs = results.frames["cases"], results.frames["runs"]
    trained, exact = int(cases["trained"].sum()), int((~cases["trained"]).sum())
    tasks = [g.title.lower() for g in results.tasks]
    asked = f"{', '.join(tasks[:-1])} and {tasks[-1]}" if len(tasks) > 1 else "".join(tasks)
    seeds, data_seeds = int(results.about["seeds"]), int(results.about["data_seeds"])
    over = count(seeds, "seed") + (f" on {data_seeds} data seeds" if data_seeds > 1 else "")
    rule = f" at most ({escape(results.about['seeds_rule'])})" if results.about.get("seeds_rule") else ""
    done = int((runs["status"] == "done").sum())
    return (
        f"{count(trained, 'trained model')} and {count(exact, 'predictor')} that need no training, compared on "
        f"{count(len(tasks), 'task')} ({escape(asked)}), each trained model over {over}{rule}. "
        f"{done} of {count(results.n_planned, 'run')} have a result. They ran on {places(results)} and took "
        f"{took(results)}. To run this again: `{results.about['command']}`."
    )


def related_reports(results: Results) -> str:
    """Return a line with links to the reports beside this one that answer further questions; empty without any."""
    named = {k.removeprefix(RELATED): v for k, v in results.about.items() if k.startswith(RELATED)}
    links = [f"[{escape(name)}](../{name}/README.md): {escape(question)}" for name, question in named.items()]
    return f"Beside this report: {' '.join(links)}\n" if links else ""


def places(results: Results) -> str:
    """Return the environments of trained runs in words."""
    frame = results.frames["environments"]
    frame = frame[frame["backend"] != "numpy"] if (frame["backend"] != "numpy").any() else frame
    words = []
    for _, e in frame.iterrows():
        device = f"{e['device_name']} beside {e['cpu']}" if e["device_name"] else e["cpu"]
        backend = f"{e['backend']} {e['backend_version']}".strip()
        keras = f", Keras {e['keras']}" if e["keras"] else ""
        words.append(
            f"{escape(device)} ({count(int(e['threads']), 'thread')} a worker; {backend}{keras}, {e['precision']})"
        )
    return " and on ".join(words)


def left_out(results: Results) -> str:
    """Return a line on the records of other environments."""
    number = int(results.about["left_out"])
    if not number:
        return "No record of another environment was left out.\n"
    verb = "was" if number == 1 else "were"
    return f"{count(number, 'record')} of other environments {verb} left out; name one with `--environment`.\n"


def took(results: Results) -> str:
    """Return the runs' summed time in words, and the time on the clock where they ran in one go."""
    runs = results.frames["runs"]
    text = f"{in_words(float(runs['total_s'].sum()))} of run time in all"
    starts, ends = (pd.to_datetime(runs[c], format="ISO8601", utc=True, errors="coerce") for c in SPAN)
    spans = pd.DataFrame({"start": starts, "end": ends}).dropna().sort_values("start")
    gaps = (spans["start"] - spans["end"].cummax().shift()).dt.total_seconds()
    if len(spans) < len(runs) or (spans["end"] < spans["start"]).any() or (gaps > RESUMED_S).any():
        return text
    return (
        f"{text}, {in_words((spans['end'].max() - spans['start'].min()).total_seconds())} from first start to last end"
    )


SPAN = ("started_at", "ended_at")


def description(ground: Ground) -> str:
    """Return what is forecast from what, on which windows, as the dataset says it of itself."""
    if ground.common:
        by_order = sorted(ground.rows, key=lambda r: int(r.info["order"]))
        tasks = list(dict.fromkeys(r.info["task"].replace("_", " ") for r in by_order))
        asked = escape(ground.rows[0].info["question"])
        if len(tasks) == 1:
            return (
                f"The forecast at a window's last position alone ({asked}), which ranks the models too that are scored "
                f"on fewer positions. The task, {tasks[0]}, is described under its own table."
            )
        text = f"What these tasks share is the forecast at a window's last position ({asked}): {', '.join(tasks)}."
        return text + " Each is described under its own table; a predictor that is the same in several stands once."
    datasets: dict[str, list[int]] = {}
    for i, row in enumerate(ground.rows):
        datasets.setdefault(row.info["dataset"], []).append(i)
    first, *others = sorted(datasets.values(), key=lambda places: -len(places))
    info = ground.rows[first[0]].info
    said = _sentences(info["dataset_about"])
    parts = [escape(info["dataset_about"]), _shapes(ground, info), escape(info["extra_about"])]
    for places in others:
        rows = [ground.rows[i] for i in places]
        about = ". ".join(s for s in _sentences(rows[0].info["dataset_about"]) if s not in said)
        parts.append(f"Otherwise for {escape(names(rows))}: {escape(about[:1].lower() + about[1:])}." if about else "")
    return " ".join(part for part in parts if part)


def _sentences(text: str) -> list[str]:
    return text.rstrip(".").split(". ")


def _shapes(ground: Ground, info: pd.Series) -> str:
    if pd.isna(info["input_length"]):
        return ""
    values = count(int(info["features"]), "value") if pd.notna(info["features"]) else "values"
    steps = count(int(info["horizon"]), "step")
    asked = "its label" if ground.is_label else f"the {steps} after it" if info["horizon"] > 1 else "the step after it"
    if info["target"] == EVERY_STEP:
        asked = f"the {steps} after each of its positions"
    text = f"A window has {count(int(info['input_length']), 'step')} of {values}; the forecast is {asked}."
    same = [r for r in ground.rows if all(r.info[k] == info[k] for k in ("dataset", "dataset_params"))]
    runs = pd.concat([r.done for r in same if r.trained] or [same[0].done])
    held = runs[runs["windows"] != ""].drop_duplicates("windows")
    if len(held):
        first = held.iloc[0]
        where = (
            f" of data seed {first['data_seed']} (other data seeds have a few more or fewer)" if len(held) > 1 else ""
        )
        text += f" Windows{where}: {escape(first['windows'])}."
    windows = runs["train_windows"].dropna().astype(float)
    windows = windows[windows > 0]
    if len(windows):
        used = " to ".join(f"{n:,.0f}" for n in np.unique([windows.min(), windows.max()]))
        text += f" An epoch trains on {used} windows, the incomplete last batch left out."
    return text


RUN_IDS = "Each run id names the run's files in `results/records` and its row in `runs.csv`.\n"
HOW_TO_READ = """\
- **Validation chooses, test reports.** Rows are ranked by validation after the last epoch. Test was scored once, for
  the last epoch and for the weights of the best epoch: that of least validation MSE over its positions, or of least
  validation cross entropy for labels. A leader's own mean is low partly by luck; so is its test score, which is of the
  same networks.
- **Means and intervals.** Errors are worked on in logs: the mean is geometric, and the 95 % interval is Student's t on
  the log errors over seeds. It says how far another set of seeds may move the mean, not another data set; where a
  report sweeps data seeds, their number is n, and model seeds are averaged within each. Accuracies are not logged;
  their intervals are cut at 0 and 100 %. Simulated (the tests repeat it), the interval covers 95 % of log-normal seeds;
  where one seed in ten ends five times worse, only 65 % at ten seeds, and stuck seeds do as much to accuracies: so they
  are flagged, and the figures show every seed as a dot.
  *2 of 3* means that one planned run has no result; it is neither dropped from the count nor filled in.
- **exact** marks a predictor that no seed can change.
- **group**: two models share a letter exactly where these seeds cannot tell them apart. Trained models are compared by
  Games-Howell at 5 % on log MSE (on accuracy, for labels) over all ranked trained rows of the table, which corrects
  for their number; a trained and an exact one by a one-sample t test with Holm's correction over all such pairs, a
  second family at 5 %. Two exact scores differ unless they are equal. Over several data seeds a predictor's score
  varies as a trained model's does, and is compared as one; the models then share their data sets, and the tests, which
  do not use that, are the more cautious for it. Tables are not corrected for one another, and
  some share runs. A model with one seed has no known spread and is told from nothing. Sharing a letter never means
  equal: the ratio (for labels, the points) in the findings is what a trained model of the table's median spread has to
  differ by to be told from the leader with 80 % power. Simulated with 13 equal trained models and ten seeds, 5 % of
  tables tell one from the leader and 6.4 % tell any two apart.
- **× leader** is the ratio of geometric means to the leader's, with the Games-Howell interval over all pairs of the
  table; against an exact score it is the one-sample t interval of that comparison alone, which may leave 1 out where
  Holm's correction does not find the difference.
- **Kendall's W** is 1 where all seeds order the models alike; where each has its own order, it is about one over the
  number of seeds. Models far apart make it large, so it says little of the leaders.
- **skill** is 1 − MSE / MSE of the baseline: 1 is perfect, 0 is no better than the baseline.
- **× floor** is the MSE over the variance of the noise in the target, which no forecast can expect to beat.
- **Printed values** count as outside where they miss the 95 % prediction interval of our seeds' log MSE, widened by the
  printed rounding, with Holm's correction over all that seeds are held to. The ratio beside it is what a value had to
  differ by, before rounding, for the first step of that correction. Exact scores are held to the printed digits.
- **Stuck** is a seed whose final score is over three times its model's median; for accuracies, one that lies over four
  points and twice the median's error below it.
- **windows/s** is training alone: no compilation, no evaluation. It is measured with the machine held alone where the
  throughput table says so, else the median of uncontended accuracy runs; (c) marks a model whose runs all shared their
  core (CPU time under 98 % of wall time), or may have, as on a GPU.
- **3::2** are positions 3, 5, ... to the end of the window, counted from 0: what a convolution of stride 2 leaves.
"""
