"""Are splits what their task says? A pure function, which names the split, what, how many and the first place.

What stands where a mask is False is neither trained on nor scored: a target there that is no value of its task, such as
NaN or the class -1, is a sign for "missing", and becomes 0.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from itertools import chain, combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.datasets.fault import Fault, Part, counted, kind_of, listed, short
from bench.datasets.views import check_gap, check_rescaling, check_windows, fixed
from bench.task import Split, Splits, Task, Values, Windows
from bench.windows import numbers

LARGEST = float(np.sqrt(np.finfo(np.float32).max))
"""The square of a larger number is none in float32."""
Flags = NDArray[np.bool_]


def checked(splits: object, taught: Task, asked: Task) -> Splits:
    """Return splits that every run can use: read-only, and with 0 for what a mask leaves out and is no value.

    Args:
        splits: What a dataset made.
        taught: The declared task of train.
        asked: That of all others.

    Raises:
        Fault: No run can use them; says which split, what, how many and the first place.
    """
    parts = _parts(splits)
    for part in parts:
        _check_form(part, taught if part.name == "train" else asked)
    good = {part.name: _check_values(part) for part in parts}
    _check_apart(parts)
    check_gap(parts)
    train, valid, test, *extra = good.values()
    return Splits(train, valid, test, dict(zip([*good][3:], extra, strict=True)))


def warnings_of(splits: Splits) -> Iterator[str]:
    """Yield a line for each target that is one value throughout a split, and for what is too large or says little."""
    constant: dict[str, list[str]] = {}
    huge: dict[str, list[str]] = {}
    for part in _parts(splits)[:3]:
        for name, values in _by_target(part.split):
            if values.size > 1 and (values == values.flat[0]).all():
                constant.setdefault(f"every target{name} is {values.flat[0]:g} in", []).append(part.name)
            if values.dtype.kind == "f" and np.abs(values).max() > LARGEST:
                huge.setdefault(f"targets{name}", []).append(part.name)
        if part.split.x.dtype.kind == "f" and np.abs(numbers(part.split.x)).max() > LARGEST:
            huge.setdefault("inputs", []).append(part.name)
    given = [(part.name, part.split.series) for part in _parts(splits)[1:3]]
    alone = [name for name, series in given if series is not None and np.ptp(series) == 0]
    if alone:
        yield (
            f"all windows of {listed(alone)} are of one series, or one block of its time: intervals are over seeds "
            "alone, and say nothing of other times; give it a longer part"
        )
    for text, names in constant.items():
        yield f"{text} {listed(names)}: one value is forecast without looking, and ratios of errors say little"
    for text, names in huge.items():
        yield f"{text} of {listed(names)} are over {LARGEST:.2g}: their squares leave float32; scale them"


def _parts(splits: object) -> list[Part]:
    """Return train, valid, test and the extra test sets.

    Raises:
        Fault: Something is no split, or two have one name.
    """
    if not isinstance(splits, Splits):
        raise Fault(f"load() returned {kind_of(splits)}; return bench.task.Splits(train, valid, test)")
    if not isinstance(splits.extra, Mapping):
        raise Fault(f"extra is {kind_of(splits.extra)}; give extra test sets as a mapping from names to splits")
    named = {"train": splits.train, "valid": splits.valid, "test": splits.test}
    for name, split in chain(named.items(), splits.extra.items()):
        if not isinstance(split, Split):
            raise Fault(f"split {name!r} is {kind_of(split)}; give a bench.task.Split")
    for name in splits.extra:
        if not isinstance(name, str) or not name.strip() or name in named:
            raise Fault(f"an extra test set is called {name!r}; give it a name of its own, other than {listed(named)}")
    return [
        *(Part(name, split, name) for name, split in named.items()),
        *(Part(name, split, f"extra test set {name!r}") for name, split in splits.extra.items()),
    ]


def _check_form(part: Part, task: Task) -> None:
    """Hold a split's task, types and shapes to the declared task, whose windows have a length.

    Raises:
        Fault: One is another.
    """
    split, where = part.split, part.words
    if task.input_length is None:
        raise Fault(f"task {task.name!r} has no input_length; declare how many steps a window has")
    if split.task != task:
        raise Fault(f"{where} asks another task than the declared one{_difference(split.task, task)}; let them agree")
    arrays = {"inputs": split.x, "targets": split.y} | ({} if split.mask is None else {"mask values": split.mask})
    for what, array in arrays.items():
        if isinstance(array, Windows) and what != "mask values":
            check_windows(part, what, array)
        elif not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray):
            raise Fault(f"{where} {what} are {kind_of(array)}; give a numpy.ndarray")
    if split.x.ndim == 0 or split.y.ndim == 0 or len(split.x) != len(split.y):
        counts = [len(array) if array.ndim else 0 for array in (split.x, split.y)]
        raise Fault(f"{where} has {counted(counts[0], 'window')} of inputs and {counts[1]} of targets; give as many")
    windows = len(split.x)
    if not windows:
        raise Fault(f"{where} has no windows; give it one or more")
    if (split.mask is not None) != task.masked:
        raise Fault(f"{where} has {'no ' if task.masked else 'a '}mask, and task {task.name!r} is "
                    f"{'' if task.masked else 'not '}masked; let them agree")  # fmt: skip
    wanted: dict[str, tuple[Any, tuple[int | None, ...]]] = {
        "inputs": (np.int32 if task.vocabulary is not None else np.float32, task.input_shape(windows)),
        "targets": (np.int32 if task.target.is_class and task.classes > 2 else np.float32, task.target_shape(windows)),
        "mask values": (np.bool_, task.mask_shape(windows)),
    }
    for what, array in arrays.items():
        kind, shape = wanted[what]
        if array.shape != shape:
            raise Fault(f"{where} {what} have shape {array.shape}, and task {task.name!r} asks for {shape}")
        if not array.size:
            raise Fault(f"{where} {what} have shape {array.shape}, which holds nothing; declare a step or more")
        if array.dtype != kind:
            raise Fault(f"{where} {what} are {array.dtype}; give {np.dtype(kind)}")
    _check_groups(part)
    check_rescaling(part)


def _check_groups(part: Part) -> None:
    """See that each group, and the series, is a whole number a window.

    Raises:
        Fault: One is not.
    """
    if not isinstance(part.split.groups, Mapping):
        raise Fault(f"{part.words} groups are {kind_of(part.split.groups)}; give a mapping from names to arrays")
    series = {} if part.split.series is None else {"series": part.split.series}
    named = {f"group {name!r}": labels for name, labels in part.split.groups.items()}
    for name, labels in (named | series).items():
        what = f"{part.words} {name}"
        if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu":
            raise Fault(f"{what} is {labels.dtype if isinstance(labels, np.ndarray) else kind_of(labels)}; give int64")
        if labels.shape != (len(part.split.x),):
            raise Fault(f"{what} has shape {labels.shape}; give a number for each of {len(part.split.x)} windows")


def _check_values(part: Part) -> Split:
    """Return a split whose values are all good, read-only.

    Raises:
        Fault: An input or a target that counts is no value of its task, or the mask leaves nothing.
    """
    split, task = part.split, part.split.task
    x = numbers(split.x)
    if task.vocabulary is not None:
        wrong = (x < 0) | (x >= task.vocabulary)
        _refuse(part, "inputs", x, wrong, f"no token id from 0 to {task.vocabulary - 1}", "give ids in it")
    else:
        _refuse(part, "inputs", x, ~np.isfinite(x), "", "fill or drop such windows")
    y, counts = numbers(split.y) if split.mask is None else np.asarray(split.y), None
    if split.mask is not None:
        if not split.mask.any():
            raise Fault(f"{part.words} mask is False at all of its {split.mask.size} places; leave some to score")
        counts = np.broadcast_to(split.mask.reshape(split.mask.shape + (1,) * (y.ndim - split.mask.ndim)), y.shape)
    wrong = ~np.isin(y, np.arange(task.classes)) if task.target.is_class else ~np.isfinite(y)
    if counts is not None and (missing := wrong & ~counts).any():
        y, wrong = np.where(missing, np.zeros((), y.dtype), y), wrong & counts
    kind = f"no class from 0 to {task.classes - 1}" if task.target.is_class else ""
    _refuse(part, "targets", y, wrong, kind, "fill or drop such windows, or leave them out by a mask")
    mask = None if split.mask is None else fixed(split.mask)
    answers = split.y if isinstance(split.y, Windows) and split.mask is None else y
    return replace(split, x=fixed(split.x), y=fixed(answers), mask=mask)


def _refuse(part: Part, what: str, values: Values, wrong: Flags, kind: str, advice: str) -> None:
    """Say what values are wrong, where there are any.

    Args:
        part: The split.
        what: ``inputs`` or ``targets``.
        values: All of them.
        wrong: Which of them are.
        kind: What they are; empty for not finite.
        advice: What to do.

    Raises:
        Fault: Some are.
    """
    if not wrong.any():
        return
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    task, first, count = part.split.task, values[place], int(wrong.sum())
    found = "NaN" if np.isnan(values[wrong]).all() else "infinite" if np.isinf(values[wrong]).all() else "not finite"
    said = f"{first.item()} in" if kind else "in"
    axes, place_of = ["step", "feature"] if what == "inputs" else _axes(task), "window"
    if part.split.mask is None and isinstance(part.split.x if what == "inputs" else part.split.y, Windows):
        axes, place_of = axes[-1:] if len(place) > 1 else [], "row that windows hold"
    names = {"feature": task.feature_names, "target": tuple(target.name for target in task.targets)}
    where = [f"{place_of} {place[0]}"]
    for axis, index in zip(axes, place[1:], strict=False):
        known = names.get(axis, ())
        where.append(f"{axis} {known[index]!r}" if known else f"{axis} {index}")
    raise Fault(
        f"{count} of {values.size} {part.words} {what} {'is' if count == 1 else 'are'} {kind or found}, "
        f"the first {said} {', '.join(where)} (counted from 0); {advice}"
    )


def _axes(task: Task) -> list[str]:
    """Return what the axes of a task's targets after the windows are called."""
    values = [] if task.target.is_class else ["step"] if len(task.targets) == 1 else ["step", "target"]
    return (["position"] if task.target.every_position else []) + values


def _by_target(split: Split) -> Iterator[tuple[str, Values]]:
    """Yield each target's name, where there are several, and its values that count."""
    y = numbers(split.y) if split.mask is None else split.y[split.mask]
    if len(split.task.targets) == 1:
        yield "", y
        return
    for index, target in enumerate(split.task.targets):
        yield f" {target.name!r}", y[..., index]


def _check_apart(parts: list[Part]) -> None:
    """See that no window stands in two splits in one memory; an extra test set may be a part of test.

    Raises:
        Fault: One does: it would be trained on or chosen by, and scored.
    """
    for one, other in combinations(parts, 2):
        if one.name not in ("train", "valid") and other.name not in ("train", "valid"):
            continue
        a, b = one.split.x, other.split.x
        if isinstance(a, Windows) or isinstance(b, Windows):
            continue
        if (a.shape[1:], a.strides[1:]) != (b.shape[1:], b.strides[1:]) or not (a.strides[0] and b.strides[0]):
            continue
        shared = np.intersect1d(_starts(a), _starts(b))
        if len(shared):
            first = int(np.flatnonzero(_starts(b) == shared[0])[0])
            raise Fault(
                f"{len(shared)} of {len(b)} {other.words} windows are windows of {one.words} in the same memory, "
                f"the first window {first} (counted from 0); split them apart"
            )


def _starts(array: Values) -> NDArray[np.int64]:
    """Return where in memory each window begins."""
    return np.asarray(array.__array_interface__["data"][0] + np.arange(len(array)) * array.strides[0])


def _difference(given: object, wanted: Task) -> str:
    """Return in which fields two tasks differ, in brackets."""
    if not isinstance(given, Task):
        return f" ({kind_of(given)})"
    unlike = [f.name for f in fields(Task) if getattr(given, f.name) != getattr(wanted, f.name)]
    return " (" + ", ".join(f"{n} {short(repr(getattr(given, n)))}, not {getattr(wanted, n)!r}" for n in unlike) + ")"
