"""The options of prediction."""

from dataclasses import dataclass

from core.settings import option

AUTO_CUTS, DEFAULT_CUTS = "auto", "default"


@dataclass(frozen=True)
class PredictionSettings:
    """Which state, at what pace, how much."""

    weights: str = option("model_0", "the state: a name in model_states/ (vgg19_20), a title (its best state) or a path", metavar="NAME")
    batch_size: int = option(64, "images a forward pass; results do not depend on it", minimum=1, maximum=65_536)
    cuts: str = option(
        AUTO_CUTS,
        "from which probability on a class is the answer, of binary, multi-label and ordinal tasks: auto (as tuned on the out-of-fold rows "
        "of this run, where they are there), default, or a number for each cut",
        metavar="CUTS",
    )
    form: str | None = option(
        None,
        "what a row of the submission holds, where the sample submission is misread: label, probability, probabilities, independent, "
        "labels, top_k, number or melted (default: as the sample submission shows)",
        metavar="FORM",
    )
    max_samples: int | None = option(None, "predict only the first images: a trial, not a submission", minimum=1)
