"""python -m scripts.inspect_state FILE...: shows what a state is, without running any code."""

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

from core.metrics import figure_text
from scripts.command_line import new_parser, printable_lines, run_command, workspace_of

_USUAL = {"gradient_accumulation": 1, "sampler": "shuffled"}  # as good as off


def build_parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = new_parser(
        "inspect_state",
        "Shows what a state is: its run, model, classes, preprocessing, settings and figures. Checksum and sizes are checked first; "
        "nothing in the file is executed, and no model file is needed.",
    )
    parser.add_argument("states", nargs="+", metavar="FILE", help="a state: a path, a name in model_states/, or a title (its best state)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a state, with every setting and the whole history")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return run_command(build_parser(), _inspect, argv)


def _inspect(arguments: argparse.Namespace) -> None:
    from core.training.finding import find_state
    from core.training.sealing import errors_of

    workspace = workspace_of(arguments)
    for name in arguments.states:
        found = find_state(workspace, name)
        with errors_of(found.path):
            whole = json.dumps({"path": str(found.path), **_without_tensors(found.state)}) if arguments.json else ""
            text = whole or printable_lines(_description(found.path, found.state))
        print(text)


def _description(path: Path, state: dict[str, Any]) -> str:
    """A state in lines of a name and a value."""
    position, model, best = state["position"], state["model"], state["best"]
    weights = state["model_state"]
    inside = f" and {position['step']} steps of the next" if position["step"] else ""
    lines = {
        "state": f"{path} ({path.stat().st_size:,} bytes, checksum right)",
        "run": f"{state['title']}, {state['part']}, {state['epochs']} epochs{inside}",
        "model": f"{model['class_name']} from {model['file']} (sha256 {model['sha256'][:16]}), {_arguments(model['arguments'])}",
        "weights": f"{len(weights)} tensors, {sum(tensor.numel() for tensor in weights.values()):,} numbers",
        "task": state["task"]["kind"],
        **_answers(state["task"]),
        "images": _changed(state["preprocessing"]),
        "trained with": _changed({**state["settings"]["optimization"], **state["settings"]["augmentation"]}),
        **_recipe(state),
        "dataset": f"{state['data']['competition']}, content {state['data']['content_hash'][:16]}",
        "made with": _changed(state["environment"]),
    }
    if "average" in state:
        members = [
            f"{member['name']} ({member['epochs']} epochs, sha256 {member['sha256'][:16]})" for member in state["average"]["members"]
        ]
        lines["average of"] = ", ".join(members)
    if state["history"]:
        lines["last epoch"] = (
            ", ".join(f"{name} {figure_text(value)}" for name, value in state["history"][-1]["valid"].items()) + " (held out)"
        )
    if best:
        lines["best epoch"] = f"{best['epoch']}: {best['metric']} {best['value']:.4f}"
    return "\n".join(f"{name:<13}{value}" for name, value in lines.items())


def _answers(task: dict[str, Any]) -> dict[str, str]:
    """The classes; of a regression how its numbers come from what the model gives."""
    if not task["classes"]:
        return {"numbers": f"what the model gives * {task['scale']:.6g} + {task['center']:.6g}"}
    return {"classes": f"{len(task['classes'])}: {', '.join(task['classes'][:20])}"}


def _recipe(state: dict[str, Any]) -> dict[str, str]:
    """What moves beside the weights: the schedule, their average, and into how many pieces batches are cut."""
    lines, settings, schedule = {}, state["settings"].get("optimization", {}), state["schedule_state"]
    if schedule:
        rate = state["optimizer_state"]["param_groups"][0]["lr"]
        lines["schedule"] = f"{settings['scheduler']}, moved {schedule['last_epoch']} times; the learning rate is now {rate:.6g}"
    if state["ema_state"]:
        lines["average"] = f"of the weights over {state['ema_state']['updates']} steps, decay {settings['ema']:g}; it predicts"
    pieces = state["position"].get("pieces", 1)
    if pieces > 1:
        lines["memory"] = f"each batch is cut into {pieces} pieces"
    return lines


def _arguments(arguments: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in arguments.items()) or "no arguments"


def _changed(settings: dict[str, Any]) -> str:
    """The settings that say something: those that are not off."""
    return ", ".join(f"{name} {value}" for name, value in settings.items() if value not in (None, False, 0, _USUAL.get(name)))


def _without_tensors(value: Any) -> Any:
    """Nested values with each tensor replaced by its kind and shape, and NaN, which JSON has no word for, by None."""
    if hasattr(value, "dtype"):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    if isinstance(value, dict):
        return {str(key): _without_tensors(item) for key, item in value.items()}
    if isinstance(value, float) and math.isnan(value):
        return None
    return [_without_tensors(item) for item in value] if isinstance(value, (list, tuple)) else value


if __name__ == "__main__":
    sys.exit(main())
