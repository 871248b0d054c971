"""The options of merging."""

from dataclasses import dataclass

from core.ensembling import METHODS
from core.ensembling.evaluation import MIN_PROBABILITY
from core.metrics import METRICS
from core.settings import option

BEST, VOTE = "best", "vote"


@dataclass(frozen=True)
class EnsembleSettings:
    """How predictions become one, and by what that is judged."""

    method: str = option(
        VOTE,
        "how to merge; best takes the method with the best nested score where it gains over the best single model, else that model",
        choices=(*METHODS, BEST),
        metavar="METHOD",
    )
    weights: str | None = option(
        None,
        "of the files in the order given, such as 2,1,1, for weighted_vote and weighted_mean; without it --oof fits them",
        metavar="W,W",
    )
    oof: bool = option(
        False,
        "find <name>.oof.csv beside each file, fit the method on these out-of-fold rows, and print what every file and every method "
        "scores there, nested, with what is gained over the best single model",
    )
    metric: str | None = option(
        None, "what is fitted and judged by (default: the one usual for the task)", choices=tuple(METRICS), metavar="METRIC"
    )
    min_probability: float = option(
        MIN_PROBABILITY, "how probable a gain above zero must be for the ensemble to be taken", minimum=0.5, maximum=1.0
    )
    seed: int = option(0, "of whatever a method draws, and of the bootstrap", minimum=0, maximum=2**32 - 1)
    recipe: str | None = option(
        None, "merge as a <name>.recipe.json says, which an earlier merge wrote: the same files give the same bytes", metavar="FILE"
    )
