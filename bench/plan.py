"""From a suite to runs: expand the selection, and say which of it is recorded already."""

import math
from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bench import versions
from bench.cases.base import Case, component
from bench.engines.base import engine_version, engines
from bench.errors import BenchError
from bench.extras import changed
from bench.measurement import PROCESSES, Measurement, MeasureSpec, measure_spec
from bench.metrics.base import applicable, monitor, ranking
from bench.models.base import Support
from bench.record import FINISHED, RANKED, RunRecord, RunSpec
from bench.store import latest
from bench.suite import AutoSeeds, Suite
from bench.task import Task

Place = tuple[str, str]
"""The device and the backend that a run asks for."""
UNSEEDED = 0
"""The data seed of a run whose data do not depend on it."""


def shared_versions(backend: str) -> dict[str, str]:
    """Return the versions of what runs of a backend share, as their ids digest them."""
    return {"engine": engine_version(backend), "layers": versions.LAYERS, "metrics": versions.METRICS}


@dataclass(frozen=True)
class Skip:
    """A case that is not run, since its model does not fit its task, or not on a backend that cannot run its model."""

    case: Case
    reason: str


@dataclass(frozen=True)
class Plan:
    """A suite's runs, those recorded with a result and those not, and the records that hold them.

    Attributes:
        cases: That are run.
        skips: Cases that are not, or not on one of the backends, each with the reason.
        records: Of these runs, from every environment.
        here: Digests of the environments that this machine's runs have; empty to tell none apart. Whether those of
            others count as done is the suite's to say.
        measurements: Of the throughput of its cases, from every environment.
        alone: As ``here``, of what trains one seed at a time, as measurements do; empty where that is the same.
    """

    suite: Suite
    cases: list[Case]
    specs: list[RunSpec]
    records: list[RunRecord]
    here: frozenset[str] = frozenset()
    measurements: tuple[Measurement, ...] = ()
    skips: tuple[Skip, ...] = ()
    alone: frozenset[str] = frozenset()

    @property
    def seeds(self) -> list[int]:
        """The model seeds of its runs, each once; with automatic seeds those of the case that has most."""
        if self.suite.seeds != "auto":
            return list(self.suite.seeds)
        return sorted({s.model_seed for s in self.specs if s.model_seed is not None})

    @property
    def timed_seed(self) -> int:
        """The data seed of the data that throughput is measured on: the first."""
        return self.seeds[0] if self.suite.data_seeds == "seeds" else self.suite.data_seeds[0]

    @property
    def done(self) -> list[RunSpec]:
        """Runs with a result in this environment (a diverged run is one)."""
        finished = self._finished()
        return [s for s in self.specs if s.run_id in finished]

    @property
    def missing(self) -> list[RunSpec]:
        """Runs without one: never run here, or failed."""
        finished = self._finished()
        return [s for s in self.specs if s.run_id not in finished]

    @property
    def measured(self) -> list[MeasureSpec]:
        """What the throughput benchmark times: each case on each device and backend, but for those that see targets."""
        if not self.suite.throughput:
            return []
        timed = {case.name for case in self.cases if not case.model.leaks_target}
        places: dict[tuple[str, str, str], RunSpec] = {}
        for run in self.specs:
            if run.case in timed:
                places.setdefault((run.case, run.device, run.backend), run)
        return list({spec.measure_id: spec for spec in map(measure_spec, places.values())}.values())

    def unmeasured(self, processes: int = PROCESSES) -> list[MeasureSpec]:
        """Return what the throughput benchmark has still to measure here, each as often as it lacks processes."""
        here = self.alone or self.here
        ours = (m for m in self.measurements if not here or m.environment.digest in here)
        done = Counter(m.measure_id for m in ours if m.status == "done")
        return [spec for spec in self.measured for _ in range(processes - done[spec.measure_id])]

    def states(self, stale: Container[str] = ()) -> dict[str, str]:
        """Return each run id's state: done, missing, to retry (it failed) or, of those named, stale."""
        finished = self._finished()
        failed = {r.run_id for r in self.records if r.status not in FINISHED}

        def state(run_id: str) -> str:
            if run_id in finished:
                return "done"
            return "to retry" if run_id in failed else "stale" if run_id in stale else "missing"

        return {spec.run_id: state(spec.run_id) for spec in self.specs}

    @property
    def counted(self) -> Iterable[RunRecord]:
        """Its records of the environments that count."""
        return _counted(self.suite, self.records, self.here)

    @property
    def elsewhere(self) -> dict[Place, str]:
        """Where the suite wants one environment, and runs are missing there that would have another here: which one."""
        if self.suite.accept != "one" or not self.here:
            return {}
        lacking = {_place(spec) for spec in self.missing}
        chosen = {place: usual_environment(records) for place, records in by_place(self.records).items()}
        return {place: name for place, name in chosen.items() if place in lacking and name not in self.here}

    def _finished(self) -> set[str]:
        return {r.run_id for r in self.counted if r.status in FINISHED}


def by_place(records: Iterable[RunRecord]) -> dict[Place, list[RunRecord]]:
    """Return records by the device and the backend that their runs ask for."""
    places: dict[Place, list[RunRecord]] = {}
    for record in records:
        places.setdefault(_place(record.spec), []).append(record)
    return places


def usual_environment(records: Iterable[RunRecord]) -> str:
    """Return the digest of the environment with most finished runs; of equals, the one used last."""
    runs, newest = set(), dict[str, str]()
    for record in records:
        name = record.environment.asked.digest
        newest[name] = max(newest.get(name, ""), record.provenance.ended_at)
        if record.status in FINISHED:
            runs.add((name, record.run_id))
    finished = Counter(name for name, _ in runs)
    return max(newest, key=lambda name: (finished[name], newest[name]))


def usual_kind(records: Sequence[RunRecord], kinds: Sequence[Collection[str]]) -> int:
    """Return which kind of machine has most finished runs; of equals, the one used last.

    Args:
        records: Of runs.
        kinds: The digests of the environments of each, in which a seed is alone in its program.
    """
    unlike = {r.environment.digest: r.environment for r in records}
    alone = {name: each.alone.digest for name, each in unlike.items()}

    def used(number: int) -> tuple[int, str]:
        there = [r for r in records if alone[r.environment.digest] in kinds[number]]
        finished = {r.run_id for r in there if r.status in FINISHED}
        return len(finished), max((r.provenance.ended_at for r in there), default="")

    return max(range(len(kinds)), key=used)


def expand(
    suite: Suite, selected: list[Case], records: Iterable[RunRecord] = (), here: frozenset[str] = frozenset()
) -> list[RunSpec]:
    """Return every run of a suite, case by case; a predictor runs once a draw of its data, on the CPU.

    With ``seeds = "auto"`` a trained case has as many seeds as `count_seeds` finds in the records of the
    environments that count, of `Plan`: runs to be made next are among them, and when
    they are recorded there may be more. Predictors see as many draws of the data as the case that has most.
    """
    if suite.seeds != "auto":
        return [spec for case in selected for spec in _runs(suite, case, suite.seeds)]
    newest, rule = latest(_counted(suite, list(records), here)), suite.auto_seeds
    counts = {case.name: _count_seeds(suite, case, newest) for case in selected if case.model.trained}
    most = max(counts.values(), default=rule.least)
    return [spec for case in selected for spec in _runs(suite, case, rule.seeds(counts.get(case.name, most)))]


def count_seeds(rule: AutoSeeds, groups: Sequence[Mapping[int, float]]) -> int:
    """Return how many seeds a case has by a rule, replayed batch by batch over what is recorded.

    The outcome depends on the records alone, not on the order in which they came: a sweep that is cut off
    goes on where it was.

    Args:
        rule: Where seeds start, how many come at once, and when they are enough.
        groups: For each backend and device, the score of every seed that is used there; NaN for a seed that
            diverged or failed, which counts as used and has no value.
    """
    from bench.stats import enough_seeds  # not at the top: it takes a second, and a list of seeds needs none of it

    count = rule.least
    while count < rule.cap:
        seeds = rule.seeds(count)
        if any(seed not in group for group in groups for seed in seeds):
            break  # this batch is to be run, or under way
        scores = ([group[seed] for seed in seeds] for group in groups)
        if all(enough_seeds(s, width=rule.width, least=rule.least, cap=rule.cap) for s in scores):
            break
        count = min(count + rule.step, rule.cap)
    return count


def _count_seeds(suite: Suite, case: Case, newest: Mapping[str, RunRecord]) -> int:
    """Return how many seeds a trained case has; the score is that of the metric that chooses its epoch, as ranked."""
    rule, metric, (split, weights) = suite.auto_seeds, monitor(case.task).name, RANKED[suite.rank]
    groups: dict[tuple[str, str], dict[int, float]] = {}
    for spec in _runs(suite, case, rule.seeds(rule.cap)):
        assert spec.model_seed is not None
        group = groups.setdefault((spec.backend, spec.device), {})
        record = newest.get(spec.run_id)
        if record is not None:
            value = record.score(metric, split, weights) if record.status == "done" else None
            group[spec.model_seed] = math.nan if value is None else value
    return count_seeds(rule, list(groups.values()))


def _counted(suite: Suite, records: Sequence[RunRecord], here: frozenset[str]) -> Iterable[RunRecord]:
    """Return the records of the environments that count as done, by what the suite says.

    Those of this machine's but for those that another version of a library fitted than is installed now.
    """
    if suite.accept == "any" or (suite.accept == "here" and not here):
        return records
    if suite.accept == "here":
        return (r for r in records if r.environment.asked.digest in here and not changed(r.libraries))
    chosen = {place: usual_environment(each) for place, each in by_place(records).items()}
    return (r for r in records if r.environment.asked.digest == chosen[_place(r.spec)])


def _place(spec: RunSpec) -> Place:
    return spec.device, spec.backend


def _runs(suite: Suite, case: Case, seeds: Sequence[int]) -> list[RunSpec]:
    """Return a case's runs: one a seed, these or a backend's own, if it is trained, else one a draw of its data."""
    trained = case.model.trained
    shared = {
        "case": case.name,
        "dataset": component(case.dataset),
        "model": component(case.model),
        "recipe": case.recipe,
        "metrics": _named(suite, case),
    }
    places = (
        (backend, device, draw)
        for backend in (suite.backends if trained else ["numpy"])
        for device in (suite.places if trained else ["cpu"])
        if not trained or runs_on(case, backend, device)
        for draw in _draws(suite, case, suite.seeds_on.get(backend, seeds))
    )
    return [
        RunSpec(
            **shared,
            backend=backend,
            device=device,
            data_seed=data_seed,
            model_seed=seed,
            versions=shared_versions(backend),
        )
        for backend, device, (data_seed, seed) in places
    ]


def runs_on(case: Case, backend: str, device: str) -> Support:
    """Return whether a backend can run a case's model, and train by its recipe on a device of this name."""
    able = case.runs_on(backend)
    return engines.get(backend).trains_in(case.recipe, device.partition(":")[0]) if able else able


def _draws(suite: Suite, case: Case, seeds: Sequence[int]) -> list[tuple[int, int | None]]:
    """Return the data seed and the model seed of each of a case's runs on one device and backend.

    Raises:
        BenchError: The dataset has so many draws, and the seeds do not draw each once at most.
    """
    draws = case.dataset.number_of_draws
    if draws and (suite.data_seeds != "seeds" or len({seed % draws for seed in seeds}) < len(seeds)):
        raise BenchError(
            f"case {case.name!r}: dataset {case.dataset.name!r} has {draws} draws of its data, and n is their number; "
            f'write data_seeds = "seeds" and seeds = {list(range(1, draws + 1))}, each of which draws another'
        )
    if not case.dataset.varies:
        data_seeds = [UNSEEDED] * len(seeds)
    else:
        data_seeds = list(seeds) if suite.data_seeds == "seeds" else suite.data_seeds * len(seeds)
    if case.model.trained:
        return list(zip(data_seeds, seeds, strict=True))
    return [(data_seed, None) for data_seed in dict.fromkeys(data_seeds)]


def _named(suite: Suite, case: Case) -> tuple[str, ...]:
    """Return the metrics that a suite names and that would not be computed of a case otherwise."""
    own = {m.name for m in applicable(case.task)}
    return tuple(m.name for m in applicable(case.task, tuple(suite.metrics)) if m.name not in own)


def _check_tasks(selected: Iterable[Case]) -> None:
    """See that each task can be ranked, and that one name stands for one task.

    Raises:
        BenchError: It is not so; names the case.
    """
    tasks: dict[str, tuple[Task, str]] = {}
    for case in selected:
        try:
            ranking(case.task)
            monitor(case.task)
        except BenchError as error:
            raise BenchError(f"case {case.name!r}: {error}") from None
        known, first = tasks.setdefault(case.task.name, (case.task, case.name))
        if known != case.task:
            raise BenchError(
                f"cases {first!r} and {case.name!r} ask unlike tasks that are both called {known.name!r}; rename one"
            )


def make_plan(
    suite: Suite,
    records: Iterable[RunRecord],
    here: frozenset[str] = frozenset(),
    measurements: Iterable[Measurement] = (),
    alone: frozenset[str] = frozenset(),
) -> Plan:
    """Return the plan of a suite given what is recorded, and which environments are this machine's (see `Plan`).

    With ``seeds = "auto"`` what is missing is what can be run now; plan again when it is recorded, until nothing
    is missing. A run that failed stays missing: a driver tries it once a command, not once a plan.

    A case whose model does not fit its task is skipped, with the reason; so is one on a backend that cannot run it, and
    one whose model needs what is not installed here, unless a run of it is recorded.

    Raises:
        BenchError: The suite names a case, a metric or a backend that does not exist, or no case of it can be run.
    """
    chosen = suite.select()
    for backend in suite.backends:
        engines.get(backend)
    known = list(records)
    ran = {record.run_id for record in known}
    fits = {case.name: case.supports() for case in chosen}
    for case in chosen:
        if (
            fits[case.name]
            and not case.model.installed()
            and not ran & {s.run_id for s in expand(suite, [case], known)}
        ):
            fits[case.name] = case.model.installed()
    fitting = [case for case in chosen if fits[case.name]]
    places = {
        case.name: dict.fromkeys(runs_on(case, backend, place) for backend in suite.backends for place in suite.places)
        for case in fitting
    }
    selected = [case for case in fitting if any(places[case.name])]
    skips = (
        *(Skip(case, fits[case.name].reason) for case in chosen if not fits[case.name]),
        *(Skip(case, fit.reason) for case in fitting for fit in places[case.name] if not fit),
    )
    if not selected:
        raise BenchError(f"suite {suite.name!r} has no case that can be run: {skips[0].case.name}: {skips[0].reason}")
    _check_tasks(selected)
    specs = expand(suite, selected, known, here)
    wanted = {s.run_id for s in specs}
    plan = Plan(suite, selected, specs, [r for r in known if r.run_id in wanted], here, skips=skips, alone=alone)
    timed = {spec.measure_id for spec in plan.measured}
    return replace(plan, measurements=tuple(m for m in measurements if m.measure_id in timed))
