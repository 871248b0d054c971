"""scripts.command_line, and what holds for every command: quick `--help`, the shared flags, one-line errors with exit codes."""

import argparse
import ast
import errno
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.errors import EnvironmentFault, InputError, NonFiniteError, RefusedError
from core.settings import option
from core.workspace import Workspace
from scripts.command_line import (
    add_settings,
    new_parser,
    printable_lines,
    progress_bar,
    read_settings,
    run_command,
    say,
    warn,
    workspace_of,
)

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "torchvision", "sklearn", "scipy", "pandas", "matplotlib", "accelerate", "kaggle", "opendatasets")
ACTIONS_NOT_SETTINGS = (
    "help",
    "force",
    "debug",
    "download",
    "json",
    "find_learning_rate",
)  # they do something; leaving them out is their opposite


def _defines_main(path: Path) -> bool:
    return any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in ast.parse(path.read_text("utf-8")).body)


COMMANDS = sorted(path.stem for path in (ROOT / "scripts").glob("*.py") if _defines_main(path))
every_command = pytest.mark.parametrize("command", COMMANDS)


@dataclass(frozen=True)
class Sample:
    """One field of each kind."""

    num_steps: int = option(3, "how many", minimum=1, maximum=10)
    share: float = option(0.9, "the part, in 100 %", above=0, below=1)
    optimizer: str = option("SGD", "which", aliases=("optimiser",))
    mode: str = option("fast", "how", choices=("fast", "slow"))
    save_graph: bool = option(True, "draw it")
    title: str | None = option(None, "its name", metavar="NAME")


def parser() -> argparse.ArgumentParser:
    made = new_parser("sample", "A command for tests.")
    add_settings(made, "the sample's flags", Sample)
    return made


def run(words: list[str], body: Callable[[argparse.Namespace], None] = lambda _: None) -> int:
    return run_command(parser(), body, words)


def settings_from(words: list[str]) -> Sample:
    found: list[Sample] = []
    assert run(words, lambda arguments: found.append(read_settings(arguments, Sample))) == 0
    return found[0]


def error_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that stands on stderr; nothing may stand on stdout."""
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ") and captured.err.endswith("\n") and captured.err.count("\n") == 1
    return captured.err.removeprefix("error: ").rstrip("\n")


# --- every command ---


def test_all_commands_are_looked_at() -> None:
    assert {"creating_dataset", "training", "predict_classes", "merge_predicted", "demo"} <= set(COMMANDS)


@every_command
def test_help_is_quick_and_loads_nothing_heavy(command: str, tmp_path: Path) -> None:
    program = (
        f"import sys; from scripts.{command} import main; code = main(['--help']);"
        f"print('loaded:', *(name for name in {HEAVY} if name in sys.modules)); sys.exit(code)"
    )
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout.splitlines()[-1].strip()) == (0, "", "loaded:")
    assert time.monotonic() - begin < 5  # about 0.2 s on a machine with nothing else to do
    assert done.stdout.startswith("usage: ") and f"python -m scripts.{command}" in done.stdout
    assert all(flag in done.stdout for flag in ("--workspace", "--force", "--debug"))
    assert list(tmp_path.iterdir()) == []


@every_command
def test_a_command_is_a_module_that_can_be_run(command: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"scripts.{command}", "--no_such_flag"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("error: ")
    assert list(tmp_path.iterdir()) == []


@every_command
@pytest.mark.parametrize("words", [["--no_such_flag"], ["--works", "x"], ["--workspace"], ["--force=1"], ["--debu"]])
def test_a_wrong_flag_is_one_line_and_exit_code_2(command: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    positional = {"training": ["model.py"], "predict_classes": ["model.py", "--weights", "x"]}
    positional |= {"check_submission": ["a.csv"], "submit": ["a.csv", "--message", "x"]}
    positional |= {"merge_predicted": ["a", "b"], "inspect_state": ["x"], "average_states": ["model.py", "--last", "2"]}
    assert importlib.import_module(f"scripts.{command}").main([*positional.get(command, []), *words]) == 2
    assert words[0].split("=")[0] in error_line(capsys)


@every_command
def test_every_on_off_flag_has_its_opposite(command: str) -> None:
    actions = importlib.import_module(f"scripts.{command}").build_parser()._actions
    assert not [flag for action in actions for flag in action.option_strings if flag.startswith("--") and "-" in flag[2:]]
    for action in actions:
        if action.nargs == 0 and action.dest not in ACTIONS_NOT_SETTINGS:
            names = {flag.removeprefix("--").removeprefix("no_") for flag in action.option_strings}
            assert set(action.option_strings) == {f"--{name}" for name in names} | {f"--no_{name}" for name in names}


# --- flags made from settings ---


def test_defaults_are_those_of_the_fields() -> None:
    assert settings_from([]) == Sample()


def test_values_have_the_types_of_the_fields() -> None:
    words = ["--num_steps", "5", "--share=0.25", "--optimizer", "Adam", "--mode", "slow", "--title", "x"]
    assert settings_from(words) == Sample(5, 0.25, "Adam", "slow", True, "x")


def test_an_alias_means_the_same() -> None:
    assert settings_from(["--optimiser", "Adam"]) == settings_from(["--optimizer", "Adam"]) == Sample(optimizer="Adam")


@pytest.mark.parametrize("words", [["--no_save_graph"], ["--no-save-graph"], ["--no-save_graph"], ["--save_graph", "--no-save-graph"]])
def test_an_off_flag_in_any_spelling(words: list[str]) -> None:
    assert settings_from(words) == Sample(save_graph=False)


@pytest.mark.parametrize("words", [["--save-graph"], ["--no_save_graph", "--save_graph"]])
def test_an_on_flag_in_any_spelling(words: list[str]) -> None:
    assert settings_from(words) == Sample(save_graph=True)


def test_dashes_of_a_value_are_left_alone() -> None:
    assert settings_from(["--num-steps=2", "--title", "a-b", "--optimizer=x-y"]) == Sample(2, title="a-b", optimizer="x-y")


def test_only_given_flags_leave_an_attribute() -> None:
    made = new_parser("sample", "A command for tests.")
    add_settings(made, "flags", Sample, only_given=True)
    given = vars(made.parse_args(["--num_steps", "2", "--no_save_graph"]))
    assert {name: given[name] for name in given if name in Sample.__dataclass_fields__} == {"num_steps": 2, "save_graph": False}


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--num_steps", "0"], ["--num_steps", "'0'", "whole number", ">= 1 and <= 10"]),
        (["--num_steps", "11"], ["--num_steps", "<= 10"]),
        (["--num_steps", "1.5"], ["--num_steps", "'1.5'", "whole number"]),
        (["--num_steps", "9" * 400], ["--num_steps", "whole number"]),
        (["--num_steps", "abc\x1b[2K\n"], ["--num_steps", r"abc\x1b[2K\n"]),
        (["--num_steps"], ["--num_steps", "expected one argument"]),
        (["--share", "nan"], ["--share", "'nan'", "a number", "> 0 and < 1"]),
        (["--share", "inf"], ["--share"]),
        (["--share", "1"], ["--share", "< 1"]),
        (["--share", "-0.1"], ["--share"]),
        (["--mode", "quick"], ["--mode", "one of fast, slow"]),
        (["--no_mode", "fast"], ["--no_mode"]),
        (["--num", "3"], ["--num"]),
        (["--no_save"], ["--no_save"]),
        (["extra"], ["extra"]),
        (["--bad\nflag"], [r"--bad"]),
    ],
)
def test_a_wrong_value_names_flag_value_and_range(words: list[str], parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[object] = []
    assert run(words, ran.append) == 2
    line = error_line(capsys)
    assert [part for part in [*parts, "--help"] if part not in line] == []
    assert ran == []


def test_help_shows_groups_defaults_and_ranges(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for part in (
        "the sample's flags:",
        "--num_steps INT how many (>= 1 and <= 10; default: 3)",
        "in 100 % (> 0 and < 1; default: 0.9)",
        "--optimizer STR, --optimiser STR",
        "one of fast, slow",
        "--save_graph, --no_save_graph draw it (default: on)",
        "--title NAME its name",
        "Exit codes:",
    ):
        assert part in text


# --- what ends a command ---


def raiser(error: BaseException) -> Callable[[object], None]:
    def body(_: object) -> None:
        raise error

    return body


class OutOfMemoryError(RuntimeError):
    """Named as torch names its own."""


@pytest.mark.parametrize(
    ("error", "code", "part"),
    [
        (InputError("a.csv, line 7: bad"), 2, "a.csv, line 7: bad"),
        (EnvironmentFault("no GPU"), 3, "no GPU"),
        (RefusedError("exists"), 4, "exists"),
        (NonFiniteError("loss is nan"), 5, "loss is nan"),
        (OSError(errno.ENOSPC, "full", "a.pt"), 3, "a.pt: no space left"),
        (PermissionError(errno.EACCES, "denied", "a.pt"), 3, "a.pt: permission denied"),
        (MemoryError(), 3, "--batch_size"),
        (OutOfMemoryError("CUDA out of memory"), 3, "--batch_size"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), 3, "--batch_size"),
        (KeyboardInterrupt(), 130, "SIGINT"),
        (RuntimeError("two\nlines \x1b[31m"), 1, "unexpected RuntimeError: two lines"),
        (KeyError("x"), 1, "unexpected KeyError"),
        (InputError("two\nlines\x1b[31m"), 2, r"two lines\x1b[31m"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_an_exception_is_one_line_and_its_exit_code(error: BaseException, code: int, part: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([], raiser(error)) == code
    line = error_line(capsys)
    assert part in line and line.isprintable()
    assert ("--debug" in line) == (code == 1)


@pytest.mark.parametrize(("has", "given", "named"), [(True, [], True), (True, ["--auto-batch-size"], False), (False, [], False)])
def test_out_of_memory_names_the_flag_that_helps_where_there_is_one(
    has: bool, given: list[str], named: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = new_parser("tiny", "A command.")
    if has:
        parser.add_argument("--auto_batch_size", action="store_true")
    assert run_command(parser, raiser(MemoryError()), given) == 3
    line = error_line(capsys)
    assert ("--auto_batch_size halves a batch that does not fit" in line) == named and "--batch_size or --resize needs less" in line


def test_debug_shows_the_traceback_and_then_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--debug"], raiser(RuntimeError("boom"))) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Traceback") and lines[-1].startswith("error: unexpected RuntimeError: boom")


def test_a_body_that_ends_well_is_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    assert capsys.readouterr() == ("", "")


def test_termination_runs_clean_up_and_is_exit_code_143(capfd: pytest.CaptureFixture[str]) -> None:
    cleaned: list[bool] = []

    def ignore(*_: object) -> None:
        """The handler that stood before."""

    def body(_: object) -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            cleaned.append(True)

    before = signal.signal(signal.SIGTERM, ignore)
    try:
        assert run([], body) == 143
        assert signal.getsignal(signal.SIGTERM) is ignore
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "SIGTERM" in error_line(capfd)
    assert cleaned == [True]


# --- messages ---


def test_messages_go_to_stderr_with_control_characters_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    say("one\ntwo \x1b[2K")
    warn("three")
    assert capsys.readouterr() == ("", "one\ntwo \\x1b[2K\nwarning: three\n")
    assert printable_lines("a\rb\nc") == "a\\rb\nc"


def test_a_progress_bar_passes_every_item_and_is_silent_for_short_work(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress_bar(range(3), 3, "label", "image")) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


def test_the_workspace_is_a_folder_or_not_there_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found: list[Workspace] = []

    def body(arguments: argparse.Namespace) -> None:
        found.append(workspace_of(arguments))

    assert run([], body) == run(["--workspace", str(tmp_path / "new")], body) == 0
    assert found == [Workspace(Path()), Workspace(tmp_path / "new")]
    (tmp_path / "file").touch()
    assert run(["--workspace", str(tmp_path / "file")], body) == 2
    assert error_line(capsys) == f"--workspace {tmp_path / 'file'}: not a folder"


def test_a_reader_of_stdout_that_goes_away_is_no_error() -> None:
    program = (
        "import sys; from scripts.command_line import new_parser, run_command\n"
        "def body(_):\n    for _ in range(20000): print('x' * 100)\n"
        "sys.exit(run_command(new_parser('training', ''), body, []))"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        stderr = process.stderr.read()
    assert (process.returncode, stderr) == (128 + signal.SIGPIPE, b"")
