"""The forms that a submission can have: what a row holds, and in which order."""

from dataclasses import dataclass, replace

from core.prediction.ids import Ids, as_ids, texts_of
from core.submission.template import SubmissionTemplate

LABEL, PROBABILITY, PROBABILITIES, INDEPENDENT = "label", "probability", "probabilities", "independent"
LABELS, TOP_K, NUMBER, MELTED = "labels", "top_k", "number", "melted"
Limits = tuple[float, float]


@dataclass(frozen=True, eq=False)
class SubmissionForm:
    """The form of a submission.

    | name | for the tasks | a row holds |
    |---|---|---|
    | `label` | one class an image | the class |
    | `probability` | one class an image, one class alone of several | the probability of `classes` together |
    | `probabilities` | one class an image | a column for each class; the written numbers sum to 1 within 1e-6 |
    | `independent` | several classes an image | a column for each of `classes`, each with its own probability |
    | `labels` | several classes an image | the classes with `delimiter` between them; may be empty |
    | `top_k` | one class an image | the `places` most probable classes, best first, a space between them |
    | `number` | a number | the number, moved into `limits` |
    | `melted` | any number of classes | a row for each image and class with its probability |

    Attributes:
        name: of `FORMS`.
        ids: what an outcome must have a row for; the template's ids but in melted rows.
        classes: in the order of the value columns; those whose probability is asked for; of the melted rows.
        limits: smallest and largest number; None: not known.
        separator: what stands between id and class in melted rows.
        text: the form in words.
    """

    name: str
    template: SubmissionTemplate
    ids: Ids
    classes: tuple[str, ...]
    text: str
    delimiter: str = " "
    places: int = 1
    limits: Limits | None = None
    separator: str = ""

    def for_ids(self, ids: Ids) -> "SubmissionForm":
        """The same form for other images, such as some of those asked for."""
        rows = ids
        if self.name == MELTED:
            rows = [f"{name}{self.separator}{of}" for name in texts_of(as_ids(ids)) for of in self.classes]
        return replace(self, ids=ids, template=self.template.with_ids(rows))
