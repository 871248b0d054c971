"""The pixels of a run: of the images fitted on at the side that augmentation starts from, of those held out at the model's."""

from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING

from core.data.batches import LabelledImages
from core.data.competition import Competition
from core.data.decoding import decoding_workers
from core.data.labelled import LabelledParts, Part
from core.data.normalization import Normalization, fit_normalization
from core.data.pixels import DecodedImages, Images
from core.data.preprocessing import Preprocessing
from core.data.store import StorePlace, open_images
from core.data.streaming import make_resident
from core.errors import InputError
from core.progress import Progress, silent
from core.training.plan import RunPlan
from core.workspace import Workspace

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class RunImages:
    """Both parts of the labelled images, and what a person should be told of where their pixels are kept."""

    train: LabelledImages
    valid: LabelledImages
    notes: list[str]

    def on(self, device: "torch.device") -> "RunImages":
        """The same, with the pixels on a GPU where they fit there."""
        return RunImages(_resident(self.train, device), _resident(self.valid, device), self.notes)

    def fit_normalization(self, progress: Progress = silent) -> Normalization:
        """Measures the images fitted on. Where images are decoded on demand the held-out ones are looked at too, so that all damaged
        ones are named before the first epoch.

        Raises:
            InputError: images that cannot be decoded.
        """
        parts = [self.train.images, *([self.valid.images] if isinstance(self.valid.images, DecodedImages) else [])]
        found, faults = [], []
        for images in parts:
            try:
                found.append(fit_normalization(images, progress))
            except InputError as error:
                faults.append(str(error))
        if faults:
            raise InputError("; ".join(faults))
        return found[0]


def open_run_images(
    workspace: Workspace, plan: RunPlan, competition: Competition, parts: LabelledParts, channels: int, progress: Progress = silent
) -> RunImages:
    """Opens the pixels of both parts, decoding them once where they may be kept.

    Both parts share one store, whose rows are those of the label file, so that every split of the same images has the same store;
    only where augmentation starts from larger images do the held-out ones have one of their own.
    """
    import numpy as np

    preprocessing = Preprocessing(plan.preprocessing, channels)
    side = plan.preprocessing.resize
    source_side = plan.augmentation.source_side(side)
    place = StorePlace(workspace.store_dir, plan.store, decoding_workers(plan.runtime.num_workers))
    everything = sorted(
        zip([*parts.train.rows, *parts.valid.rows], [*parts.train.records, *parts.valid.records], strict=True), key=itemgetter(0)
    )
    root, records = competition.image_root, [record for _, record in everything]
    opened = [open_images(place, root, records, preprocessing.with_side(source_side), progress)]
    position_of = {row: position for position, (row, _) in enumerate(everything)}
    train = opened[0].images.choose([position_of[row] for row in parts.train.rows])
    if source_side == side:
        valid = opened[0].images.choose([position_of[row] for row in parts.valid.rows])
    else:
        opened.append(open_images(place, root, parts.valid.records, preprocessing, progress))
        valid = opened[1].images

    def labelled(part: Part, images: Images) -> LabelledImages:
        targets, ids, row_ids = competition.task.encode(part.labels), [r.id for r in part.records], [r.row_id for r in part.records]
        return LabelledImages(images, ids, targets, np.array(part.rows), parts.num_rows, part.labels, row_ids)

    return RunImages(labelled(parts.train, train), labelled(parts.valid, valid), [images.note for images in opened])


def _resident(labelled: LabelledImages, device: "torch.device") -> LabelledImages:
    return replace(labelled, images=make_resident(labelled.images, device))
