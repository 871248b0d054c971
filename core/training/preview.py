"""A look at what augmentation does: a few training images, and what the first epochs would make of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.data.augmentation import augment, draw_table
from core.data.competition import read_competition
from core.data.labelled import Part, read_parts
from core.data.mixing import mix
from core.data.preprocessing import Preprocessing, choose_channels
from core.task import MULTI_LABEL, REGRESSION, Task
from core.training.plan import RunPlan
from core.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np

NUM_IMAGES, NUM_DRAWS = 5, 6
_LEAST = 0.005


@dataclass(frozen=True)
class Picture:
    """An image, uint8 (height, width, channels), and what stands above it."""

    title: str
    pixels: "np.ndarray"


def preview_augmentation(workspace: Workspace, plan: RunPlan) -> list[list[Picture]]:
    """A row for each of a few training images, of as many classes as there are: the image as it is, then as each of the first epochs
    of this plan makes it, with the very parameters that training draws. Only the partners of mixup and cutmix, and the color
    of erased rectangles, are other ones: they come from the images shown.

    Raises:
        InputError: a flag is wrong, or an image is missing or damaged.
    """
    import numpy as np
    import torch

    plan.check()
    competition = read_competition(workspace)
    plan = plan.for_task(competition.task)
    parts = read_parts(workspace, competition)
    part = _examples(parts.train)
    channels, side = choose_channels(plan.preprocessing, competition.channels == 1), plan.preprocessing.resize
    decode = Preprocessing(plan.preprocessing, channels)
    paths = [competition.image_root / record.path for record in part.records]
    titles = [f"{record.id} ({_word(competition.task)} {label})" for record, label in zip(part.records, part.labels, strict=True)]
    pictures = [[Picture(title, _channels_last(decode(path)))] for title, path in zip(titles, paths, strict=True)]
    pixels = torch.from_numpy(np.stack([decode.with_side(plan.augmentation.source_side(side))(path) for path in paths]))
    task = competition.task
    targets = torch.from_numpy(task.encode(part.labels))
    mean = pixels.float().mean(dim=(0, 2, 3)).div(255).tolist()
    for epoch in range(NUM_DRAWS):
        drawn = draw_table(plan.augmentation, plan.run.seed, epoch, parts.num_rows).of(np.array(part.rows))
        images, shares = mix(augment(pixels, drawn, side, mean), targets, drawn, task.num_outputs)
        seen = images.mul(255).round().to(torch.uint8).numpy()
        for row, image, share, label in zip(pictures, seen, shares, part.labels, strict=True):
            row.append(Picture(f"epoch {epoch + 1}{_target_text(share.tolist(), task, label)}", _channels_last(image)))
    return pictures


def _examples(part: Part) -> Part:
    """The first image of each class, then further ones, up to the number that is shown."""
    first_of = {label: position for position, label in reversed(list(enumerate(part.labels)))}
    chosen = list(dict.fromkeys([*sorted(first_of.values()), *range(len(part))]))[:NUM_IMAGES]
    return Part([part.labels[i] for i in chosen], [part.records[i] for i in chosen], [part.rows[i] for i in chosen])


def _channels_last(image: "np.ndarray") -> "np.ndarray":
    return image.transpose(1, 2, 0)


def _word(task: Task) -> str:
    return "class" if task.has_one_class else "classes" if task.kind == MULTI_LABEL else "number"


def _target_text(shares: list[float] | int, task: Task, label: str) -> str:
    """The mixed target in words; nothing where the image was not mixed."""
    import numpy as np

    if isinstance(shares, int) or (not task.has_one_class and np.allclose(task.encode([label])[0], shares)):
        return ""
    if task.kind == REGRESSION:
        return f", {shares[0] * task.scale + task.center:.4g}"
    return ", " + " + ".join(f"{share:.0%} of {name}" for name, share in zip(task.classes, shares, strict=True) if share >= _LEAST)
