"""Variants of the same work measured in turn, so that whatever else the machine does meets all of them alike."""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from core.progress import Progress, silent

LIMIT, OURS, PLAIN, TIMM = "limit", "this project", "Pillow + DataLoader", "timm"


@dataclass(frozen=True)
class Variant:
    """One way to do the work.

    Attributes:
        name: what the table calls it.
        run: does it once and returns for how many images; what it has asked a device to do may still be going on.
        reset: makes what it starts from the same, outside the time measured.
        processes: the processes whose memory is its own; known once it has run.
        note: what a reader of its figures must know.
    """

    name: str
    run: Callable[[], int]
    reset: Callable[[], None] = lambda: None
    processes: Callable[[], list[int]] = list
    note: str = ""


@dataclass
class Figures:
    """What was measured of a variant: images a second in each round, and its peak memory in MB in the round before them."""

    name: str
    rates: list[float] = field(default_factory=list)
    memory_mb: float = 0.0
    note: str = ""

    @property
    def median(self) -> float:
        """The median rate, images a second."""
        return statistics.median(self.rates)

    def ratio(self, other: "Figures") -> float:
        """The median over the rounds of this rate divided by the other's in the same round."""
        return statistics.median(mine / theirs for mine, theirs in zip(self.rates, other.rates, strict=True))

    def to_plain(self) -> dict[str, Any]:
        """Plain types, as the JSON file holds them."""
        return asdict(self)


@dataclass(frozen=True)
class Method:
    """How variants are measured.

    Attributes:
        rounds: rounds that count.
        seconds: a variant is run again within a round until this time has passed.
        wait: returns when the device has done all that it was asked to.
        memory: runs a variant once and returns its peak memory in MB; used in the round that is not counted.
    """

    rounds: int
    seconds: float = 0.0
    wait: Callable[[], None] = lambda: None
    memory: Callable[[Variant], float] | None = None


def measure_rounds(variants: list[Variant], method: Method, progress: Progress = silent) -> list[Figures]:
    """Runs every variant in each round, each round beginning with another one; a first round is not counted."""
    found = [Figures(variant.name, note=variant.note) for variant in variants]
    turns = [(number, (number + place) % len(variants)) for number in range(method.rounds + 1) for place in range(len(variants))]
    for number, which in progress(turns, len(turns), "measuring", "run"):
        variant, figures = variants[which], found[which]
        variant.reset()
        method.wait()
        if number:
            figures.rates.append(_rate(variant, method))
        elif method.memory is not None:
            figures.memory_mb = method.memory(variant)
        else:
            variant.run()
    return found


def _rate(variant: Variant, method: Method) -> float:
    """Images a second over as many runs as the time asks for."""
    begin, count, elapsed = time.perf_counter(), 0, 0.0
    while count == 0 or elapsed < method.seconds:
        count += variant.run()
        method.wait()
        elapsed = time.perf_counter() - begin
    return count / elapsed
