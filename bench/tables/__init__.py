"""A user's own file of series: reading it, what is in it, and how it would be split. Nothing here knows a backend."""

from bench.tables.reading import Table, moment, read, table

__all__ = ["Table", "moment", "read", "table"]
