"""Which processes of our own `make run` runs."""

from dataclasses import dataclass

from local.settings import Settings


@dataclass(frozen=True)
class Program:
    """Its name in local.json and in the logs, what follows `python -m`, and how many of it; `scaled` ones carry a number."""

    name: str
    argv: tuple[str, ...]
    count: int = 1
    scaled: bool = False

    def titles(self) -> list[str]:
        return [f"{self.name}-{number}" if self.scaled else self.name for number in range(1, self.count + 1)]


def programs(settings: Settings) -> list[Program]:
    """In the order of starting and of stopping: first who takes work in."""
    return [
        Program("api", ("api",)),
        Program("apply", ("worker", "apply"), settings.workers, scaled=True),
        Program("sweep", ("worker", "sweep")),
        Program("deliver", ("worker", "deliver")),
    ]
