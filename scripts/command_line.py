"""What the commands share: flags made from settings, one-line errors with exit codes, messages and progress bars."""

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import Any, NoReturn

from core.errors import CommandError, InputError, printable
from core.files import translate_os_error
from core.processes import is_main, leave_launch
from core.settings import Option, options_of
from core.workspace import Workspace
from scripts.signals import TerminationAsException

TRUST_NOTE = "A model file is run as a program with your rights: use only files that you trust."


class _OneLineParser(argparse.ArgumentParser):
    """Reports a wrong command line as every other wrong input: one line, exit code 2."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message.removeprefix('argument ')} (see --help)")


class _OnOff(argparse.Action):
    """A flag with its opposite: `--name` and `--no_name`."""

    def __init__(self, option_strings: list[str], dest: str, **details: Any) -> None:
        both = option_strings + [f"--no_{s.removeprefix('--')}" for s in option_strings]
        super().__init__(both, dest, nargs=0, **details)

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option_string: str | None = None) -> None:
        setattr(namespace, self.dest, not (option_string or "").startswith("--no_"))


def new_parser(command: str, description: str, epilog: str = "") -> argparse.ArgumentParser:
    """A parser with the flags that every command has."""
    parser = _OneLineParser(
        prog=f"python -m scripts.{command}",
        description=description,
        epilog=epilog + " Exit codes: 0 done, 2 wrong input, 3 machine or network, 4 refused, 5 NaN/Inf, 130/143 stopped.",
        allow_abbrev=False,
    )
    group = parser.add_argument_group("every command")
    group.add_argument(
        "--workspace",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="folder that holds dataset/, model_states/, graphs/ and outputs/ (default: the current folder)",
    )
    group.add_argument("--force", action="store_true", help="replace what exists")
    group.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def add_settings(parser: argparse.ArgumentParser, title: str, settings_class: type, only_given: bool = False) -> None:
    """Adds a group with one flag for each field of a settings class; with `only_given` a flag left out leaves no attribute."""
    group = parser.add_argument_group(title)
    for name, kind, default, details in options_of(settings_class):
        flags = [f"--{alias}" for alias in (name, *details.aliases)]
        notes = [text for text in (details.range_text(), "" if only_given else _default_text(default)) if text]
        text = f"{details.help} ({'; '.join(notes)})" if notes else details.help
        shared: dict[str, Any] = {"dest": name, "default": argparse.SUPPRESS if only_given else default, "help": text.replace("%", "%%")}
        if kind is bool:
            group.add_argument(*flags, action=_OnOff, **shared)
        else:
            group.add_argument(*flags, type=_parse_value(kind, details), metavar=details.metavar or kind.__name__.upper(), **shared)


def read_settings(arguments: argparse.Namespace, settings_class: type) -> Any:
    """The settings object that the parsed flags describe."""
    return settings_class(**{name: getattr(arguments, name) for name, *_ in options_of(settings_class)})


def run_command(parser: argparse.ArgumentParser, body: Callable[[argparse.Namespace], None], argv: list[str] | None = None) -> int:
    """Runs a command's body and turns whatever ends it into an exit code and at most one line on stderr."""
    given = list(sys.argv[1:] if argv is None else argv)
    if "RANK" in os.environ:
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # what its connections remark; what goes wrong is an exception
    try:
        with TerminationAsException(), nullcontext() if is_main() else redirect_stdout(None):
            body(parser.parse_args([_underscored(word) for word in given]))
            if "RANK" in os.environ and "torch" in sys.modules:
                leave_launch()
        return 0
    except SystemExit as end:  # --help, and SIGTERM
        return end.code if isinstance(end.code, int) else 0
    except BrokenPipeError:  # the reader of stdout went away: `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return _report("stopped by SIGINT", 130, False)
    except BaseException as error:
        can_halve = "--auto_batch_size" in parser.format_usage() and "--auto_batch_size" not in map(_underscored, given)
        message, code = _explain(error, ", and --auto_batch_size halves a batch that does not fit" if can_halve else "")
        return _report(message, code, "--debug" in given)


def workspace_of(arguments: argparse.Namespace) -> Workspace:
    """The workspace that `--workspace` names; InputError where it is not a folder."""
    if arguments.workspace.exists() and not arguments.workspace.is_dir():
        raise InputError(f"--workspace {arguments.workspace}: not a folder")
    return Workspace(arguments.workspace)


def say(message: str) -> None:
    """A message to the person, on stderr, from one process of a launch; results go to stdout."""
    if is_main():
        print(printable_lines(message), file=sys.stderr, flush=True)


def warn(message: str) -> None:
    """A warning: one line on stderr."""
    say(f"warning: {message}")


def printable_lines(text: str) -> str:
    """Text for a terminal: control characters other than line ends are escaped."""
    return "\n".join(printable(line) for line in text.split("\n"))


def progress_bar(items: Iterable[Any], total: int | None = None, label: str = "", unit: str = "it") -> Iterable[Any]:
    """tqdm, shown for work of over half a second; a log file gets a line every ten seconds, not ten a second."""
    from tqdm import tqdm

    interval = 0.1 if sys.stderr.isatty() else 10
    shown = {"delay": 0.5, "mininterval": interval, "leave": False, "dynamic_ncols": True, "disable": not is_main()}
    return tqdm(items, total=total, desc=label, unit=unit, **shown)


def _underscored(word: str) -> str:
    """`--no-save-graph=x` as `--no_save_graph=x`; values are left alone."""
    if not word.startswith("--") or word == "--":
        return word
    name, equals, value = word[2:].partition("=")
    return f"--{name.replace('-', '_')}{equals}{value}"


def _default_text(default: Any) -> str:
    if default is None or default == "":
        return ""
    if isinstance(default, bool):
        return f"default: {'on' if default else 'off'}"
    return f"default: {default}"


def _parse_value(kind: type, details: Option) -> Callable[[str], Any]:
    names = {int: "a whole number", float: "a number", str: "a text"}

    def parse(text: str) -> Any:
        wanted = f"{names.get(kind, 'a value')} {details.range_text()}".strip()
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r}: {wanted} is wanted") from None
        if not details.allows(value):
            raise argparse.ArgumentTypeError(f"{text!r}: {wanted} is wanted")
        return value

    return parse


def _explain(error: BaseException, help_with_memory: str) -> tuple[str, int]:
    """The one line and the exit code for an exception; what else the command can do where memory is short."""
    if isinstance(error, CommandError):
        return str(error), error.exit_code
    text = str(error)
    if isinstance(error, MemoryError) or "can't allocate memory" in text or type(error).__name__ == "OutOfMemoryError":
        return f"out of memory; a lower --batch_size or --resize needs less{help_with_memory}", 3
    if isinstance(error, OSError):
        fault = translate_os_error(error)
        return str(fault), fault.exit_code
    return f"unexpected {type(error).__name__}: {' '.join(text.split())[:300]} (--debug shows where)", 1


def _report(message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"error: {' '.join(printable_lines(message).split(chr(10)))}", file=sys.stderr, flush=True)
    return code
