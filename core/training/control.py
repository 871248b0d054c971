"""What the loop's caller wants of it besides epochs: places to save at, and an early end that all processes agree on."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.errors import StoppedError
from core.processes import Agreement, process_count
from core.progress import Progress
from core.training.steps import EpochProgress

if TYPE_CHECKING:
    import numpy as np

TIME_IS_UP = 1  # stands where else a signal's number does; a signal to stop has a larger one


@dataclass(frozen=True)
class Evaluation:
    """Held-out figures and the logits (n, k) that they come from."""

    figures: dict[str, float]
    logits: "np.ndarray"


@dataclass
class LoopControl:
    """What the loop's caller wants of it besides epochs.

    Attributes:
        begun: an epoch that an earlier process began; it is gone on with.
        save_every: steps of the run between two hand-overs inside epochs; None: none.
        deadline: when the loop ends (`time.monotonic`), in seconds; None: never.
        signal: number of the signal that asks to stop, set by its handler; the loop hands over after the step under way.
        ending: why the loop ends, agreed on by all processes: a signal's number or TIME_IS_UP; 0: it goes on.
        evaluation: of the last completed epoch.
    """

    begun: EpochProgress | None = None
    save_every: int | None = None
    deadline: float | None = None
    signal: int | None = None
    ending: int = 0
    evaluation: Evaluation | None = None
    _agreement: Agreement = field(default_factory=Agreement)

    @property
    def at_epoch_end(self) -> bool:
        """Whether no epoch is begun."""
        return self.begun is None or self.begun.step == 0

    def stop(self, signal: int) -> None:
        """Asks the loop to stop; the number is the signal's."""
        self.signal = signal

    def due(self, steps: int) -> bool:
        """Whether the loop hands over after so many steps of the run; every process asks after each step."""
        if self.ending <= TIME_IS_UP:
            self.ending = max(self.ending, self._agreement.largest(self._asked()) if process_count() > 1 else self._asked())
        return self.ending > 0 or bool(self.save_every and steps % self.save_every == 0)

    def settle(self) -> None:
        """Makes `ending` what any process was asked; every process calls it at the same place."""
        if self.ending <= TIME_IS_UP:  # a signal may still come after it
            self.ending = max(self.ending, self._agreement.now(self._asked()) if process_count() > 1 else self._asked())

    def watched(self, progress: Progress) -> Progress:
        """The same progress, which raises StoppedError once this process is asked to stop."""

        def watch(items: Iterable[Any], total: int | None = None, label: str = "", unit: str = "it") -> Iterator[Any]:
            for item in progress(items, total, label, unit):
                if self._asked():
                    raise StoppedError("the evaluation was broken off", 128 + self._asked())
                yield item

        return watch

    def _asked(self) -> int:
        overdue = self.deadline is not None and time.monotonic() > self.deadline
        return self.signal or (TIME_IS_UP if overdue else 0)
