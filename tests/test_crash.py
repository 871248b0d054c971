"""Kills: a run killed at any event and resumed ends with the bytes of an undisturbed one, and a trainer made wrong on purpose is caught.

Every file system call of a run, the middle of each write of a state and each training step is an event (see `tests/zygote.py`). The model
has batch norm and dropout, augmentation and the whole recipe are on (schedule, accumulated gradients, averaged weights, a frozen first
epoch), the last batch is partial, states are written every two steps and two are kept.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import CommandError
from core.tables import read_table
from core.task import MULTI_LABEL, REGRESSION
from core.training.states import load_state
from core.workspace import Workspace
from tests.tiny_competition import FLAGS, copy_workspace, untrained
from tests.tiny_tasks import task_workspace
from tests.tiny_training import same
from tests.zygote_client import Zygote

ROOT = Path(__file__).parents[1]
RUN = [
    *FLAGS, "--num_epochs", "3", "--save_state", "--keep_states", "2", "--period_save_steps", "2", "--batch_size", "4",
    "--horflip", "0.5", "--rotate", "15", "--noise", "0.1", "--mixup", "0.2", "--num_workers", "0", "--gradient_accumulation", "2",
    "--scheduler", "cosine", "--warmup_epochs", "0.5", "--schedule_epochs", "3", "--ema", "0.9", "--clip_grad_norm", "1",
    "--sampler", "balanced", "--freeze_backbone", "1",
]  # fmt: skip


def command(workspace: Workspace, *flags: str) -> list[str]:
    return ["training", str(workspace.root / "net.py"), "--workspace", str(workspace.root), *RUN, "--resume", *flags]


def run(zygote: Zygote, workspace: Workspace, *flags: str, **details: Any) -> tuple[int, int]:
    """Exit status and number of events of a training command."""
    outcome = zygote.run(*command(workspace, *flags), **details)
    return outcome.statuses[0], outcome.events


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    made = Zygote(*command(copy_workspace(untrained(), tmp_path_factory.mktemp("warm_up") / "w")))
    yield made
    made.close()


@pytest.fixture(scope="module")
def undisturbed(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, int]:
    """A whole run, and its number of events."""
    workspace = copy_workspace(untrained(), tmp_path_factory.mktemp("undisturbed") / "w")
    status, events = run(zygote, workspace)
    assert status == 0 and events > 100
    return workspace, events


def result(workspace: Workspace) -> dict[str, Any]:
    """All that a run leaves, without wall times and the place of its folder."""
    states = {path.name: without_wall(load_state(path)) for path in workspace.states_dir.glob("*.pt")}
    for state in states.values():
        del state["model"]["file"]
    log = read_table(workspace.log_path("net"))
    rows = [row[: log.columns.index("wall_seconds")] for row in log.rows]
    others = sorted(
        path.name for folder in (workspace.states_dir, workspace.outputs_dir, workspace.root / "graphs") for path in folder.iterdir()
    )
    return {"states": states, "log": rows, "oof": workspace.oof_path("net").read_text(), "files": others}


def without_wall(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_wall(item) for key, item in value.items() if not str(key).startswith("wall")}
    return [without_wall(item) for item in value] if isinstance(value, list) else value


def assert_states_are_whole(workspace: Workspace) -> None:
    for path in workspace.states_dir.glob("*.pt"):
        load_state(path)


def killed_and_resumed(zygote: Zygote, root: Path, kills: list[int], sabotage: str | None = None, *flags: str) -> tuple[Workspace, int]:
    """Kills a new run at each of `kills` in turn (counted anew in each process), then lets it end; returns how many kills hit."""
    workspace, hits = copy_workspace(untrained(), root), 0
    for kill in kills:
        status, _ = run(zygote, workspace, *flags, kill_at=kill, sabotage=sabotage)
        assert status in (0, -signal.SIGKILL), f"kill at event {kill}: exit {status}"
        hits += status == -signal.SIGKILL
        assert_states_are_whole(workspace)
    assert run(zygote, workspace, *flags, sabotage=sabotage)[0] == 0
    return workspace, hits


def spread(count: int, events: int) -> list[int]:
    return [1 + i * events // count for i in range(count)]


@pytest.mark.parametrize("place", range(10))
def test_a_run_killed_in_each_of_ten_places_ends_the_same(
    zygote: Zygote, undisturbed: tuple[Workspace, int], tmp_path: Path, place: int
) -> None:
    workspace, events = undisturbed
    killed, hits = killed_and_resumed(zygote, tmp_path / "w", [spread(10, events)[place]])
    assert hits == 1 and same(result(killed), result(workspace))


def test_two_epochs_are_one_and_one(zygote: Zygote, undisturbed: tuple[Workspace, int], tmp_path: Path) -> None:
    parts = copy_workspace(untrained(), tmp_path / "w")
    for epochs in ("1", "2", "3"):
        assert run(zygote, parts, "--num_epochs", epochs)[0] == 0
    straight, found = result(undisturbed[0]), result(parts)
    for state in (*straight["states"].values(), *found["states"].values()):
        state["settings"]["run"].pop("num_epochs")
    assert same(found, straight)


@pytest.mark.parametrize("kind", [MULTI_LABEL, REGRESSION])
def test_a_killed_run_of_targets_that_are_no_classes_ends_the_same(zygote: Zygote, tmp_path: Path, kind: str) -> None:
    straight, killed = (task_workspace(tmp_path / name, kind) for name in ("straight", "killed"))
    status, events = run(zygote, straight, "--sampler", "shuffled")
    assert status == 0
    for kill in (events // 2, 25):
        assert run(zygote, killed, "--sampler", "shuffled", kill_at=kill)[0] == -signal.SIGKILL
        assert_states_are_whole(killed)
    assert run(zygote, killed, "--sampler", "shuffled")[0] == 0
    assert same(result(killed), result(straight))


@pytest.mark.slow
def test_a_run_killed_at_any_event_ends_the_same(zygote: Zygote, undisturbed: tuple[Workspace, int], tmp_path: Path) -> None:
    workspace, events = undisturbed
    expected = result(workspace)
    for kill in range(1, events + 1):
        killed, hits = killed_and_resumed(zygote, tmp_path / str(kill), [kill])
        assert hits == 1 and same(result(killed), expected), f"killed at event {kill} of {events}"
        shutil.rmtree(killed.root)


@pytest.mark.parametrize(
    ("seed", "workers"), [pytest.param(seed, workers, marks=pytest.mark.slow) for seed, workers in ((0, "0"), (1, "2"), (2, "2"))]
)
def test_a_run_killed_twenty_times_ends_the_same(
    zygote: Zygote, undisturbed: tuple[Workspace, int], tmp_path: Path, seed: int, workers: str
) -> None:
    draw = random.Random(seed)
    killed, hits = killed_and_resumed(zygote, tmp_path / "w", [draw.randint(1, 14) for _ in range(20)], None, "--num_workers", workers)
    assert hits >= 10, "an empty test: too few kills hit the run"
    assert same(result(killed), result(undisturbed[0]))


@pytest.mark.parametrize(
    "sabotage",
    [
        "random state not restored",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("saves in place", "position off by one", "optimizer not restored")),
    ],
)
def test_a_trainer_made_wrong_is_caught(zygote: Zygote, undisturbed: tuple[Workspace, int], tmp_path: Path, sabotage: str) -> None:
    workspace, events = undisturbed
    for kill in spread(50, events):
        try:
            killed, _ = killed_and_resumed(zygote, tmp_path / str(kill), [kill], sabotage)
            if not same(result(killed), result(workspace)):
                return
        except (CommandError, AssertionError):
            return
    pytest.fail(f"a trainer with {sabotage} passes")


# --- signals, as a terminal or a job scheduler sends them


def start(workspace: Workspace, *flags: str) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-m", "scripts.training", str(workspace.root / "net.py"), "--workspace", str(workspace.root), *RUN, *flags]
    return subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    assert path.exists(), process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_to_the_process_group_saves_and_the_run_goes_on(
    undisturbed: tuple[Workspace, int], tmp_path: Path, number: signal.Signals, code: int, workers: str
) -> None:
    workspace = copy_workspace(untrained(), tmp_path / "w")
    flags = ["--num_epochs", "60", "--schedule_epochs", "60", "--num_workers", workers, "--resume"]
    straight = copy_workspace(untrained(), tmp_path / "straight")
    assert start(straight, *flags).wait() == 0
    process = start(workspace, *flags)
    wait_for(workspace.state_path("net", "last"), process)
    os.killpg(process.pid, number)
    begin = time.monotonic()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code and time.monotonic() - begin < 10
    lines = [line for line in errors.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and signal.Signals(number).name in lines[0] and "--resume" in lines[0] and "Traceback" not in errors
    assert_states_are_whole(workspace)
    assert start(workspace, *flags).wait() == 0
    assert same(result(workspace), result(straight))


@pytest.mark.slow
def test_a_second_signal_ends_at_once_and_harms_nothing(tmp_path: Path) -> None:
    workspace = copy_workspace(untrained(), tmp_path / "w")
    process = start(workspace, "--num_epochs", "1000", "--schedule_epochs", "1000")
    wait_for(workspace.state_path("net", "last"), process)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 130 and "Traceback" not in errors
    assert_states_are_whole(workspace)


@pytest.mark.slow
def test_of_two_runs_with_one_title_one_goes_on_and_a_killed_one_frees_it(tmp_path: Path) -> None:
    workspace = copy_workspace(untrained(), tmp_path / "w")
    first = start(workspace, "--num_epochs", "1000", "--schedule_epochs", "1000")
    wait_for(workspace.state_path("net", "last"), first)
    second = start(workspace, "--resume")
    _, errors = second.communicate(timeout=30)
    assert second.returncode == 3 and f"in use by process {first.pid}" in errors.splitlines()[-1]
    first.kill()
    first.communicate()
    last = workspace.state_path("net", "last")
    before = last.stat().st_mtime_ns
    third = start(workspace, "--num_epochs", "1000", "--schedule_epochs", "1000", "--resume")
    deadline = time.monotonic() + 60
    while last.stat().st_mtime_ns == before and third.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    third.send_signal(signal.SIGTERM)
    third.communicate(timeout=30)
    assert third.returncode == 143
    assert_states_are_whole(workspace)
