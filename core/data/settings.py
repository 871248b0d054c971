"""The options of the data rooms: what is split how, what is done to every image, what is done at random."""

from dataclasses import dataclass

from core.settings import option


@dataclass(frozen=True)
class SplitSettings:
    """How the labelled images are split into the part fitted on and the part held out."""

    train_size: float = option(0.9, "share of the labelled images that is fitted on; the rest is held out", above=0, below=1)
    seed: int = option(0, "seed of the split", minimum=0, maximum=2**31 - 1)
    max_samples: int | None = option(None, "use only this many labelled images (copies count once), a stratified subset", minimum=4)
    id_column: str | None = option(None, "column of the label file that holds the ids (default: found)", metavar="NAME")
    label_column: str | None = option(None, "column of the label file that holds the labels (default: found)", metavar="NAME")


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
    """Random operations, on training images only."""

    horflip: float = option(0.0, "probability of a horizontal flip", minimum=0, maximum=1)
    rotate: float = option(0.0, "largest angle of a random rotation, in degrees either way", minimum=0, maximum=180)
