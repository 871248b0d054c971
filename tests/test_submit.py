"""The command against a server on loopback, with the real Kaggle client: what is sent, what is kept, what each refusal says."""

import csv
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.prediction.exchange import write_prediction_files
from core.prediction.predictions import Predictions
from core.workspace import Workspace
from scripts.submit import main
from tests.kaggle_stub import KaggleStub

CANARY = "KEYCANARY_do_not_print_me"
SLUG = "some-competition"
RECORD = {
    "task": "single_label", "classes": ["0", "1", "2"], "image_root": "dataset/data", "sample_submission": "sample_submission.csv",
    "source": f"kaggle:{SLUG}",
}  # fmt: skip
GOOD = "id,label\n" + "".join(f"{i},{i % 3}\n" for i in range(6))


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[KaggleStub]:
    """Kaggle, and a key for it; no waiting."""
    from kagglesdk import kaggle_env

    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KAGGLE_USERNAME", "someone")
    monkeypatch.setenv("KAGGLE_KEY", CANARY)
    monkeypatch.setattr("time.sleep", lambda _: None)
    with KaggleStub() as server:
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, server.url)
        yield server


@pytest.fixture
def competition(workspace: Workspace) -> Workspace:
    workspace.data_dir.mkdir(parents=True)
    workspace.outputs_dir.mkdir()
    workspace.competition_path.write_text(json.dumps(RECORD))
    (workspace.data_dir / "sample_submission.csv").write_text("id,label\n" + "".join(f"{i},0\n" for i in range(6)))
    (workspace.outputs_dir / "a.csv").write_text(GOOD)
    return workspace


def submit(workspace: Workspace, *words: str, file: str = "a", message: str = "first try") -> int:
    return main([file, "--message", message, "--workspace", str(workspace.root), *words])


def rows(workspace: Workspace) -> list[dict[str, str]]:
    with open(workspace.outputs_dir / "submissions.csv", newline="") as file:
        return list(csv.DictReader(file))


def scored(stub: KaggleStub, after: int = 1, **values: object) -> None:
    """Lets the newest submission be scored at the given look."""

    def on_look() -> None:
        if stub.looks >= after and stub.submissions:
            stub.submissions[0] |= {"status": "COMPLETE", "publicScore": "0.87654", **values}

    stub.on_look = on_look


def test_a_submission_is_sent_scored_and_kept(stub: KaggleStub, competition: Workspace, capfd: Any) -> None:
    scored(stub, after=3)
    assert submit(competition) == 0
    assert stub.uploaded == [GOOD.encode()] and stub.described == ["first try"] and stub.looks == 3
    row = rows(competition)[0]
    assert (row["ref"], row["competition"], row["message"]) == ("41000002", SLUG, "first try")
    assert (row["status"], row["public_score"], row["private_score"], row["metric"]) == ("complete", "0.87654", "", "")
    out, err = capfd.readouterr()
    assert "41000002" in out and "0.87654" in out and "first try" in out
    assert "submitted:" in err and CANARY not in out + err and "SIGNATURE" not in out + err


def test_the_local_score_is_put_beside(stub: KaggleStub, competition: Workspace, capfd: Any) -> None:
    values = np.eye(3)[np.arange(6) % 3]
    predictions = Predictions.from_probabilities([str(i) for i in range(6)], ("0", "1", "2"), values)
    record = {"title": "net", "part": "holdout", "classes": ["0", "1", "2"], "metric": {"metric": "macro_f1", "value": 0.8311, "epoch": 3}}
    write_prediction_files(competition.outputs_dir / "a.csv", GOOD.encode(), predictions, record, True)
    scored(stub)
    assert submit(competition) == 0
    row = rows(competition)[0]
    assert (row["metric"], row["local_score"], row["local_rows"], row["public_score"]) == ("macro_f1", "0.8311", "holdout", "0.87654")
    assert "0.8311 (holdout)" in capfd.readouterr().out


def test_the_same_file_is_not_sent_twice_but_looked_up(stub: KaggleStub, competition: Workspace, capfd: Any) -> None:
    assert submit(competition, "--wait", "0") == 0
    assert rows(competition)[0]["status"] == "pending" and stub.looks == 0
    assert submit(competition, "--wait", "1s") == 0
    assert "no score yet" in capfd.readouterr().err
    scored(stub)
    assert submit(competition) == 0
    assert "already submitted" in capfd.readouterr().err
    assert len(stub.uploaded) == 1 and [row["status"] for row in rows(competition)] == ["complete"]
    assert submit(competition, "--force", message="again") == 0
    assert len(stub.uploaded) == 2 and [row["message"] for row in rows(competition)] == ["first try", "again"]


def test_a_later_submission_brings_earlier_scores(stub: KaggleStub, competition: Workspace) -> None:
    assert submit(competition, "--wait", "0") == 0
    stub.submissions[0] |= {"status": "COMPLETE", "publicScore": "0.5", "privateScore": "0.4"}
    (competition.outputs_dir / "b.csv").write_text(GOOD.replace("0,0", "0,1"))
    scored(stub)
    assert submit(competition, file="b") == 0
    assert [(row["public_score"], row["private_score"]) for row in rows(competition)] == [("0.5", "0.4"), ("0.87654", "")]


def refused(competition: Workspace, capfd: Any, code: int, *words: str) -> str:
    assert submit(competition, *words) == code
    out, err = capfd.readouterr()
    errors = [line for line in err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and "Traceback" not in err and CANARY not in out + err and "SIGNATURE" not in out + err
    return errors[0]


def test_what_does_not_fit_is_not_sent(stub: KaggleStub, competition: Workspace, capfd: Any) -> None:
    (competition.outputs_dir / "a.csv").write_text(GOOD.replace("5,2", "5,9"))
    assert "unknown classes: '9' is no class" in refused(competition, capfd, 2)
    assert stub.authorizations == [] and not (competition.outputs_dir / "submissions.csv").exists()


@pytest.mark.parametrize("status", [500, 403, 503])
def test_an_upload_that_failed_is_a_failure_though_the_client_says_nothing(
    status: int, stub: KaggleStub, competition: Workspace, capfd: Any
) -> None:
    stub.upload_status = status
    assert "Could not submit to competition): nothing was submitted" in refused(competition, capfd, 3)
    assert stub.described == [] and not (competition.outputs_dir / "submissions.csv").exists()


@pytest.mark.parametrize("method", ["StartSubmissionUpload", "CreateSubmission"])
@pytest.mark.parametrize(
    "refusal",
    [
        (403, "You must accept this competition's rules before you'll be able to submit.", 3, f"kaggle.com/c/{SLUG}/rules"),
        (400, "Submission not allowed: Your team has used its daily Submission allowance (5) today.", 3, "no more submissions"),
        (400, "The submission deadline has passed.", 3, "any more: The submission deadline"),
        (403, "This competition is closed for submissions.", 3, "any more"),
        (400, "Only notebooks may be submitted.", 3, "Only notebooks may be submitted."),
        (401, f"Unauthenticated {CANARY}", 3, "does not accept the credentials"),
        (404, "Not found", 2, SLUG),
        (429, "Too many requests today", 3, "429"),
        (500, "Oh no", 3, "500"),
    ],
)
def test_each_refusal_is_one_line(
    method: str, refusal: tuple[int, str, int, str], stub: KaggleStub, competition: Workspace, capfd: Any
) -> None:
    status, text, code, words = refusal
    stub.refusals[method] = (status, text)
    assert words in refused(competition, capfd, code)
    assert not (competition.outputs_dir / "submissions.csv").exists()


def test_ref_zero_is_a_failure(stub: KaggleStub, competition: Workspace, capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stub, "answer", lambda method, question, host: KaggleStub.answer(stub, method, question, host) | {"ref": 0})
    assert "nothing was submitted" in refused(competition, capfd, 3)


def test_without_credentials_nothing_is_asked(
    stub: KaggleStub, competition: Workspace, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAGGLE_KEY")
    assert "no Kaggle credentials; searched" in refused(competition, capfd, 3)
    assert stub.authorizations == []


def test_a_token_that_is_not_good_any_more_is_said(
    stub: KaggleStub, competition: Workspace, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAGGLE_KEY")
    monkeypatch.setenv("KAGGLE_API_TOKEN", CANARY)
    stub.active = False
    assert "does not accept the credentials from KAGGLE_API_TOKEN" in refused(competition, capfd, 3)


def test_without_a_network(stub: KaggleStub, competition: Workspace, capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from kagglesdk import kaggle_env

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, f"http://127.0.0.1:{port}")
    assert "cannot reach kaggle" in refused(competition, capfd, 3)


def test_a_score_that_cannot_be_asked_for_loses_nothing(stub: KaggleStub, competition: Workspace, capfd: Any) -> None:
    stub.refusals["ListSubmissions"] = (500, "Oh no")
    assert submit(competition) == 0
    assert "could not be asked for" in capfd.readouterr().err
    assert rows(competition)[0]["status"] == "pending"
    stub.refusals.clear()
    scored(stub)
    assert submit(competition) == 0 and rows(competition)[0]["status"] == "complete"


def test_a_file_that_kaggle_cannot_score_is_said_and_can_be_sent_again(stub: KaggleStub, competition: Workspace, capfd: Any) -> None:
    scored(stub, status="ERROR", publicScore="", errorDescription="Evaluation raised")
    assert "could not score the submission 41000002: Evaluation raised" in refused(competition, capfd, 2)
    assert rows(competition)[0]["status"] == "error"
    scored(stub)
    assert submit(competition) == 0 and len(stub.uploaded) == 2


def test_the_competition_can_be_named_and_has_to_be_where_the_dataset_is_not_from_kaggle(
    stub: KaggleStub, competition: Workspace, capfd: Any
) -> None:
    competition.competition_path.write_text(json.dumps({**RECORD, "source": "digits"}))
    assert "--competition" in refused(competition, capfd, 2)
    assert "--competition 'A/b'" in refused(competition, capfd, 2, "--competition", "A/b")
    assert submit(competition, "--competition", "another", "--wait", "0") == 0
    assert rows(competition)[0]["competition"] == "another"


@pytest.mark.parametrize("words", [("--wait", "soon"), ("--wait", "-1"), ("--message", ""), ("--message", "=1+1"), ("--message", "a\nb")])
def test_a_wrong_flag_is_named_before_anything_is_done(
    words: tuple[str, str], stub: KaggleStub, competition: Workspace, capfd: Any
) -> None:
    assert words[0] in refused(competition, capfd, 2, *words)
    assert stub.authorizations == []


def test_the_bar_sees_the_wait(stub: KaggleStub, competition: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, str]] = []

    def bar(items: Any, total: int, label: str, unit: str) -> Any:
        seen.append((total, label))
        return items

    monkeypatch.setattr("scripts.submit.progress_bar", bar)
    scored(stub, after=2)
    assert submit(competition, "--wait", "1m") == 0
    assert seen == [(13, "waiting for the score of 41000002")]


@pytest.mark.parametrize("token", [False, True])
def test_as_a_program_with_nothing_but_credentials(token: bool, competition: Workspace, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    key = {"KAGGLE_API_TOKEN": CANARY} if token else {"KAGGLE_USERNAME": "someone", "KAGGLE_KEY": CANARY}
    with KaggleStub() as stub:
        scored(stub)
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "KAGGLE_API_ENVIRONMENT": "LOCALHOST", "HTTP_PROXY": stub.url,
            "http_proxy": stub.url, "NO_PROXY": "", "no_proxy": "", **key,
        }  # fmt: skip
        program = [sys.executable, "-m", "scripts.submit", "a", "--message", "alone", "--workspace", str(competition.root)]
        done = subprocess.run(program, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, stub.uploaded) == (0, [GOOD.encode()])
        assert "0.87654" in done.stdout and CANARY not in done.stdout + done.stderr
        assert all((f"Bearer {CANARY}" == one) == token for one in stub.authorizations)
    assert rows(competition)[0]["public_score"] == "0.87654"
    assert not list((tmp_path / "home").iterdir())
