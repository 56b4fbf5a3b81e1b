"""Plug-ins for sequence-bench from a package of their own: once it is installed, every command knows them.

    pip install -e examples/package
    bench list cases                       # seasonal/difference, from seasonal_plugin.cases
    bench run examples/package/seasonal.toml
    pytest --pyargs bench.contract         # holds them to what everything registered must hold to

Parts are named as a family's: datasets, models, metrics, cases, report. No worker imports a part of a report.
"""
