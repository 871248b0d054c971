"""The options of prediction."""

from dataclasses import dataclass

from core.settings import option


@dataclass(frozen=True)
class PredictionSettings:
    """Which state, at what pace, how much."""

    weights: str = option("model_0", "the state: a name in model_states/ (vgg19_20), a title (its best state) or a path", metavar="NAME")
    batch_size: int = option(64, "images a forward pass; results do not depend on it", minimum=1, maximum=65_536)
    max_samples: int | None = option(None, "predict only the first images: a trial, not a submission", minimum=1)
