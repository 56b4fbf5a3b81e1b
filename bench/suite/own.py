"""The text of a suite for a user's own file: commented, to be edited."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bench.models.base import models
from bench.tables.split import Proposal

SCALES = 'to mean 0 and spread 1, by training alone: "standard" by column, "series" each by itself, "none", a number'
SEEDS, QUICK_SEEDS = tuple(range(1, 11)), (1, 2, 3)
RATES, QUICK_RATE = (0.0003, 0.001, 0.003), 0.003
STEPS, QUICK_STEPS = 5_000, 600
EARLY_STOPPING_EPOCHS = 10
FOLDS = 4
"""Rolling origins that are proposed."""
BATCH, LARGE_BATCH, LARGE = 32, 128, 50_000
"""Windows in a batch; more of them where the training part has more windows than the last number."""


@dataclass(frozen=True)
class Own:
    """What a suite for a file is made from.

    Attributes:
        name: Of the suite.
        family: What its cases are called before the model's name.
        title: Of its report.
        command: What makes this text again.
        file: The path as the user gave it.
        time: Column of times; empty without.
        times_note: What is known of them.
        id: Column that tells series apart; empty for one.
        targets: Columns to forecast.
        others: Other columns of numbers.
        season: In steps; 1 for none.
        season_note: How sure that is.
        proposal: Window and split.
        quick: A first answer.
        train_windows: Of all series.
    """

    name: str
    family: str
    title: str
    command: str
    file: str
    time: str
    times_note: str
    id: str
    targets: Sequence[str]
    others: Sequence[str]
    season: int
    season_note: str
    proposal: Proposal
    quick: bool
    train_windows: int


def quick_models() -> list[str]:
    """Return the models that a first answer tries."""
    return [name for name in models.names() if models.get(name).first_look]


def seasonal_baseline() -> str:
    """Return the model that skill is measured against where there is a season; empty where none is registered."""
    return next((name for name in models.names() if models.get(name).baseline_of_seasons), "")


def suite_text(own: Own) -> str:
    """Return the suite as TOML."""
    return "\n".join([*_head(own), "", *_recipe(own), "", *_cases(own)]) + "\n"


def _head(own: Own) -> list[str]:
    seeds = QUICK_SEEDS if own.quick else SEEDS
    lines = [f"# Made by: {own.command}"]
    if own.quick:
        lines += [
            f"# A first look: {len(seeds)} seeds, {QUICK_STEPS} steps, few models at one learning rate. It shows what",
            "# is far ahead or behind, and ranks nothing that so few seeds cannot; without --quick the suite is whole.",
        ]
    return [
        *lines,
        f"name = {_toml(own.name)}",
        f"title = {_toml(own.title)}",
        _noted(f"seeds = {_toml(list(seeds))}", "each a fit of its own; their spread says what is real"),
        *_baseline(own),
        *_slices(own),
        _noted("throughput = false", "true: measures each model's speed after the runs, alone on the machine"),
    ]


def _baseline(own: Own) -> list[str]:
    name = seasonal_baseline()
    if not name or not 1 < own.season <= own.proposal.input_length:
        return []
    return [_noted(f"baseline = {_toml(name)}", "skill: how much of its error a model takes away")]


def _slices(own: Own) -> list[str]:
    note = "where each model loses; weekday, month, hour, horizon and columns of the file will do, too"
    return (
        [_noted(f"slices = {_toml([own.id])}", f"{note}; here by series")]
        if own.id
        else [_noted('# slices = ["horizon"]', note)]
    )


def _recipe(own: Own) -> list[str]:
    batch = LARGE_BATCH if own.train_windows > LARGE else BATCH
    steps = QUICK_STEPS if own.quick else STEPS
    lines = [
        "[recipe]  # of every network: of the scaled targets, so that one rate means the same whatever the unit",
        _noted('optimizer = "adam"', "its steps do not depend on how large gradients are"),
        _noted(f"batch_size = {batch}", f"{own.train_windows:,} training windows"),
        _noted('loss = "mae"', "as the score that ranks; mse where large errors count more"),
        _noted(f"steps = {steps}", f"{_passes(steps * batch / own.train_windows)} over the training windows at most"),
        _noted('schedule = "cosine"', "the rate falls to 0 over these steps: a short fit ends calm"),
    ]
    if own.quick:
        return [*lines, _noted(f"learning_rate = {QUICK_RATE}", "one for all, and not searched: some could do better")]
    return [
        *lines,
        _noted(f"early_stopping_epochs = {EARLY_STOPPING_EPOCHS}", "ends a fit that validation says is done"),
        "",
        "[grid]  # every network is tried at each, and has its best in the report",
        f"learning_rate = {_toml(list(RATES))}",
    ]


def _cases(own: Own) -> list[str]:
    proposal = own.proposal
    chosen = quick_models() if own.quick else ["*"]
    every = 'names or globs, as in ["naive", "gru"]; ["*"]: all that fit, others are skipped with the reason'
    lines = [
        "[[cases]]",
        f"name = {_toml(own.family)}",
        f"# models: {every}",
        f"models = {_toml(chosen)}",
        "",
        "[cases.dataset]",
        'name = "table"',
        f"path = {_toml(own.file)}",
    ]
    if own.time:
        lines.append(_noted(f"time = {_toml(own.time)}", own.times_note))
    if own.id:
        lines.append(_noted(f"id = {_toml(own.id)}", "the column that tells series apart"))
    lines.append(_noted(f"targets = {_toml(list(own.targets))}", "what is forecast"))
    if own.others:
        lines.append(
            _noted(f"# past = {_toml(list(own.others))}", "further inputs that are known up to now, and not ahead")
        )
    lines += [
        '# known = ["price"]  # columns that are known ahead, such as a plan, up to the last step that is forecast',
    ]
    if own.time:
        lines.append('# calendar = ["weekday", "month"]  # hour, weekday, day, month, yearday: known ahead, as inputs')
    lines += [
        _noted(f"input_length = {proposal.input_length}", "steps of a window"),
        _noted(f"horizon = {proposal.horizon}", "steps that are forecast"),
        _noted(f"season = {own.season}", f"of the seasonal forecast and of MASE: {own.season_note}"),
    ]
    lines.append(
        _noted('rank = "mase"', "1 is a forecast of one season before, in training; mae, mse, rmse will do, too")
    )
    training, valid, test = proposal.parts
    dated = bool(valid.first)
    lines += [
        f"# training: {training.first} to {training.last}, {training.steps:,} steps"
        if dated
        else f"# training: {training.steps:,} steps",
        _noted(
            f"valid = {_toml(proposal.valid)}",
            f"first date of validation, to {valid.last}; a share such as 0.15 will do, too" if dated else "share",
        ),
        _noted(f"test = {_toml(proposal.test)}", f"first date of test, to {test.last}" if dated else "share, the last"),
        _noted(f"scale = {_toml('series' if own.id else 'standard')}", SCALES),
        _noted('# units = "scaled"', "of errors, as published tables have them; left out, those of the file"),
        _noted(
            f"# folds = {FOLDS}",
            f"rolling origins: the test part is {FOLDS} tests, and training grows from one to the "
            f"next; each is a fit of its own, so write data_seeds = {_toml('seeds')} and seeds = "
            f"{_toml(list(range(1, FOLDS + 1)))} above",
        ),
        _noted("# quantiles = [0.1, 0.5, 0.9]", 'of each value, in place of one number; then write loss = "quantile"'),
    ]
    if dated:
        lines += [
            f'# since = "{training.first}"  # the first date used',
            f'# until = "{test.last}"  # the last date used',
        ]
    return lines


def _passes(passes: float) -> str:
    return f"{passes:,.0f} passes" if passes >= 2 else f"{passes:.1f} of a pass"


def _noted(line: str, note: str) -> str:
    return f"{line}  # {' '.join(note.split())}"


def _toml(value: object) -> str:
    """Return a text, a number or a list as TOML, whose basic strings are JSON's but for the character 127."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
