"""What creating_dataset says before it writes: what was found, how, and what is made of it."""

from collections import Counter

from core.data.manifest import TRAIN
from core.data.splits import Split
from core.errors import printable
from core.task import MULTI_LABEL, REGRESSION, Task, split_label
from scripts.dataset_files import DatasetPlan

_SHOWN_CLASSES = 20


def summary_of(plan: DatasetPlan, split: Split, template: str) -> str:
    """The summary, a line for each thing; every rule that decided is named, and with it the flag that overrides it.

    `template`: what the sample submission asks for, in words.
    """
    found, settings = plan.found, plan.settings
    lines = [
        f"competition  {found.labelled.path} ({printable(found.id_column)} -> {printable(found.label_column)})",
        *(f"{name:<12} {text}" for name, text in found.notes),
        f"task         {_task_text(found.task)}; {found.reason} (--task)",
        f"images       {found.root} ({'grey' if plan.scan.grey else 'in color'})",
        *(f"{part:<12} {pattern}: {_count_text(plan, part)}" for part, pattern in found.patterns.items()),
        f"groups       {_groups_text(plan)}",
        *(f"copies       {note}; audit_dataset shows them" for note in (plan.copies.notes if plan.copies else ())),
        f"template     {template}",
    ]
    for title, path, positions in (
        ("fitted on", plan.workspace.train_labels_path, split.train),
        ("held out", plan.workspace.valid_labels_path, split.valid),
    ):
        labels = [found.labelled.labels[i] for i in positions]
        lines.append(f"{title:<12} {path}: {len(positions)} images ({_labels_text(found.task, labels)})")
    if settings.num_folds is not None:
        lines.append(f"folds        {plan.workspace.folds_path}: {settings.num_folds}, of all labelled images")
    given = found.held_out and settings.given_split
    size = "the competition's own validation part is held out (--no_given_split)" if given else f"train_size {settings.train_size:g}"
    return "\n".join([*lines, f"seed         {settings.seed}, {size}"])


def _task_text(task: Task) -> str:
    if task.kind == REGRESSION:
        return f"{task.kind}, mean {task.center:.6g}, deviation {task.scale:.6g}"
    delimiter = f", {task.delimiter!r} between them" if task.kind == MULTI_LABEL else ""
    return f"{task.kind}, {len(task.classes)} classes{delimiter}"


def _count_text(plan: DatasetPlan, part: str) -> str:
    files, rows = plan.found.files[part], plan.found.rows[part]
    distinct = len({rows.get(name, name) for name in files})
    return f"{len(files)} images" + (f" of {distinct} rows" if rows else "")


def _groups_text(plan: DatasetPlan) -> str:
    distinct = len({group for group in plan.found.groups.values() if group})
    column, together = plan.settings.group_column, "copies and the images of a row" if plan.found.rows[TRAIN] else "copies"
    if not distinct:
        return f"none but {together} (--group_column)"
    return f"{distinct}{f' by {printable(column)}' if column else ''}, and {together}: each on one side"


def _labels_text(task: Task, labels: list[str]) -> str:
    if task.kind == REGRESSION:
        numbers = sorted(map(float, labels))
        return f"{numbers[0]:g} to {numbers[-1]:g}, median {numbers[len(numbers) // 2]:g}"
    counts = Counter(labels)
    if task.kind == MULTI_LABEL:
        counts = Counter(name for label in labels for name in split_label(label, task.delimiter))
    shown = ", ".join(f"{printable(name)}: {counts[name]}" for name in task.classes[:_SHOWN_CLASSES])
    return shown + (", ..." if len(task.classes) > _SHOWN_CLASSES else "")
