"""Where the Kaggle key is looked for, in which order, and that it stays out of messages."""

import json
import os
from pathlib import Path

import pytest

from core.data.kaggle_credentials import Credentials, find_credentials
from core.errors import EnvironmentFault
from core.workspace import Workspace

CANARY = "KEYCANARY_do_not_print_me"


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("KAGGLE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")


def write_private(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_the_order_is_the_client_s_and_then_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, home = Workspace(tmp_path / "ws"), tmp_path / "home"
    legacy = json.dumps({"username": "someone", "key": CANARY})
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "c"))
    steps = [
        lambda: write_private(home / ".kaggle/credentials.json", json.dumps({"refresh_token": CANARY})),
        lambda: write_private(home / ".config/kaggle/kaggle.json", legacy),
        lambda: write_private(home / ".kaggle/kaggle.json", legacy),
        lambda: write_private(workspace.root / "kaggle.json", legacy),
        lambda: write_private(Path("kaggle.json"), legacy),
        lambda: write_private(tmp_path / "c/kaggle.json", legacy),
        lambda: monkeypatch.setenv("KAGGLE_KEY", CANARY),  # without KAGGLE_USERNAME it is half a credential
        lambda: monkeypatch.setenv("KAGGLE_USERNAME", "someone"),
        lambda: write_private(home / ".kaggle/access_token", CANARY),
        lambda: monkeypatch.setenv("KAGGLE_API_TOKEN", CANARY),
    ]
    places = []
    for step in steps:
        step()
        found = find_credentials(workspace)
        assert found.secrets == (CANARY,)
        places.append(found.place)
    assert places == [
        str(home / ".kaggle/credentials.json"), str(home / ".config/kaggle/kaggle.json"), str(home / ".kaggle/kaggle.json"),
        str(workspace.root / "kaggle.json"), "kaggle.json", str(tmp_path / "c/kaggle.json"), str(tmp_path / "c/kaggle.json"),
        "KAGGLE_USERNAME and KAGGLE_KEY", str(home / ".kaggle/access_token"), "KAGGLE_API_TOKEN",
    ]  # fmt: skip


def test_an_empty_token_file_is_named(tmp_path: Path) -> None:
    path = write_private(tmp_path / "home/.kaggle/access_token", " \n")
    with pytest.raises(EnvironmentFault, match="is empty") as caught:
        find_credentials(Workspace(tmp_path))
    assert str(path) in str(caught.value)


def test_oauth_credentials_are_found(tmp_path: Path) -> None:
    path = write_private(tmp_path / "home/.kaggle/credentials.json", json.dumps({"refresh_token": CANARY}))
    found = find_credentials(Workspace(tmp_path))
    assert (found.place, found.config_dir, found.secrets) == (str(path), None, (CANARY,))
    assert CANARY not in repr(found)


def test_scrubbing_removes_the_key_and_what_looks_like_one() -> None:
    credentials = Credentials("here", None, (CANARY,))
    for secret in (CANARY, "0123456789abcdef" * 2, "KGAT_abcdef0123", "Basic c29tZW9uZTpr", "Bearer abc.def"):
        assert secret not in credentials.scrub(f"refused: {secret} (403)")
    assert credentials.scrub("a\nb") == "a\\nb"
