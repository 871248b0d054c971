"""The README is true: every flag of every command stands in it, and every command line it shows is one that the command takes."""

import importlib
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = (
    "creating_dataset",
    "training",
    "predict_classes",
    "merge_predicted",
    "check_submission",
    "submit",
    "inspect_state",
    "average_states",
    "audit_dataset",
    "demo",
)
LINES = re.findall(r"^\s*!?(?:python|\.venv/bin/python) -m scripts\.(\w+)(.*)$", README.replace("\\\n", " "), re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_flag_is_described(command: str) -> None:
    parser = importlib.import_module(f"scripts.{command}").build_parser()
    flags = {flag for action in parser._actions for flag in action.option_strings if flag.startswith("--") and not flag.startswith("--no_")}
    missing = sorted(flag for flag in flags - {"--help"} if f"`{flag}" not in README)
    assert not missing


def test_there_are_command_lines_to_check() -> None:
    assert {command for command, _ in LINES} >= set(COMMANDS)


@pytest.mark.parametrize(("command", "rest"), LINES)
def test_shown_command_lines_parse(command: str, rest: str) -> None:
    words = shlex.split(rest, comments=True)
    importlib.import_module(f"scripts.{command}").build_parser().parse_args(words)


def test_every_model_is_listed() -> None:
    models = [path.stem for path in (ROOT / "models").glob("*.py") if not path.stem.startswith("_")]
    assert [name for name in models if f"`{name}`" not in README] == []


def test_pictures_and_files_shown_exist() -> None:
    shown = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert shown
    assert [path for path in shown if not (ROOT / path).is_file()] == []
