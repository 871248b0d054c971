"""A process that has imported everything and forks a training command on demand, so that a run to be killed costs no start of its own.

Reads one JSON object a line: `argv`; `kill_at`: the number (from 1) of the event at which the run kills itself with SIGKILL, or
null; `sabotage`: what is made wrong in it, or null. Events are each fsync, rename and removal (once before and once after it), the
middle of each write of a state, and each training step. Answers with one JSON object a line: `status` (negative: the signal) and the
number of `events`. The first `argv` is run in the process itself, to import all that a run imports, and not answered.
"""

import io
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import torch

import core.training.states
from core.training import steps
from scripts import training


class _Events:
    """Counts events in a file, which survives the process, and dies at the one asked for."""

    def __init__(self, file: Path, kill_at: int | None) -> None:
        self.file, self.kill_at, self.count = file, kill_at, 0

    def happen(self) -> None:
        self.count += 1
        self.file.write_text(str(self.count))
        if self.count == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **details: Any) -> Any:
            self.happen()
            result = function(*arguments, **details)
            self.happen()
            return result

        return call

    def in_the_middle_of(self, save: Callable[..., Any]) -> Callable[..., Any]:
        def call(content: Any, file: Any) -> None:
            save(content, file)
            file.flush()
            whole = file.tell()
            if self.count + 1 == self.kill_at:
                os.ftruncate(file.fileno(), whole // 2)
            self.happen()

        return call


def _patch(events: _Events) -> None:
    for name in ("fsync", "replace", "unlink"):
        setattr(os, name, events.around(getattr(os, name)))
    torch.save = events.in_the_middle_of(torch.save)
    plain = steps._step

    def step(*arguments: Any) -> Any:
        events.happen()
        return plain(*arguments)

    steps._step = step


def _save_in_place(path: Path, state: dict[str, Any]) -> None:
    with open(path, "wb") as file:
        torch.save(core.training.states.to_plain(state), file)
    core.training.states.write_seal(path, {key: state[key] for key in ("title", "part", "epochs")} | {"step": state["position"]["step"]})


def _sabotage(what: str) -> None:
    """Trainers made wrong on purpose: the test must catch each of them."""
    if what == "saves in place":
        core.training.states.save_state = _save_in_place
    elif what == "random state not restored":
        steps.seed_everything = lambda *_: None
    elif what == "position off by one":
        plain = steps.EpochProgress.from_plain.__func__  # type: ignore[attr-defined]

        def off_by_one(cls: Any, state: dict[str, Any], device: Any) -> Any:
            done = plain(cls, state, device)
            del done.losses[-1:], done.labels[-1:]
            return done

        steps.EpochProgress.from_plain = classmethod(off_by_one)  # type: ignore[assignment]
    elif what == "optimizer not restored":
        torch.optim.Optimizer.load_state_dict = lambda *_: None  # type: ignore[method-assign]
    else:
        raise ValueError(what)


def _train(argv: list[str]) -> int:
    with redirect_stdout(io.StringIO()):
        return training.main(argv)


def _serve(order: dict[str, Any]) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as folder:
        counted = Path(folder) / "events"
        counted.write_text("0")
        child = os.fork()
        if child == 0:
            _patch(_Events(counted, order["kill_at"]))
            if order["sabotage"]:
                _sabotage(order["sabotage"])
            os._exit(_train(order["argv"]))
        _, status = os.waitpid(child, 0)
        return {"status": os.waitstatus_to_exitcode(status), "events": int(counted.read_text() or 0)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    training.bootstrap = partial(training.bootstrap, resamples=10)  # most of a small run's time
    _train(json.loads(sys.stdin.readline())["argv"])  # imports what a run imports late
    for line in sys.stdin:
        print(json.dumps(_serve(json.loads(line))), flush=True)
