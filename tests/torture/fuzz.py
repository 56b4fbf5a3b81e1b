"""Malformed suites and records: every one gets exit code 2 and one line, or is good after all, and none a traceback."""

import contextlib
import io
import json
import random
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning

from bench.cli import call
from bench.devices import find_device
from bench.digest import digest
from bench.plan import expand
from bench.record import RunRecord
from bench.store import Store
from bench.store.text import to_json
from bench.suite import read_suite
from tests.fakes import fake_record

COMPLAINT_LENGTH = 4000
GOOD_SUITE: dict[str, Any] = {
    "name": "fuzzed",
    "title": "A title",
    "cases": [
        "chapter15/linear",
        "naive*",
        {"name": "own/case", "dataset": "waves_next_step", "model": {"name": "naive"}, "label": "Own"},
        {
            "name": "own/rnn",
            "dataset": {"name": "waves_ten_steps", "n_series": 100},
            "model": {"name": "simple_rnn", "units": [3]},
            "recipe": {"epochs": 2, "learning_rate": 0.01, "loss": "mse"},
            "published": {"values": {"mse": 0.1}, "source": "nowhere"},
        },
    ],
    "seeds": [1, 2],
    "data_seeds": [42],
    "rank": "best",
    "equivalence": 0.05,
    "equivalence_points": 1.0,
    "devices": ["cpu"],
    "backends": ["tensorflow"],
    "baseline": "naive",
    "time_limit_s": 60.0,
    "crash_retries": 1,
    "throughput": False,
    "recipe": {"epochs": 2, "batch_size": 8},
}
NAMES = st.sampled_from(
    ["../../etc/passwd", "a\0b", "x" * 300, "🦊", "a|b", "", ".", "..", "/", "a/b", "nan", "con\n\n"]
)
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, -1, 1, 2**32, 1e308, float("nan"), float("inf"), "gpu:0", "cpu", "auto", "naive", "linear"]),
    st.floats(),
    st.text(max_size=12),
    NAMES,
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=8) | NAMES, inner, max_size=3)
    ),
    max_leaves=6,
)


def paths_of(data: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the place of every value of nested lists and mappings."""
    found = [prefix] if prefix else []
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        found += paths_of(value, (*prefix, key))
    return found


@st.composite
def mutated(draw: st.DrawFn, good: Any) -> Any:
    """Draw a copy of good data with one to three values changed, removed, renamed or moved."""
    data = json.loads(json.dumps(good))
    for _ in range(draw(st.integers(1, 3))):
        places = paths_of(data)
        if not places:
            break
        *where, key = draw(st.sampled_from(places))
        parent = data
        for step in where:
            parent = parent[step]
        match draw(st.sampled_from(["replace", "remove", "rename", "swap", "repeat"])):
            case "replace":
                parent[key] = draw(VALUES)
            case "remove":
                del parent[key]
            case "rename" if isinstance(parent, dict):
                parent[draw(st.text(min_size=1, max_size=8) | NAMES)] = parent.pop(key)
            case "swap":
                parent[key] = {"was": parent[key]} if draw(st.booleans()) else [parent[key]]
            case _:
                parent[key] = parent[key] * 2 if isinstance(parent[key], (str, list)) else [parent[key]] * 2
    return data


@st.composite
def damaged(draw: st.DrawFn, text: str) -> str:
    """Draw a text with a few characters or lines put in, taken out, doubled or cut off."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        length = draw(st.integers(0, 30))
        match draw(st.sampled_from(["cut", "insert", "delete", "double", "shuffle"])):
            case "cut":
                text = text[:at]
            case "insert":
                text = (
                    text[:at]
                    + draw(st.text(max_size=6) | st.sampled_from(["[", "]", '"', "\0", "=", "\n[recipe]\n"]))
                    + text[at:]
                )
            case "delete":
                text = text[:at] + text[at + length :]
            case "double":
                text = text[: at + length] + text[at:]
            case _:
                lines = text.splitlines(keepends=True)
                draw(st.randoms(use_true_random=False)).shuffle(lines)
                text = "".join(lines)
    return text


def to_toml(data: Any) -> str:
    """Return a mapping as TOML, a key a line and tables within it inline."""
    return "".join(f"{_key(key)} = {_inline(value)}\n" for key, value in data.items())


def _key(key: Any) -> str:
    return _text(str(key))


def _text(text: str) -> str:
    return json.dumps(text.encode("utf-8", "replace").decode()).replace("\x7f", "\\u007F")


def _inline(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_inline(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return _text("" if value is None else str(value))


def suites() -> st.SearchStrategy[bytes]:
    """Malformed suites, as the bytes of a file."""
    structured = mutated(GOOD_SUITE).map(lambda data: to_toml(data).encode("utf-8", "replace"))
    textual = damaged(to_toml(GOOD_SUITE)).map(lambda text: text.encode("utf-8", "replace"))
    return st.one_of(
        structured, structured, textual, st.binary(max_size=200), st.text().map(lambda t: t.encode("utf-8", "replace"))
    )


def smoke_records() -> list[RunRecord]:
    """Return good records of two runs that the smoke suite plans, a predictor's and a network's, made here."""
    suite = read_suite("smoke")
    specs = expand(suite, suite.select())
    made = []
    for spec in (specs[0], next(s for s in specs if s.recipe is not None)):
        record = fake_record(spec.case, spec.model_seed, epochs=3)
        here = find_device("cpu").environment(spec.backend)
        made.append(record.model_copy(update={"spec": spec, "run_id": spec.run_id, "environment": here}))
    return made


def records() -> st.SearchStrategy[bytes]:
    """Malformed records: some with a checksum that fits, so that they reach the schema and what lies behind it."""
    good = json.loads(to_json(smoke_records()[1]))

    def signed(data: Any) -> bytes:
        if isinstance(data, dict):
            data.pop("checksum", None)
            data = data | {"checksum": digest(data, 64)}
        return json.dumps(data).encode()

    structured = mutated(good)
    text = json.dumps(good, indent=1)
    return st.one_of(
        structured.map(signed),
        structured.map(signed),
        structured.map(lambda data: json.dumps(data).encode()),
        damaged(text).map(lambda t: t.encode("utf-8", "replace")),
        st.binary(max_size=200),
    )


def outcome(arguments: list[str]) -> str:
    """Run a command in this process; return what is wrong with how it took its input, or an empty text."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = call(arguments)
    except BaseException:
        return traceback.format_exc()
    if code == 0:
        return f"complained of good input: {err.getvalue()!r}" if err.getvalue() else ""
    complaint = err.getvalue()
    if code != 2 or complaint.count("\n") != 1 or not complaint.startswith("bench: ") or out.getvalue():
        return f"code {code}, stdout {out.getvalue()[:200]!r}, stderr {complaint[:2000]!r}"
    return "" if len(complaint) < COMPLAINT_LENGTH else f"a line of {len(complaint)} characters"


def try_suite(folder: Path, content: bytes) -> str:
    """Plan a suite with this content; return what is wrong with how it was taken."""
    path = folder / "fuzzed.toml"
    path.write_bytes(content)
    return outcome(["plan", str(path), "--results", str(folder / "none"), "--json"])


def try_record(folder: Path, content: bytes, verb: str = "plan") -> str:
    """Read a store that holds this record beside a good one; return what is wrong with how it was taken."""
    store = Store(folder / "results")
    store.folder.mkdir(parents=True, exist_ok=True)
    for path in store.folder.iterdir():
        path.unlink()
    good = smoke_records()[0]
    (store.folder / f"{good.key}.json").write_text(to_json(good), encoding="utf-8")
    (store.folder / f"{name_of(content)}.json").write_bytes(content)
    return outcome([verb, "smoke", "--results", str(store.results), *(["--json"] if verb == "plan" else [])])


def name_of(content: bytes) -> str:
    """Return the file name that a record's content asks for, where it can be one, so that it is read as its own."""
    try:
        body = json.loads(content)
        name = f"{body['run_id']}-{digest(body['environment'], 8)}-{body['attempt']}"
    except (ValueError, TypeError, KeyError, RecursionError):
        return "some-record-1"
    return name if len(name) < 200 and name.isprintable() and "/" not in name else "some-record-1"


class _Late(Exception):
    """The time is over."""


def collect(
    strategy: st.SearchStrategy[Any],
    attempt: Callable[[Any], str],
    examples: int,
    number: int,
    most_s: float = 1e9,
) -> list[str]:
    """Try many inputs; return what was wrong, with the input. Nothing is shrunk, so that each counts once.

    After ``most_s`` seconds no more is tried; the first line says how many were.
    """
    wrong = []
    until = time.monotonic() + most_s

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(strategy)
    def every(content: Any) -> None:
        nonlocal tried
        if time.monotonic() > until:
            raise _Late
        tried += 1
        said = attempt(content)
        if said:
            wrong.append(f"{repr(content)[:600]}: {said}")

    tried = 0
    # The only thing that is raised: to make inputs takes time, too. Hypothesis would say that its input is long.
    with contextlib.suppress(_Late), warnings.catch_warnings():
        warnings.simplefilter("ignore", HypothesisWarning)
        every()
    return [f"tried {tried}", *wrong]


def fuzz(folder: Path, examples: int, number: int) -> dict[str, Any]:
    """Try malformed suites and records, half of each; return how many, and what was wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    random.seed(number)
    half = examples // 2
    said = collect(suites(), lambda content: try_suite(folder, content), half, number)
    said_of_records = collect(records(), lambda content: try_record(folder, content), half, number)
    tried = [int(texts.pop(0).split()[1]) for texts in (said, said_of_records)]
    failures = said + said_of_records
    return {
        "fuzzed_suites": tried[0],
        "fuzzed_records": tried[1],
        "fuzz_failures": len(failures),
        "fuzz_notes": failures[:20],
    }
