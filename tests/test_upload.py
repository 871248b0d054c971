"""Sending and waiting, with the real client: what the command's tests do not see."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import EnvironmentFault
from core.submission.upload import Score, open_service, wait_for_score
from core.workspace import Workspace
from tests.kaggle_stub import KaggleStub


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[KaggleStub]:
    from kagglesdk import kaggle_env

    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KAGGLE_USERNAME", "someone")
    monkeypatch.setenv("KAGGLE_KEY", "key")
    with KaggleStub() as server:
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, server.url)
        yield server


def test_the_wait_ends_with_the_score_or_the_time(stub: KaggleStub, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    stub.submissions = [{"ref": 7, "status": "PENDING"}, {"ref": 6, "status": "COMPLETE", "publicScore": "-0.5", "privateScore": "x"}]
    with open_service("dogs", workspace) as service:
        assert service.scores() == {7: Score(), 6: Score("complete", "-0.5")}
        assert wait_for_score(service, 7, 12)[7] == Score()
        assert (stub.looks, slept) == (4, [5, 5])
        assert wait_for_score(service, 6, 600)[6].public == "-0.5"
        assert (stub.looks, slept) == (5, [5, 5])


def test_a_look_may_fail_but_not_three_in_a_row(stub: KaggleStub, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: stub.refusals.clear())
    stub.refusals["ListSubmissions"] = (500, "Oh no")
    stub.submissions = [{"ref": 7, "status": "COMPLETE", "publicScore": "1"}]
    with open_service("dogs", workspace) as service:
        assert wait_for_score(service, 7, 60)[7].public == "1"
        monkeypatch.setattr("time.sleep", lambda _: None)
        stub.refusals["ListSubmissions"] = (500, "Oh no")
        asked = len(stub.authorizations)
        with pytest.raises(EnvironmentFault, match="500"):
            wait_for_score(service, 7, 600)
        assert len(stub.authorizations) - asked == 3


def test_a_storage_that_is_not_there_is_given_up_soon(
    stub: KaggleStub, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    monkeypatch.setattr(stub, "answer", lambda *_: {"token": "t", "createUrl": "http://127.0.0.1:9/upload"})
    (tmp_path / "a.csv").write_text("id,y\n")
    with open_service("dogs", workspace) as service, pytest.raises(EnvironmentFault, match="nothing was submitted"):
        service.send(tmp_path / "a.csv", "text")
    assert sum(slept) < 10
    monkeypatch.setattr(stub, "answer", lambda *_: {"token": "t", "createUrl": "http://storage.example/upload"})
    with open_service("dogs", workspace) as service, pytest.raises(EnvironmentFault, match="nothing was submitted"):
        service.send(tmp_path / "a.csv", "text")


def test_the_client_is_left_as_it_was(stub: KaggleStub, workspace: Workspace) -> None:
    import requests.adapters
    from kaggle import api

    before = (requests.adapters.HTTPAdapter.send, api.config_dir, api.config)
    with open_service("dogs", workspace):
        assert requests.adapters.HTTPAdapter.send is not before[0]
    assert (requests.adapters.HTTPAdapter.send, api.config_dir, api.config) == before
