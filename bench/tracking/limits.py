"""What MLflow takes: which characters, how long, and how much in one request. All that is sent is made to fit.

Names come from suites, plug-ins and records; one that MLflow refuses would keep a whole run out of it.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import NamedTuple, TypeVar

from bench.tracking.items import Item, Metric, Param, Tag

K = TypeVar("K", Param, Metric, Tag)

A_BATCH = (100, 800, 100)
"""Params, metrics and tags. MLflow takes 100 params, 100 tags, 1,000 metrics, and 1,000 of all three together."""
KEY_LENGTH = NAME_LENGTH = 250
VALUE_LENGTH = 5000
"""Longer params and tags are cut (MLflow's limits are 6,000 and 8,000)."""

_UNFIT_IN_KEY = re.compile(r"[^\w\-. ]")
"""MLflow takes letters, digits and these in keys, slashes between them, and a colon where it is not on Windows."""
_UNFIT_IN_VALUE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Databases refuse NUL, UTF-8 half surrogates; the other control characters show as nothing."""


class Batch(NamedTuple):
    """What one request carries."""

    params: list[Param]
    metrics: list[Metric]
    tags: list[Tag]


def fit_key(key: str) -> str:
    """Return a key, or a path, that MLflow takes: unchanged, or changed and marked so that no two become one."""
    parts = [_UNFIT_IN_KEY.sub("_", part) for part in key.split("/") if part not in ("", ".", "..")]
    fit = "/".join(parts)
    if key and fit == key and len(key) <= KEY_LENGTH and not key.startswith(".."):
        return key
    return _marked(fit.lstrip("./"), key)


def _marked(fit: str, key: str = "") -> str:
    """Return a key with a digest of what it stands for, itself unless another is given."""
    mark = hashlib.sha256((key or fit).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{fit[: KEY_LENGTH - 9]}_{mark}"


def fit_value(value: str, length: int = VALUE_LENGTH) -> str:
    """Return a text that any database of MLflow takes, ``length`` characters at most."""
    return _UNFIT_IN_VALUE.sub("\N{REPLACEMENT CHARACTER}", value)[:length]


def fit_name(name: str) -> str:
    """Return the name of a run or a data set: one line, not empty."""
    return fit_value(" ".join(name.split()), NAME_LENGTH) or "unnamed"


def fit_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags with keys and values that MLflow takes."""
    return {fit_key(key): fit_value(value) for key, value in tags.items()}


def _apart(items: list[K]) -> list[K]:
    """Return items, those marked whose keys differ in case alone, which some stores take for one key."""
    alike: dict[str, set[str]] = {}
    for item in items:
        alike.setdefault(item.key.casefold(), set()).add(item.key)
    return [item if len(alike[item.key.casefold()]) == 1 else replace(item, key=_marked(item.key)) for item in items]


def batches(items: Iterable[Item]) -> Iterator[Batch]:
    """Pack params, metrics and tags, made to fit, into as few requests as the limits allow; skip the rest."""
    whole = Batch([], [], [])
    for item in items:
        match item:
            case Param(key, value):
                whole.params.append(Param(fit_key(key), fit_value(value)))
            case Metric(key):
                whole.metrics.append(replace(item, key=fit_key(key)))
            case Tag(key, value):
                whole.tags.append(Tag(fit_key(key), fit_value(value)))
    whole = Batch(_apart(whole.params), _apart(whole.metrics), _apart(whole.tags))
    for n in count():
        params, metrics, tags = (slice(n * most, (n + 1) * most) for most in A_BATCH)
        batch = Batch(whole.params[params], whole.metrics[metrics], whole.tags[tags])
        if not any(batch):
            return
        yield batch
