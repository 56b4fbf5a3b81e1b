"""Shares of a finite number of windows."""

from scipy import stats


def wilson(share: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Return the ends of Wilson's interval for a share that was seen in ``n`` windows.

    It stays within 0 and 1 and is no point where the share is 0 or 1.

    Args:
        share: From 0 to 1; a mean over runs on the same windows is one share of those windows.
        n: Windows, above 0.
        level: How often it covers the share of all windows that might have been drawn.

    Source: Wilson, Probable inference, the law of succession, and statistical inference, Journal of the American
    Statistical Association 22 (1927).
    """
    z = float(stats.norm.isf((1 - level) / 2))
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return max(0.0, centre - reach), min(1.0, centre + reach)
