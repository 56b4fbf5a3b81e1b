"""The one exception that the command line turns into a single line and exit code 2."""


class BenchError(Exception):
    """Input that cannot be used. The message says in one line what is wrong and what to do."""
