"""Text from data on a terminal: nothing in it is a command to the terminal."""

from bench.text.lines import ACTING, REPLACED


def safe(text: str) -> str:
    """Return text whose lines a terminal shows and does not obey."""
    return ACTING.sub(lambda found: found[0] if found[0] in "\n\t" else REPLACED, text)
