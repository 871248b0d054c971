"""The tests' side of `tests/zygote.py`: commands forked from a process that has imported everything."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Outcome:
    """What came of a command: exit status (negative: a signal) and stderr of each of its processes; events of the one that was watched."""

    statuses: list[int]
    errors: list[str]
    events: int

    def lines(self, number: int = 0) -> list[str]:
        """The error lines of a process."""
        return [line for line in self.errors[number].splitlines() if line.startswith("error: ")]


class Zygote:
    """The process that forks commands."""

    def __init__(self, *warm_up: str) -> None:
        """Args: the first command, run by the process itself."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.zygote"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1", "TORCH_CPP_LOG_LEVEL": "ERROR"},
        )  # fmt: skip
        self._send({"command": warm_up})

    def run(self, *command: str, **details: Any) -> Outcome:
        """Runs a command in forked processes; `details` as in `tests/zygote.py`."""
        self._send({"command": command, **details})
        assert self.process.stdout is not None
        return Outcome(**json.loads(self.process.stdout.readline()))

    def _send(self, order: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def close(self) -> None:
        self.process.communicate(timeout=30)
