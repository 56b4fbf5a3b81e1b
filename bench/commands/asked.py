"""What a command asks of a user's own file; nothing here imports pandas."""

from dataclasses import dataclass

from bench.pasting import Option


@dataclass(frozen=True)
class Asked:
    """What a command asks of a file; empty or 0 for what is to be found.

    Attributes:
        file: Its path, as typed.
        targets: Columns to forecast.
        horizon: Steps to forecast.
        input_length: Steps of a window.
        id: Column that tells series apart.
        time: Column of times.
        season: In steps.
        quick: A first answer.
    """

    file: str
    targets: tuple[str, ...] = ()
    horizon: int = 0
    input_length: int = 0
    id: str = ""
    time: str = ""
    season: int = 0
    quick: bool = False

    @property
    def options(self) -> list[Option]:
        """Those that were given."""
        numbers = {"--horizon": self.horizon, "--input-length": self.input_length, "--season": self.season}
        texts = {"--target": ",".join(self.targets), **{k: str(n or "") for k, n in numbers.items()}}
        texts |= {"--id": self.id, "--time": self.time}
        given = [(name, text) for name, text in texts.items() if text]
        return [*given, *([("--quick", "")] if self.quick else [])]
