"""The options of the data rooms: what is split how, what is done to every image, what is done at random."""

import math
from dataclasses import dataclass

from core.settings import option
from core.task import KINDS


@dataclass(frozen=True)
class SplitSettings:
    """How the labelled images are split into the part fitted on and the part held out."""

    train_size: float = option(0.9, "share of the labelled images that is fitted on; the rest is held out", above=0, below=1)
    seed: int = option(0, "seed of the split", minimum=0, maximum=2**31 - 1)
    num_folds: int | None = option(None, "deal all labelled images into so many folds, too (dataset/folds.csv)", minimum=2, maximum=100)
    audit: bool = option(True, "look at every image for near copies, which then stay on one side and in one fold")
    max_samples: int | None = option(None, "use only this many labelled images (copies count once), a stratified subset", minimum=4)
    label_file: str | None = option(
        None, "the CSV file of the labels: its name, or its path from SOURCE on (default: found)", metavar="FILE"
    )
    sample_submission: str | None = option(
        None, "the sample submission: its name, or its path from SOURCE on (default: found)", metavar="FILE"
    )
    id_column: str | None = option(None, "column of the label file that holds the ids (default: found)", metavar="NAME")
    label_column: str | None = option(
        None, "column of the label file that holds the labels, or several of 0 and 1 with commas between (default: found)", metavar="NAMES"
    )
    image_pattern: str | None = option(
        None,
        "how columns make an image's path, from any folder on: {id}.png, {patient_id}/{image_id}.dcm, {id}/FLAIR/*.png (default: found)",
        metavar="PATTERN",
    )
    group_column: str | None = option(
        None, "column whose equal values (a patient, a place) stay on one side of the split and in one fold", metavar="NAME"
    )
    label_pattern: str | None = option(
        None,
        "regular expression that reads the label in an image's path: (?P<label>[a-z]+)\\.(?P<id>\\d+); (?P<group>...) and (?P<row>...) too",
        metavar="REGEX",
    )
    label_delimiter: str | None = option(
        None,
        "what separates several labels in one cell: a character, space, comma, semicolon, bar or none (default: found)",
        metavar="CHAR",
    )
    task: str = option("auto", "what is predicted; auto: by rule, see the summary", choices=("auto", *KINDS))
    positive_class: str | None = option(
        None, "of a binary task: the class, or the classes with commas between, whose probability is wanted", metavar="NAMES"
    )
    given_split: bool = option(True, "hold out the competition's own validation part, where it has one, and split nothing")


@dataclass(frozen=True)
class AuditSettings:
    """What counts as a near duplicate, and how the images are read."""

    max_distance: int = option(10, "bits of 64 that the hashes of copies may differ in; more takes longer", minimum=0, maximum=16)
    min_similarity: float = option(0.9, "correlation that two copies have at least, of the whole and of the detail", above=0, maximum=1)
    num_workers: int | None = option(None, "processes that decode images (default: as many as cores)", minimum=0, maximum=256)


@dataclass(frozen=True)
class PreprocessingSettings:
    """Fixed operations on every image, in training, validation and prediction alike, in this order."""

    mask: str | None = option(None, "folder of masks: each image is multiplied by the mask of the same name", metavar="FOLDER")
    grayscale: bool = option(False, "make every image grey (one channel)")
    channels: str = option("auto", "channels handed to the model; auto: 1 for grey images, else 3", choices=("auto", "1", "3"))
    resize: int = option(256, "side of the square that every image is resized to, in pixels", minimum=8, maximum=4096)
    keep_aspect: bool = option(False, "keep the aspect ratio when resizing and pad the rest with black")
    equalize: bool = option(False, "equalize the histogram of every image")
    invert: bool = option(False, "invert every image")
    brightness: float = option(1.0, "fixed brightness factor on every image", minimum=0, maximum=10)
    contrast: float = option(1.0, "fixed contrast factor on every image", minimum=0, maximum=10)
    sharpness: float = option(1.0, "fixed sharpness factor on every image", minimum=0, maximum=10)


@dataclass(frozen=True)
class AugmentationSettings:
    """Random operations, on training images only; all are off by default, and each image draws its own parameters."""

    horflip: float = option(0.0, "probability of a horizontal flip", minimum=0, maximum=1)
    vertflip: float = option(0.0, "probability of a vertical flip", minimum=0, maximum=1)
    rotate: float = option(0.0, "largest angle of a random rotation, in degrees either way", minimum=0, maximum=180)
    scale: float = option(0.0, "largest zoom in or out, as a share: 0.2 draws factors from 0.8 to 1.2", minimum=0, below=1)
    translate: float = option(0.0, "largest shift either way, as a share of the side", minimum=0, maximum=1)
    random_resized_crop: float = option(0.0, "smallest share of the area that a random crop keeps; 0: no crop", minimum=0, maximum=1)
    jitter_brightness: float = option(0.0, "brightness factors from 1 - x to 1 + x", minimum=0, maximum=1)
    jitter_contrast: float = option(0.0, "contrast factors from 1 - x to 1 + x", minimum=0, maximum=1)
    jitter_saturation: float = option(0.0, "saturation factors from 1 - x to 1 + x", minimum=0, maximum=1)
    blur: float = option(0.0, "largest standard deviation of a Gaussian blur, in pixels", minimum=0, maximum=20)
    noise: float = option(0.0, "largest standard deviation of Gaussian noise, as a share of white", minimum=0, maximum=1)
    erase: float = option(0.0, "probability that a rectangle of 2 to 33 % of the area is filled with the mean color", minimum=0, maximum=1)
    mixup: float = option(
        0.0, "alpha of mixup: images and targets are blended, shares from Beta(alpha, alpha); 0: off", minimum=0, maximum=100
    )
    cutmix: float = option(
        0.0, "alpha of cutmix: a rectangle comes from another image; with mixup, half of the images each", minimum=0, maximum=100
    )
    randaugment: int = option(0, "magnitude of RandAugment, two operations an image; 9 is usual, 0: off", minimum=0, maximum=30)
    trivialaugment: bool = option(False, "TrivialAugment: one operation of any magnitude an image")
    store_size: int | None = option(
        None,
        "side of the training images before augmentation, in pixels (default: --resize, and 1.25 times it with "
        "--random_resized_crop or --scale)",
        minimum=8,
        maximum=4096,
    )

    def source_side(self, side: int) -> int:
        """The side of the training images that augmentation makes images of `side` pixels from."""
        if self.store_size is not None:
            return self.store_size
        return math.ceil(1.25 * side) if self.random_resized_crop or self.scale else side


@dataclass(frozen=True)
class StoreSettings:
    """Whether decoded images are kept."""

    store: str = option(
        "auto",
        "keep decoded images in dataset/store, so that each is decoded once; auto: where --store_limit and half of the free disk allow it",
        choices=("auto", "always", "never"),
    )
    store_limit: float = option(50.0, "how large auto lets dataset/store grow, in GB", minimum=0, maximum=1_000_000)
    verify_store: bool = option(False, "read and decode all images again and compare them with the dataset's list and the store")
