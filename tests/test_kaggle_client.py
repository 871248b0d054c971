"""The client's requests are bounded, and what it raises becomes one line."""

import io
from pathlib import Path

import pytest
import requests

from core.data.kaggle_client import MAX_RETRIES, TIMEOUT_S, not_accepted, prepared_api, replaced, translate
from core.data.kaggle_credentials import Credentials
from core.errors import EnvironmentFault, InputError

CREDENTIALS = Credentials("a place", None, ("SECRET",))


def answer(status: int) -> requests.HTTPError:
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError("about SECRET", response=response)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ImportError(name="cgi"), EnvironmentFault, "legacy-cgi"),
        (answer(401), EnvironmentFault, "a place"),
        (answer(403), EnvironmentFault, "dogs/rules"),
        (answer(404), InputError, "kaggle:dogs"),
        (answer(500), EnvironmentFault, "answers 500 to the request for dogs: about ***"),
        (requests.ConnectionError(), EnvironmentFault, "cannot reach kaggle"),
        (requests.Timeout(), EnvironmentFault, "cannot reach kaggle"),
        (OSError(28, "x"), EnvironmentFault, "no space left"),
        (ValueError("SECRET"), EnvironmentFault, "ValueError: ***"),
    ],
)
def test_whatever_is_raised_becomes_one_line_without_the_key(error: Exception, kind: type[Exception], words: str) -> None:
    fault = translate(error, "dogs", CREDENTIALS)
    assert type(fault) is kind and "SECRET" not in str(fault)
    assert words in str(fault)
    assert "settings/api" in str(not_accepted(CREDENTIALS))


def test_every_request_is_bounded_and_encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def send(self: requests.adapters.HTTPAdapter, request: object, stream: bool, timeout: object, **more: object) -> requests.Response:
        seen.append((timeout, self.max_retries.total))
        response = requests.Response()
        response.raw = io.BytesIO()
        return response

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    with prepared_api(CREDENTIALS, tmp_path):
        for retries in (0, 10):
            adapter = requests.adapters.HTTPAdapter(max_retries=retries)
            adapter.send(requests.Request("GET", "https://elsewhere.example/").prepare())
        with pytest.raises(EnvironmentFault, match="not encrypted"):
            adapter.send(requests.Request("GET", "http://elsewhere.example/").prepare())
    assert seen == [(TIMEOUT_S, 0), (TIMEOUT_S, MAX_RETRIES)]
    assert requests.adapters.HTTPAdapter.send is send


def test_what_is_replaced_comes_back_also_after_an_error() -> None:
    class Owner:
        had = 1

    owner = Owner()
    with pytest.raises(ValueError, match="x"), replaced(owner, "had", 2), replaced(owner, "new", 3):
        assert (owner.had, owner.new) == (2, 3)  # type: ignore[attr-defined]
        raise ValueError("x")
    assert owner.had == 1 and vars(owner) == {}
