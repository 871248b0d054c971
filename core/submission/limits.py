"""The range of a regression's labels: what no submission has to leave."""

import math

from core.errors import CommandError
from core.tables import read_table
from core.workspace import Workspace


def label_limits(workspace: Workspace, label_column: str) -> tuple[float, float] | None:
    """The smallest and largest label of the dataset's images; None where its split files are not there or hold other things than numbers.

    A number outside of them is further from every label seen than the nearest limit is, so moving it there costs nothing where the
    images to predict have labels of the same range. A sample submission's own range is chance: it may show zeros only.
    """
    found: list[float] = []
    for path in (workspace.train_labels_path, workspace.valid_labels_path):
        try:
            found += map(float, read_table(path).column(label_column))
        except (CommandError, ValueError):
            return None
    return (min(found), max(found)) if found and all(map(math.isfinite, found)) else None
