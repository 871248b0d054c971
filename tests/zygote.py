"""A process that has imported everything and forks commands on demand, so that a run to be killed costs no start of its own.

Reads one JSON object a line:

- `command`: the module of `scripts` and its arguments;
- `processes`: how many are started, as a launcher would (1: without one);
- `kill_at`: the number (from 1) of the event at which process number `victim` kills itself with SIGKILL;
- `signalled`: [process, pass, signal]: the process sends itself a signal before so many forward passes;
- `sabotage`: what is made wrong in the run.

Events are each fsync, rename and removal (once before and once after it), the middle of each write of a state, and each forward pass of
training. Answers with one JSON object a line: the `statuses` (negative: the signal), what each process wrote to stderr, and the number
of `events` of the victim. The first command is run in the process itself, to import all that a run imports, and not answered.
"""

import io
import json
import os
import signal
import socket
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
from scripts import held_out, predict_classes, training


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
    plain = steps._passes

    def passes(*arguments: Any) -> Any:
        events.happen()
        return plain(*arguments)

    steps._passes = passes


def _signal_itself(step: int, number: int) -> None:
    plain, calls = steps._passes, []

    def passes(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == step:
            signal.raise_signal(number)
        return plain(*arguments)

    steps._passes = passes


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


def _run(command: list[str]) -> int:
    module = {"training": training, "predict_classes": predict_classes}[command[0]]
    with redirect_stdout(io.StringIO()):
        return module.main(command[1:])


def _become(order: dict[str, Any], number: int, folder: Path, port: int) -> int:
    """Runs the command as one of the processes of a launch."""
    if order["processes"] > 1:
        os.environ.update(
            RANK=str(number), LOCAL_RANK=str(number), WORLD_SIZE=str(order["processes"]), LOCAL_WORLD_SIZE=str(order["processes"])
        )
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    os.dup2(os.open(folder / f"errors{number}", os.O_WRONLY | os.O_CREAT), 2)
    if number == order["victim"]:
        _patch(_Events(folder / "events", order["kill_at"]))
    if order["signalled"] and order["signalled"][0] == number:
        _signal_itself(*order["signalled"][1:])
    if order["sabotage"]:
        _sabotage(order["sabotage"])
    return _run(order["command"])


def _serve(order: dict[str, Any]) -> dict[str, Any]:
    order = {"processes": 1, "victim": 0, "kill_at": None, "sabotage": None, "signalled": None} | order
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as free:
        folder, port = Path(name), free.getsockname()[1]
        (folder / "events").write_text("0")
        free.close()
        children = []
        for number in range(order["processes"]):
            children.append(os.fork())
            if children[-1] == 0:
                os._exit(_become(order, number, folder, port))
        statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        errors = [(folder / f"errors{number}").read_text() for number in range(order["processes"])]
        return {"statuses": statuses, "errors": errors, "events": int((folder / "events").read_text() or 0)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    held_out.bootstrap = partial(held_out.bootstrap, resamples=10)  # most of a small run's time
    _run(json.loads(sys.stdin.readline())["command"])  # imports what a run imports late
    for line in sys.stdin:
        print(json.dumps(_serve(json.loads(line))), flush=True)
