"""One job of a suite by its number, for a queue's task that does it apart from the others."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.digest import digest
from bench.errors import BenchError
from bench.jobs import Job, make_jobs
from bench.plan import Plan
from bench.record import RunSpec

FORM = re.compile(r"(\d{1,9})(?::(\d+(?:,\d+)*))?(?:@([0-9a-f]{8}))?", re.ASCII)


@dataclass(frozen=True)
class JobNumber:
    """A job, as ``--job`` names it: ``7``, or ``7:43,44@1f2e3d4c``.

    Attributes:
        number: From 0, of all the suite's jobs, whatever is recorded.
        seeds: Of its model seeds, those that are meant; empty for all.
        of: Digest of the jobs that were numbered, to be held to those here; empty for any.
    """

    number: int
    seeds: tuple[int, ...] = ()
    of: str = ""

    def __str__(self) -> str:
        seeds = ":" + ",".join(map(str, self.seeds)) if self.seeds else ""
        return f"{self.number}{seeds}" + (f"@{self.of}" if self.of else "")


def job_number(text: str) -> JobNumber:
    """Return what ``--job`` names.

    Raises:
        BenchError: It is no number of a job.
    """
    found = FORM.fullmatch(text)
    if found is None:
        raise BenchError(f"--job {text!r}: expected a number, as bench plan SUITE --emit slurm writes it, such as 7")
    seeds = tuple(int(seed) for seed in found[2].split(",")) if found[2] else ()
    return JobNumber(int(found[1]), seeds, found[3] or "")


def numbered(plan: Plan, stack_of: Callable[[RunSpec], int] = lambda _: 1) -> list[Job]:
    """Return all of a suite's jobs, recorded or not: a job's number is its place.

    Raises:
        BenchError: Which runs the suite has depends on what is recorded.
    """
    if plan.suite.seeds == "auto":
        raise BenchError(
            f'suite {plan.suite.name!r} has seeds = "auto", so its jobs depend on what is recorded; name seeds, as in '
            "--seeds 42,43,44"
        )
    return make_jobs(plan.specs, stack_of)


def jobs_digest(jobs: Sequence[Job]) -> str:
    """Return eight hexadecimal digits that name these jobs: equal where each number means the same runs."""
    return digest([[spec.run_id for spec in job.specs] for job in jobs], 8)


def only(plan: Plan, asked: JobNumber) -> Plan:
    """Return a plan with the runs of one job alone.

    Raises:
        BenchError: The suite has no such job, or has others here than where they were numbered.
    """
    jobs = numbered(plan)
    if asked.of not in ("", jobs_digest(jobs)):
        raise BenchError(
            f"--job {asked}: the jobs of suite {plan.suite.name!r} are others here ({jobs_digest(jobs)}): its file, "
            "its data, a plug-in or a version differs; make the script again with bench plan --emit slurm"
        )
    if asked.number >= len(jobs):
        raise BenchError(f"--job {asked}: suite {plan.suite.name!r} has {len(jobs)} jobs, numbered from 0")
    job = jobs[asked.number]
    specs = [spec for spec in job.specs if not asked.seeds or spec.model_seed in asked.seeds]
    if unknown := set(asked.seeds) - {spec.model_seed for spec in specs}:
        raise BenchError(f"--job {asked}: job {asked.number} has no seed {min(unknown)}")
    ids, case = {spec.run_id for spec in specs}, specs[0].case
    return replace(
        plan,
        cases=[each for each in plan.cases if each.name == case],
        specs=specs,
        records=[record for record in plan.records if record.run_id in ids],
        measurements=tuple(m for m in plan.measurements if m.spec.case == case),
        skips=(),
    )
