"""From a suite to runs: expand the selection, and say which of it is recorded already."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from itertools import product

from bench import versions
from bench.cases.base import Case, component
from bench.engines.base import engines
from bench.record import FINISHED, RunRecord, RunSpec
from bench.suite import Suite

SHARED_VERSIONS = {"engine": versions.ENGINE, "layers": versions.LAYERS, "metrics": versions.METRICS}


@dataclass(frozen=True)
class Plan:
    """A suite's runs, those recorded with a result and those not, and the records that hold them.

    Attributes:
        records: Of these runs, from every environment.
        here: Digests of the environments that this machine's runs have; empty to tell none apart.
    """

    suite: Suite
    cases: list[Case]
    specs: list[RunSpec]
    records: list[RunRecord]
    here: frozenset[str] = frozenset()

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

    def states(self, stale: Container[str] = ()) -> dict[str, str]:
        """Return each run id's state: done, missing, to retry (it failed) or, of those named, stale."""
        finished = self._finished()
        failed = {r.run_id for r in self.records if r.status not in FINISHED}

        def state(run_id: str) -> str:
            if run_id in finished:
                return "done"
            return "to retry" if run_id in failed else "stale" if run_id in stale else "missing"

        return {spec.run_id: state(spec.run_id) for spec in self.specs}

    def _finished(self) -> set[str]:
        ours = (r for r in self.records if not self.here or r.environment.digest in self.here)
        return {r.run_id for r in ours if r.status in FINISHED}


def expand(suite: Suite, selected: list[Case]) -> list[RunSpec]:
    """Return every run of a suite, case by case; a predictor runs once a data seed, on the CPU."""
    specs = []
    for case in selected:
        trained = case.model.trained
        seeds: list[int | None] = [*suite.seeds] if trained else [None]
        devices = suite.devices if trained else ["cpu"]
        backends = suite.backends if trained else ["numpy"]
        for backend, device, data_seed, seed in product(backends, devices, suite.data_seeds, seeds):
            specs.append(
                RunSpec(
                    case=case.name,
                    dataset=component(case.dataset),
                    model=component(case.model),
                    recipe=case.recipe,
                    data_seed=data_seed,
                    model_seed=seed,
                    device=device,
                    backend=backend,
                    versions=SHARED_VERSIONS,
                )
            )
    return specs


def make_plan(suite: Suite, records: Iterable[RunRecord], here: frozenset[str] = frozenset()) -> Plan:
    """Return the plan of a suite given what is recorded, and which environments are this machine's.

    Raises:
        BenchError: The suite names a case or a backend that does not exist.
    """
    selected = suite.select()
    for backend in suite.backends:
        engines.get(backend)
    specs = expand(suite, selected)
    wanted = {s.run_id for s in specs}
    return Plan(suite, selected, specs, [r for r in records if r.run_id in wanted], here)
