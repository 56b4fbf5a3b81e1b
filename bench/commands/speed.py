"""What `bench speed` does: points that are missing are measured and kept, then all that were asked for reported."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from pydantic import ValidationError
from rich.console import Console

from bench.devices import find_device
from bench.digest import digest
from bench.errors import BenchError
from bench.executors.local import make_slots
from bench.executors.seeing import see_backends
from bench.extras import REPORT, lacking
from bench.files import written_whole
from bench.lengths import LengthPoint, LengthSpec, at_lengths, fits
from bench.models.base import Network
from bench.pasting import Option, command, installing
from bench.plan import Plan, make_plan
from bench.process import Slot
from bench.store.text import body_of, to_json
from bench.suite import Suite
from bench.throughput.lengths import measure_lengths

SCHEMA = 1
EVERY_STEP, ONCE = "after every step", "after the last step"
"""What is forecast of a window."""


@dataclass(frozen=True)
class SpeedOptions:
    """What is asked for.

    Attributes:
        lengths: Steps in a window.
        batches: Windows in a batch.
        budget_s: Seconds that a point may take.
        rerun: Measure again what is recorded.
        measure: Measure what is missing; else points of any machine are reported.
        results: Folder whose ``speed`` holds points and reports.
        to: Folder of the report; None for one there, named by what was asked.
    """

    lengths: tuple[int, ...]
    batches: tuple[int, ...]
    budget_s: float
    rerun: bool
    measure: bool
    results: Path
    to: Path | None = None

    @property
    def folder(self) -> Path:
        """Holds points and reports."""
        return self.results / "speed"


@dataclass(frozen=True)
class Asked:
    """The command as it was typed: its cases and its options; and what the suite asks, empty where cases are named."""

    cases: str
    options: Sequence[Option]
    question: str = ""

    def again(self, *, in_file: bool = False) -> str:
        """Return it for pasting."""
        return command("speed", self.cases, self.options, in_file=in_file)


def measure_speed(
    suite: Suite, options: SpeedOptions, asked: Asked, console: Console, stopped: Callable[[], bool]
) -> int:
    """Measure what is missing of a suite's cases at each length and batch, write the report; return the exit code.

    Args:
        suite: The cases, backends and devices.
        options: What of them.
        asked: How to ask for it again.
        console: Where to say what happens.
        stopped: Asked several times a second.

    Raises:
        BenchError: A device or backend is missing, no case can be measured, or the folder cannot be written.
    """
    if options.measure:
        for name in suite.devices:
            find_device(name)
    plan = make_plan(suite, [])
    specs, skipped = _specs(plan, options)
    for line in skipped:
        console.print(f"skipped {line}")
    if not specs:
        raise BenchError(f"nothing to measure: {skipped[0]}")
    folder = options.folder / "points"
    known = _measured(plan, specs, options, console, stopped) if options.measure else _read(folder)
    if known is None:
        console.print(f"interrupted; go on with: {asked.again()}")
        return 3
    ours = [known[spec.measure_id, spec.device] for spec in specs if (spec.measure_id, spec.device) in known]
    if not ours:
        raise BenchError(f"no such points in {folder}; measure them: leave --no-measure out")
    if module := lacking(REPORT):
        how = f"the same with --no-measure writes it where it is: {installing(REPORT)}"
        console.print(f"{module} is not installed here, so no report is written; the points are kept, and {how}")
    else:
        from bench.report.index import write_index
        from bench.report.lengths import write_lengths

        to = options.to or options.folder / digest(sorted(spec.measure_id for spec in specs), 8)
        growths = {case.name: case.model.growth for case in plan.cases if isinstance(case.model, Network)}
        forecasts = {c.name: EVERY_STEP if c.task.target.every_position else ONCE for c in plan.cases}
        readme = write_lengths(ours, growths, skipped, to, asked.again(in_file=True), asked.question, forecasts)
        if (to.absolute().parent / "README.md").exists():
            write_index(to.absolute().parent)
        console.print(f"report: {readme}")
    return 1 if any(point.status == "failed" for point in ours) else 0


def _measured(
    plan: Plan, specs: list[LengthSpec], options: SpeedOptions, console: Console, stopped: Callable[[], bool]
) -> dict[tuple[str, str], LengthPoint] | None:
    """Return all points by measure id and device, measuring and keeping what is missing; None where it was stopped."""
    slots = {slot.device_spec: slot for slot in make_slots((s.device for s in specs), 1, len(specs))}
    see_backends(plan, plan.specs, options.results / "logs" / "gpu.log")
    points = {} if options.rerun else _read(options.folder / "points", slots)
    known = {key: point for key, point in points.items() if _counts(point, options.budget_s)}
    left = sum((spec.measure_id, spec.device) not in known for spec in specs)
    console.print(
        f"{left} of {len(specs)} points to measure alone on this machine, at most {options.budget_s:g} s each; leave "
        "it idle meanwhile"
    )
    labels = {case.name: case.label for case in plan.cases}
    try:
        measured = measure_lengths(
            specs, labels, slots, budget_s=options.budget_s, logs=options.results / "logs", known=known,
            on_wait=lambda holder: console.print(f"waiting for the machine: {holder or 'another benchmark'}"),
            stop=stopped,
        )  # fmt: skip
        for number, point in enumerate(measured, 1):
            known[point.spec.measure_id, point.spec.device] = point
            _write(options.folder / "points", point)
            console.print(f"[{number}/{left}] {_in_words(point)}")
    except InterruptedError:
        return None
    return known


def _specs(plan: Plan, options: SpeedOptions) -> tuple[list[LengthSpec], list[str]]:
    """Return what is measured, and a line for each case, or length of one, that cannot be."""
    skipped = [f"{skip.case.name}: {skip.reason}" for skip in plan.skips]
    taken: dict[str, set[int]] = {}
    for case in plan.cases:
        reasons = {length: fits(case, length).reason for length in options.lengths}
        taken[case.name] = {length for length, reason in reasons.items() if not reason}
        for reason in dict.fromkeys(filter(None, reasons.values())):
            lengths = [length for length, said in reasons.items() if said == reason]
            at = "" if len(lengths) == len(options.lengths) else f" at {', '.join(map(str, lengths))} steps"
            skipped.append(f"{case.name}{at}: {reason}")
    trained = [spec for spec in plan.measured if spec.recipe is not None]
    specs = at_lengths(trained, options.lengths, options.batches)
    return [spec for spec in specs if spec.length in taken[spec.case]], skipped


def _counts(point: LengthPoint, budget_s: float) -> bool:
    """Return whether a point is not to be tried again: it was measured, or would end as it did."""
    return point.status in ("done", "out of memory") or (point.status == "too slow" and point.budget_s >= budget_s)


def _read(folder: Path, slots: dict[str, Slot] | None = None) -> dict[tuple[str, str], LengthPoint]:
    """Return the points of the environments of some slots, by measure id and device; without slots the newest of any.

    Raises:
        BenchError: A file is no point.
    """
    points = []
    for path in sorted(folder.glob("*-*.json")):
        try:
            body = body_of(path.read_text(encoding="utf-8"), SCHEMA)
            points.append(LengthPoint.model_validate(body))
        except (OSError, ValueError, ValidationError) as error:
            reason = str(error).splitlines()[0]
            raise BenchError(f"{path} is not a good record: {reason}; move it away and it is measured again") from None
    return {
        (point.spec.measure_id, point.spec.device): point
        for point in sorted(points, key=lambda point: point.provenance.ended_at)
        if slots is None or _is_of(point, slots)
    }


def _is_of(point: LengthPoint, slots: dict[str, Slot]) -> bool:
    slot = slots.get(point.spec.device)
    return slot is not None and point.environment == slot.device.environment(point.spec.backend)


def _write(folder: Path, point: LengthPoint) -> None:
    """Keep a point, in place of an earlier one.

    Raises:
        BenchError: It cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with written_whole(folder / f"{point.key}.json") as new:
            new.write_text(to_json(point), encoding="utf-8")
    except OSError as error:
        raise BenchError(f"cannot write {folder} ({error.strerror}); make it writable or use --results") from None


def _in_words(point: LengthPoint) -> str:
    spec = point.spec
    speeds = {"training": point.windows_per_s("train"), "inference": point.windows_per_s("infer")}
    told = [f"{median(found):,.0f} {kind} windows/s" for kind, found in speeds.items() if found]
    text = ", ".join(told) if point.status == "done" else f"{point.status}: {point.reason}"
    return f"{spec.case}, {spec.backend}, {spec.device}, {spec.length} steps, batch {spec.batch}: {text}"
