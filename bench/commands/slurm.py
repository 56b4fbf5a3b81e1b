"""What is to do of a suite as array jobs of Slurm: a script that submits itself, a task for each job."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from bench.commands.numbered import JobNumber, jobs_digest, numbered
from bench.commands.selection import Selection
from bench.errors import BenchError
from bench.pasting import quote
from bench.plan import Plan

MOST_TASKS = 1000
"""Tasks of one array: Slurm's own MaxArraySize is 1,001 unless a cluster sets another."""
JOBS = "jobs"
"""Folder under the results for the tasks' own results, one each: a results folder has one sweep at a time."""
CPU_CORES, GPU_CORES = 1, 4
"""Cores of a task: a run on the CPU computes on one; one on a GPU compiles on as many as there are."""

SCRIPT = """\
#!/bin/bash
# {runs} runs of suite {suite} that are to do, in {count} jobs; written by bench plan --emit slurm.
# To submit them, an array for each kind of node (options go to sbatch, as in --partition=long):
#   bash {file}
# To take up what they have recorded so far, at any time and as often as you like:
#   {merge}
set -euo pipefail

# Numbers of jobs, and of their seeds where not all are to do.
{groups}

if [[ -n ${{SLURM_ARRAY_TASK_ID:-}} ]]; then
    declare -n jobs="jobs_$1"
    job=${{jobs[$2 + SLURM_ARRAY_TASK_ID]}}
    exec env {run} --job "$job@{digest}" --results {results}/"${{job%%:*}}" \\
        --workers 1 --no-track --no-report --no-throughput
fi

submit() {{ # a group, how many jobs it has, what sbatch is asked for
    local group=$1 count=$2 first last
    shift 2
    for ((first = 0; first < count; first += {most})); do
        last=$((count - first > {most} ? {most} - 1 : count - first - 1))
        sbatch --job-name={name} --output={logs}/slurm-%A_%a.txt --array=0-$last "$@" "$0" "$group" "$first"
    done
}}

mkdir -p {logs}
{submits}
"""


@dataclass(frozen=True)
class Resources:
    """What a job needs of a node."""

    gpus: int = 0

    @property
    def name(self) -> str:
        """As a shell variable may be called."""
        return f"gpu{self.gpus}" if self.gpus else "cpu"

    @property
    def options(self) -> str:
        """What sbatch is asked for."""
        gpus = f" --gres=gpu:{self.gpus}" if self.gpus else ""
        return f"--nodes=1 --ntasks=1 --cpus-per-task={GPU_CORES if self.gpus else CPU_CORES}{gpus}"


def resources_of(device: str) -> Resources:
    """Return what a run on a device needs: of ``gpu:1`` two cards, of which it takes the second."""
    kind, _, number = device.partition(":")
    return Resources(0 if kind == "cpu" else int(number or 0) + 1)


def slurm_script(chosen: Selection, plan: Plan, file: Path | None = None) -> str:
    """Return the script for what a plan lacks.

    Args:
        chosen: The suite; tasks record in folders of their own under its results.
        plan: Of it, which says what is recorded.
        file: Where the script will stand; None for standard output.

    Raises:
        BenchError: Nothing is to do, or the suite's jobs have no numbers.
    """
    jobs, missing = numbered(plan), {spec.run_id for spec in plan.missing}
    groups: dict[Resources, list[JobNumber]] = defaultdict(list)
    for number, job in enumerate(jobs):
        left = [spec for spec in job.specs if spec.run_id in missing]
        if left:
            seeds = () if len(left) == len(job.specs) else tuple(s.model_seed for s in left if s.model_seed is not None)
            groups[resources_of(job.device)].append(JobNumber(number, seeds))
    if not groups:
        raise BenchError(f"all {len(plan.specs)} runs of suite {plan.suite.name!r} are done: nothing to emit")
    results, logs = (quote(str(chosen.results / part), "utf-8") for part in (JOBS, "logs"))
    return SCRIPT.format(
        runs=len(missing),
        count=sum(map(len, groups.values())),
        suite=plan.suite.name,
        file=quote(str(file), "utf-8") if file else "FILE",
        merge=chosen.merging(f"{results}/*"),
        groups="\n".join(f"jobs_{r.name}=({' '.join(map(str, found))})" for r, found in groups.items()),
        run=chosen.command("run", folders=False),
        digest=jobs_digest(jobs),
        results=results,
        logs=logs,
        most=MOST_TASKS,
        name=quote(f"bench-{plan.suite.name}", "utf-8"),
        submits="\n".join(f'submit {r.name} {len(found)} {r.options} "$@"' for r, found in groups.items()),
    )
