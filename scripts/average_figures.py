"""What averaging states gained, in words: the held-out figures of the average beside those of its members."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.data.batches import LabelledImages
from core.evaluation.gains import gain_over_mean
from core.metrics import METRICS, bootstrap, epoch_metrics
from core.prediction.decisions import decider
from core.task import Task
from core.training.figures import judged_rows

if TYPE_CHECKING:
    import numpy as np

    from core.training.member_states import Member


@dataclass(frozen=True)
class Judged:
    """What was predicted of the held-out images (`activated`): by the members as they are, by them with BatchNorm's statistics measured
    anew as the average's are (none where there are none to measure), and by the average."""

    members: "list[np.ndarray]"
    measured_anew: "list[np.ndarray]"
    average: "np.ndarray"

    def by_row(self, task: Task, valid: LabelledImages) -> "Judged":
        """The same of rows, which several images may share."""
        members, anew = ([judged_rows(task, valid, one)[1] for one in ones] for ones in (self.members, self.measured_anew))
        return Judged(members, anew, judged_rows(task, valid, self.average)[1])


def figures_text(members: "Sequence[Member]", title: str, valid: LabelledImages, judged: Judged, chosen: bool) -> str:
    """A table of the standard metrics and that of the newest member's run, and the average's gain by it, over members on equal terms.

    Args:
        members: what was averaged.
        title: of the average.
        valid: the held-out images.
        judged: what was predicted of them.
        chosen: whether the members were chosen by such figures.
    """
    newest = members[-1].found.state
    own, task = newest["settings"]["run"]["metric"], Task.from_plain(newest["task"])
    targets, decide = judged_rows(task, valid, judged.average)[0], decider(task)
    judged = judged.by_row(task, valid)
    metrics = [METRICS[name] for name in epoch_metrics(own, task.kind)]
    rows = list(zip([member.name for member in members], judged.members, strict=True))
    if judged.measured_anew:
        rows += [(f"{m.name}, BatchNorm anew", p) for m, p in zip(members, judged.measured_anew, strict=True)]
    rows.append((title, judged.average))
    width = max(len(name) for name, _ in rows)
    lines = [f"{title}: the mean of {len(members)} states; on the held-out images, with 95 % bootstrap intervals:"]
    lines.append(f"  {'':{width}}  {'  '.join(f'{metric.title:<32}' for metric in metrics)}")
    for name, predicted in rows:
        figures = [bootstrap(metric, targets, metric.used(targets, predicted, decide)) for metric in metrics]
        lines.append(f"  {name:<{width}}  {'  '.join(f'{figure!s:<32}' for figure in figures)}")
    gain = gain_over_mean(METRICS[own], targets, judged.average, judged.measured_anew or judged.members, decide)
    whose = "its members', their BatchNorm measured as its own was" if judged.measured_anew else "its members'"
    lines.append(f"{METRICS[own].title} of the average less the mean of {whose}: {gain}, paired: each draw of images judges all of them")
    if chosen or any(member.chosen_on_held_out for member in members):
        lines.append("members were chosen by their figures on these very images, so that theirs and the average's are no estimates")
    return "\n".join(line.rstrip() for line in lines)
