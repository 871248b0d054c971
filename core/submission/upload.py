"""A submission sent to Kaggle by its own client, and the scores it gets there."""

import contextlib
import io
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from core.data.kaggle_client import not_accepted, prepared_api, translate
from core.data.kaggle_credentials import Credentials, find_credentials
from core.errors import CommandError, EnvironmentFault
from core.progress import Progress, silent
from core.tables import is_number
from core.workspace import Workspace

PENDING, COMPLETE, ERROR = "pending", "complete", "error"
SECONDS_BETWEEN_LOOKS = 5
_MOST_FAILURES = 3
_DAILY_LIMIT = re.compile(r"(?i)allowance|daily|per day|today|maximum number|submission limit")
_DEADLINE = re.compile(r"(?i)deadline|has ended|is over|closed|no longer|not accepting")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Score:
    """What Kaggle says of a submission.

    Attributes:
        status: `pending`, `complete` or `error`.
        public, private: as Kaggle writes them; empty where there is none (yet).
        error: why it could not be scored.
    """

    status: str = PENDING
    public: str = ""
    private: str = ""
    error: str = ""


class SubmissionService:
    """The submissions of one competition; `open_service` makes it."""

    def __init__(self, api: Any, competition: str, credentials: Credentials) -> None:
        self._api, self._competition, self._credentials = api, competition, credentials

    def send(self, path: Path, message: str) -> int:
        """Uploads a file and submits it; returns the number that Kaggle gives the submission.

        Raises:
            EnvironmentFault: credentials or rules not accepted, the deadline is over, the day's submissions are used up, no
                network; or the upload failed, which the client reports by the number 0 and no exception.
            InputError: no such competition.
        """
        answer = self._ask(lambda api: api.competition_submit(str(path), message, self._competition, quiet=True))
        if not answer.ref:
            said = self._credentials.scrub(answer.message)[:200]
            raise self._told(said) or EnvironmentFault(f"kaggle has not taken {path} ({said}): nothing was submitted; run again")
        return int(answer.ref)

    def scores(self) -> dict[int, Score]:
        """The newest submissions of the team by their number. Raises as `send`."""
        found = self._ask(lambda api: api.competition_submissions(self._competition)) or []
        return {int(one.ref): self._score(one) for one in found if one is not None}

    def _score(self, one: Any) -> Score:
        public, private = (text if is_number(text) else "" for text in (one.public_score or "", one.private_score or ""))
        return Score(one.status.name.lower(), public, private, self._credentials.scrub(one.error_description or "")[:300])

    def _ask(self, question: Callable[[Any], Answer]) -> Answer:
        """The client's answer; what it prints is dropped, since it could hold a signed address."""
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                return question(self._api)
        except CommandError:
            raise
        except Exception as error:
            raise self._told(self._credentials.scrub(error)[:300], error) or translate(
                error, self._competition, self._credentials
            ) from None

    def _told(self, text: str, error: Exception | None = None) -> EnvironmentFault | None:
        """The faults that Kaggle tells by its text alone."""
        response = getattr(error, "response", None)
        if error is not None and (response is None or response.status_code not in (400, 403)):
            return None
        if _DAILY_LIMIT.search(text):
            return EnvironmentFault(f"kaggle takes no more submissions to {self._competition} today: {text}; try again tomorrow (UTC)")
        if _DEADLINE.search(text):
            return EnvironmentFault(f"kaggle takes no submissions to {self._competition} any more: {text}")
        if response is not None and response.status_code == 400:
            return EnvironmentFault(f"kaggle refuses the submission to {self._competition}: {text}")
        return None


@contextlib.contextmanager
def open_service(competition: str, workspace: Workspace) -> Iterator[SubmissionService]:
    """Yields the submissions of a competition, with the credentials found.

    Raises:
        EnvironmentFault: no or wrong credentials, no network, a package is missing.
    """
    credentials = find_credentials(workspace)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                api = stack.enter_context(prepared_api(credentials, Path(folder)))
                api.authenticate()
        except CommandError:
            raise
        except SystemExit as end:
            if end.code != 1:
                raise
            raise not_accepted(credentials) from None  # the client's way to say so
        except Exception as error:
            raise translate(error, competition, credentials) from None
        yield SubmissionService(api, competition, credentials)


def wait_for_score(service: SubmissionService, ref: int, seconds: float, progress: Progress = silent) -> dict[int, Score]:
    """Looks every few seconds until a submission is scored or the time is up; returns what was seen last of all submissions.

    Raises:
        EnvironmentFault: Kaggle could not be asked several times in a row.
    """
    looks = max(1, int(seconds // SECONDS_BETWEEN_LOOKS) + 1)
    seen: dict[int, Score] = {}
    failures = 0
    for look in progress(range(looks), looks, f"waiting for the score of {ref}", "looks"):
        try:
            seen, failures = service.scores(), 0
        except EnvironmentFault:
            failures += 1
            if failures == _MOST_FAILURES or look == looks - 1:
                raise
        if seen.get(ref, Score()).status != PENDING:
            break
        if look < looks - 1:
            time.sleep(SECONDS_BETWEEN_LOOKS)
    return seen
