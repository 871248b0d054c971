"""What ensembling works on: several members' predictions of the same rows, and these rows with what is true of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.errors import InputError
from core.task import MULTI_LABEL, Task

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False)
class Panel:
    """Members' predictions of the same n rows, in one order.

    Attributes:
        names: of the m members, in an order of their own (by name), so that the order in which they were given does not matter.
        task: of all of them; k is `task.num_outputs`.
        ids: (n,), as in `Predictions`.
        values: for each member (n, k) float: probabilities, in a regression numbers (k = 1); None for a member that has labels only.
        labels: for each member (n,) integer codes into `task.classes`; in multi-label tasks (n, k) bool; in a regression none.
        blocks: (n,) integers: rows that were predicted by the same models, whose ranks can be compared; None: all of them.
    """

    names: tuple[str, ...]
    task: Task
    ids: "np.ndarray"
    values: "tuple[np.ndarray | None, ...]"
    labels: "tuple[np.ndarray, ...]" = ()
    blocks: "np.ndarray | None" = None

    def __len__(self) -> int:
        return len(self.ids)

    def all_values(self, method: str) -> "list[np.ndarray]":
        """Every member's values. Raises InputError naming a member that has labels only, which the method cannot use."""
        lacking = [name for name, values in zip(self.names, self.values, strict=True) if values is None]
        if lacking:
            raise InputError(f"--method {method}: wants probabilities; {lacking[0]} holds labels only, which a vote takes")
        return [values for values in self.values if values is not None]

    def of_rows(self, rows: "np.ndarray") -> "Panel":
        """Some of the rows."""
        values = tuple(None if one is None else one[rows] for one in self.values)
        blocks = None if self.blocks is None else self.blocks[rows]
        return replace(self, ids=self.ids[rows], values=values, labels=tuple(one[rows] for one in self.labels), blocks=blocks)

    def of_members(self, members: Sequence[int]) -> "Panel":
        """Some of the members, by their places."""
        labels = tuple(self.labels[i] for i in members) if self.labels else ()
        return replace(self, names=tuple(self.names[i] for i in members), values=tuple(self.values[i] for i in members), labels=labels)


def labels_of(task: Task, values: "np.ndarray", cuts: Sequence[float] | None = None) -> "np.ndarray":
    """What values are decided to be, as a panel holds labels: (n,) codes, in a multi-label task (n, k) bool."""
    from core.prediction.decisions import decided

    labels = decided(task, values, cuts)
    return labels.astype(bool) if task.kind == MULTI_LABEL else labels


@dataclass(frozen=True, eq=False)
class JudgedPanel:
    """Out-of-fold predictions with what is true.

    Attributes:
        panel: each row predicted by models that did not see it; its `blocks` become the folds where it states none.
        targets: as metrics take them: (n,) int64, in multi-label tasks (n, k) of 0 and 1, in a regression (n,) numbers.
        folds: (n,) integers: the outer fold of each row.
        groups: (n,) integers: rows of one group are drawn together by the bootstrap.
    """

    panel: Panel
    targets: "np.ndarray"
    folds: "np.ndarray"
    groups: "np.ndarray"

    def __post_init__(self) -> None:
        if self.panel.blocks is None:
            object.__setattr__(self, "panel", replace(self.panel, blocks=self.folds))

    def __len__(self) -> int:
        return len(self.panel)

    def of_rows(self, rows: "np.ndarray") -> "JudgedPanel":
        """Some of the rows."""
        return JudgedPanel(self.panel.of_rows(rows), self.targets[rows], self.folds[rows], self.groups[rows])

    def of_members(self, members: Sequence[int]) -> "JudgedPanel":
        """Some of the members, by their places."""
        return replace(self, panel=self.panel.of_members(members))
