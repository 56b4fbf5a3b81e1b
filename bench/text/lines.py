"""Text on one line, what of it can be shown, and when two texts look alike."""

import re
import unicodedata

REPLACED = "\N{REPLACEMENT CHARACTER}"
"""Stands for a character that has no look of its own and would act on what shows it."""
ACTING = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u206f\ud800-\udfff\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff]")
"""Control characters, half surrogates, no characters at all, and those that turn the writing around."""
UNSEEN = re.compile("[\xad\u034f\u115f\u1160\u180e\u200b\u2060-\u2065\u2800\u3164\ufeff\uffa0]")
"""Characters without a look that no writing needs; joiners and marks of direction inside words are needed."""


def one_line(text: object) -> str:
    """Return text as one line: white space as single blanks, and `REPLACED` for what would act on a display."""
    return ACTING.sub(REPLACED, " ".join(str(text).split()))


def fit(text: str) -> str:
    """Return text that can be shown on one line as it is; empty is fit, too.

    Raises:
        ValueError: It is blank, or a character of it cannot be seen.
    """
    if ACTING.search(text) or UNSEEN.search(text) or len(text.splitlines()) > 1:
        raise ValueError("holds a control character or one that cannot be seen; leave it out")
    if text and not any(unicodedata.category(c)[0] in "LNPS" for c in text):
        raise ValueError("is blank; write something or leave it out")
    return text


def folded(text: object) -> str:
    """Return what is equal for texts that a reader may take for one: they differ in case, blanks or hidden signs."""
    line = unicodedata.normalize("NFKC", one_line(text)).casefold()
    return "".join(c for c in line if unicodedata.category(c) != "Cf" and not UNSEEN.match(c))
