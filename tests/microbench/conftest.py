"""Prints what the ways to train each network cost beside each other."""

from tabulate import tabulate


def pytest_terminal_summary(terminalreporter, config):
    session = getattr(config, "_benchmarksession", None)
    infos = [b.extra_info for b in getattr(session, "benchmarks", []) if "network" in b.extra_info]
    if not infos:
        return
    ways = ("engine", "two_workers", "fit", "fit_xla")
    rows = [[i["network"], *(i[f"{way}_s_per_epoch"] for way in ways)] for i in infos]
    rows.append(["all", *(sum(row[k] for row in rows) for k in range(1, 5))])
    table = [
        [name, engine, two / 2, fit, xla, fit / engine, fit / (two / 2), xla / engine]
        for name, engine, two, fit, xla in rows
    ]
    headers = [
        "one further seed: s an epoch",
        "engine, 1 worker",
        "engine, 2 workers",
        "plain fit",
        "XLA fit",
        "fit / engine",
        "fit / engine x 2",
        "XLA fit / engine",
    ]
    terminalreporter.write_line("")
    terminalreporter.write_line(tabulate(table, headers=headers, floatfmt=".3f", tablefmt="github"))
