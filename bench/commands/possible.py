"""What can be done on this machine of what a command asks, found out before anything runs."""

from dataclasses import replace

from rich.console import Console

from bench.commands.selection import Selection
from bench.executors import LOCAL
from bench.extras import REPORT, TRACK, lacking
from bench.pasting import installing
from bench.plan import Plan


def measurable(throughput: bool, chosen: Selection, plan: Plan, console: Console) -> bool:
    """Return whether throughput can be measured, as is asked; say in a line how to do it where it cannot."""
    if not throughput or not plan.unmeasured():
        return throughput
    if all(chosen.executor.machines(device, (), None) for device in {spec.device for spec in plan.measured}):
        return True
    here = replace(chosen, place=LOCAL, told=())
    console.print(
        f"executor {chosen.place} measures no throughput, which takes an idle machine: {here.command()} does there"
    )
    return False


def possible(track: bool, report: bool, chosen: Selection, console: Console) -> tuple[bool, bool]:
    """Return whether the records can be sent and reported, as is asked; say in a line each how to do it later."""
    if track and (module := lacking(TRACK)):
        track = False
        _say(console, f"{module} is not installed here, so nothing is mirrored", "sync", "sends them", TRACK, chosen)
    if report and (module := lacking(REPORT)):
        report = False
        _say(console, f"{module} is not installed here, so no report is written", "report", "writes it", REPORT, chosen)
    return track, report


def _say(console: Console, lack: str, verb: str, does: str, extra: str, chosen: Selection) -> None:
    how = f"{chosen.command(verb)} {does} where it is: {installing(extra)}"
    console.print(f"{lack}; the records are kept, and {how}")
