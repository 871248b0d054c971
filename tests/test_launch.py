"""The launchers themselves: torchrun on one host and on two (network namespaces), accelerate launch; signals and losses through them."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.training.states import load_state
from core.workspace import Workspace
from tests.tiny_competition import FLAGS, copy_workspace, trained, untrained
from tests.tiny_training import same

ROOT = Path(__file__).parents[1]
ACCELERATE = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0"]
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]


def training(workspace: Workspace, *flags: str) -> list[str]:
    return ["-m", "scripts.training", str(workspace.root / "net.py"), "--workspace", str(workspace.root), *FLAGS, *flags]


def start(launcher: list[str], command: list[str], *before: str, **environment: str) -> "subprocess.Popen[str]":
    argv = [*before, sys.executable, *launcher, *command]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    return subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, env=environment, start_new_session=True
    )


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert path.exists(), process.communicate()[0]


def own_lines(output: str) -> list[str]:
    """What the commands said, without the launcher's own report."""
    return [line for line in output.splitlines() if line.startswith("error: ")]


def workers_of(workspace: Workspace) -> list[int]:
    """The processes, not their launcher, that train in a workspace, in the order of their numbers."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words, environment = (path / "cmdline").read_text().split("\0"), (path / "environ").read_text().split("\0")
        except OSError:
            continue
        if str(workspace.root) in words and "torch.distributed.run" not in words:
            found.update({entry[5:]: int(path.name) for entry in environment if entry.startswith("RANK=")})
    return [found[number] for number in sorted(found)]


@pytest.mark.slow
@pytest.mark.parametrize("launcher", [TORCHRUN, ACCELERATE])
def test_a_launcher_trains_and_predicts(tmp_path: Path, launcher: list[str]) -> None:
    workspace = copy_workspace(untrained(), tmp_path / "w")
    process = start(launcher, training(workspace, "--num_epochs", "2"))
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert len(re.findall(r"^epoch 1: ", output, re.M)) == 1 and ", 2 processes" in output and "Warning" not in output
    assert load_state(workspace.state_path("net", "last"))["environment"]["processes"] == 2
    predict = ["-m", "scripts.predict_classes", str(workspace.root / "net.py"), "--workspace", str(workspace.root), "--weights", "net"]
    process = start(launcher, predict)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and len(re.findall("9 images", output)) == 1, output
    assert start([], [*predict, "--save_path", str(tmp_path / "one.csv")]).wait() == 0
    assert (workspace.outputs_dir / "net_best.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_launcher_saves_and_the_run_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    workspace = copy_workspace(untrained(), tmp_path / "w")
    process = start(TORCHRUN, training(workspace, "--num_epochs", "5000", "--period_save_steps", "1"))
    wait_for(workspace.state_path("net", "best"), process)
    process.send_signal(number)
    begin = time.monotonic()
    output, _ = process.communicate(timeout=60)
    assert time.monotonic() - begin < 15
    assert len(own_lines(output)) == 2 and all(f"stopped by {number.name}" in line for line in own_lines(output)), output
    epochs = load_state(workspace.state_path("net", "last"))["epochs"]
    process = start(TORCHRUN, training(workspace, "--num_epochs", str(epochs + 2), "--resume"))
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and "going on from net_last.pt" in output


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_ends_the_launch_within_seconds(tmp_path: Path, victim: int) -> None:
    workspace = copy_workspace(untrained(), tmp_path / "w")
    process = start(TORCHRUN, training(workspace, "--num_epochs", "5000"))
    wait_for(workspace.state_path("net", "last"), process)
    os.kill(workers_of(workspace)[victim], signal.SIGKILL)
    begin = time.monotonic()
    output, _ = process.communicate(timeout=60)
    assert time.monotonic() - begin < 15 and process.returncode != 0
    # the launcher ends the other process with SIGTERM, which may reach it before it misses the one that was killed
    assert len(own_lines(output)) == 1
    assert any(said in own_lines(output)[0] for said in ("another process of this run was lost", "stopped by SIGTERM")), output
    for path in workspace.states_dir.glob("*.pt"):
        load_state(path)


# --- two hosts


@pytest.fixture
def hosts() -> Iterator[list[str]]:
    """Two network namespaces with a cable between them; their names."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("two hosts: needs root and the ip command")
    names = [f"ic{os.getpid()}{side}" for side in "ab"]
    commands = [["netns", "add", name] for name in names]
    commands += [["link", "add", f"{names[0]}v", "type", "veth", "peer", "name", f"{names[1]}v"]]
    for number, name in enumerate(names):
        commands += [["link", "set", f"{name}v", "netns", name], ["-n", name, "addr", "add", f"10.77.0.{number + 1}/24", "dev", f"{name}v"]]
        commands += [["-n", name, "link", "set", f"{name}v", "up"], ["-n", name, "link", "set", "lo", "up"]]
    try:
        for command in commands:
            done = subprocess.run(["ip", *command], capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"two hosts: ip {' '.join(command)}: {done.stderr.strip()}")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def start_hosts(names: list[str], workspaces: list[Workspace], *flags: str) -> "list[subprocess.Popen[str]]":
    launcher = [
        "-m",
        "torch.distributed.run",
        "--nnodes",
        "2",
        "--nproc_per_node",
        "1",
        "--master_addr",
        "10.77.0.1",
        "--master_port",
        "29511",
    ]
    return [
        start(
            [*launcher, "--node_rank", str(number)], training(workspace, *flags), "ip", "netns", "exec", name, GLOO_SOCKET_IFNAME=f"{name}v"
        )
        for number, (name, workspace) in enumerate(zip(names, workspaces, strict=True))
    ]


@pytest.mark.faults
@pytest.mark.parametrize("victim", [0, 1])
def test_a_lost_host_ends_the_other_and_both_go_on_to_the_same_bits(hosts: list[str], tmp_path: Path, victim: int) -> None:
    workspace, straight = (copy_workspace(untrained(), tmp_path / name) for name in ("w", "straight"))
    flags = ["--num_epochs", "200", "--period_save_steps", "3", "--ema", "0.9", "--horflip", "0.5", "--resume"]
    processes = start_hosts(hosts, [workspace] * 2, *flags)
    wait_for(workspace.state_path("net", "last"), processes[0])
    os.killpg(processes[victim].pid, signal.SIGKILL)
    os.kill(workers_of(workspace)[victim], signal.SIGKILL)  # its launcher has put it into a session of its own
    begin = time.monotonic()
    output, _ = processes[1 - victim].communicate(timeout=60)
    assert time.monotonic() - begin < 20
    assert len(own_lines(output)) == 1 and "another process of this run was lost" in own_lines(output)[0], output
    processes[victim].communicate()
    for folder in (workspace, straight):
        outputs = [process.communicate(timeout=240)[0] for process in start_hosts(hosts, [folder] * 2, *flags)]
        assert all("error" not in output for output in outputs), outputs
    assert "going on from" not in outputs[0]
    ends = [load_state(folder.state_path("net", "last")) for folder in (workspace, straight)]
    assert all(same(ends[0][key], ends[1][key]) for key in ("model_state", "optimizer_state", "ema_state"))


@pytest.mark.faults
def test_hosts_that_find_different_states_are_told_so(hosts: list[str], tmp_path: Path) -> None:
    workspaces = [copy_workspace(made, tmp_path / name) for made, name in ((trained(), "a"), (untrained(), "b"))]
    outputs = [p.communicate(timeout=120)[0] for p in start_hosts(hosts, workspaces, "--num_epochs", "3", "--save_state", "--resume")]
    lines = [own_lines(output) for output in outputs]
    assert all(len(found) == 1 and "different flags, datasets or states" in found[0] for found in lines), outputs
