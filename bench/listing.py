"""What is registered, in rows for a screen or a script."""

from typing import Any

from bench.cases.base import cases
from bench.datasets.base import datasets
from bench.devices import device_kinds
from bench.engines.base import engines
from bench.errors import BenchError
from bench.metrics.base import metrics
from bench.models.base import models
from bench.registry import close_matches
from bench.suite import SUITES, read_suite


def listing(kind: str) -> list[dict[str, Any]]:
    """Return one row for everything registered of a kind.

    Raises:
        BenchError: There is no such kind.
    """

    def about(text: str | None) -> str:
        return (text or "").strip().splitlines()[0] if text else ""

    def parameters(plugin: Any) -> str:
        """Return what a suite may set of a plug-in, with its default."""
        fields = plugin.model_fields.items()
        return ", ".join(n if field.is_required() else f"{n}={field.default!r}" for n, field in fields)

    makers: dict[str, Any] = {
        "cases": lambda: [
            {"case": n, "dataset": c.dataset.name, "model": c.model.name, "label": c.label}
            for n, c in ((n, cases.get(n)) for n in cases.names())
        ],
        "datasets": lambda: [
            {"dataset": n, "parameters": parameters(datasets.get(n)), "about": about(datasets.get(n).__doc__)}
            for n in datasets.names()
        ],
        "models": lambda: [
            {"model": n, "parameters": parameters(models.get(n)), "about": about(models.get(n).__doc__)}
            for n in models.names()
        ],
        "metrics": lambda: [{"metric": n, "about": about(metrics.get(n).compute.__doc__)} for n in metrics.names()],
        "backends": lambda: [{"backend": n} for n in engines.names()],
        "devices": lambda: [
            {"device": f"{d.kind}:{d.index}", "name": d.name}
            for n in device_kinds.names()
            for d in device_kinds.get(n)()
        ],
        "suites": lambda: [{"suite": p.stem, "title": read_suite(p.stem).title} for p in sorted(SUITES.glob("*.toml"))],
    }
    if kind not in makers:
        raise BenchError(f"cannot list {kind!r}; {close_matches(kind, list(makers))}")
    return makers[kind]()  # type: ignore[no-any-return]
