"""The download from Kaggle: the real opendatasets and the real client against a server on loopback."""

import base64
import io
import json
import os
import socket
import subprocess
import sys
import traceback
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.data.kaggle import DEFAULT_COMPETITION
from core.data.raw_files import get_raw_files
from core.errors import CommandError, EnvironmentFault, InputError, RefusedError
from core.workspace import Workspace
from tests.kaggle_stub import TOKEN_USER, KaggleStub

CANARY = "KEYCANARY_do_not_print_me"
SLUG = "some-competition"
SOURCE = f"kaggle:{SLUG}"
REPOSITORY = Path(__file__).resolve().parents[1]


def competition_zip(extra: dict[str, bytes] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {
            "data/train_answers.csv": b"id,label\n0,1\n",
            "data/train_images/img_0.png": os.urandom(5000),
            **(extra or {}),
        }.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials, no proxy, an empty home and working folder; no waiting for the disk."""
    monkeypatch.setattr("os.sync", lambda: None)
    for name in list(os.environ):
        if name.startswith("KAGGLE_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for folder in ("home", "cwd"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / ".config"))
    monkeypatch.chdir(tmp_path / "cwd")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "ws")


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_USERNAME", "someone")
    monkeypatch.setenv("KAGGLE_KEY", CANARY)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleStub]:
    with KaggleStub(competition_zip()) as server:
        point_client_at(server.url, monkeypatch)
        yield server


def point_client_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the client take `url` for Kaggle, and try again without a pause."""
    from kagglesdk import kaggle_env

    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, url)
    monkeypatch.setattr("time.sleep", lambda _: None)


def write_private(path: Path, text: str, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def kaggle_json(key: str = CANARY) -> str:
    return json.dumps({"username": "someone", "key": key})


def basic(key: str = CANARY) -> str:
    return "Basic " + base64.b64encode(f"someone:{key}".encode()).decode()


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refuse(kind: type[CommandError], workspace: Workspace, capfd: Any, **more: Any) -> str:
    """The message of a refused download, after the checks that hold for every one of them."""
    before = snapshot(workspace.root) if workspace.root.exists() else None
    with pytest.raises(kind) as caught:
        get_raw_files(SOURCE, workspace, **more)
    assert type(caught.value) is kind
    out, err = capfd.readouterr()
    message = str(caught.value)
    assert out == "" and "\n" not in message
    shown = err + "".join(traceback.format_exception(caught.value))  # what --debug would show
    assert CANARY not in shown and basic()[6:] not in shown
    assert (snapshot(workspace.root) if workspace.root.exists() else None) == before
    return message


# Finding credentials


def test_without_credentials_every_place_searched_is_named_and_no_folder_is_made(workspace: Workspace, tmp_path: Path, capfd: Any) -> None:
    message = refuse(EnvironmentFault, workspace, capfd)
    for place in (
        "KAGGLE_API_TOKEN",
        "KAGGLE_KEY",
        str(tmp_path / "home/.kaggle/kaggle.json"),
        str(workspace.root / "kaggle.json"),
        "access_token",
    ):
        assert place in message
    assert not workspace.root.exists() and not (tmp_path / "home/.kaggle").exists()


PLACES: dict[str, Callable[[Path, pytest.MonkeyPatch], object]] = {
    "working folder": lambda root, _: write_private(root / "cwd/kaggle.json", kaggle_json()),
    "workspace": lambda root, _: write_private(root / "ws/kaggle.json", kaggle_json()),
    "home": lambda root, _: write_private(root / "home/.kaggle/kaggle.json", kaggle_json()),
    "xdg": lambda root, _: write_private(root / "home/.config/kaggle/kaggle.json", kaggle_json()),
    "config dir": lambda root, patch: (
        write_private(root / "c/kaggle.json", kaggle_json()),
        patch.setenv("KAGGLE_CONFIG_DIR", str(root / "c")),
    ),
    "environment": lambda _, patch: (patch.setenv("KAGGLE_USERNAME", "someone"), patch.setenv("KAGGLE_KEY", CANARY)),
    "token": lambda _, patch: patch.setenv("KAGGLE_API_TOKEN", CANARY),
    "token path": lambda root, patch: patch.setenv("KAGGLE_API_TOKEN", str(write_private(root / "token", CANARY + "\n"))),
    "token file": lambda root, _: write_private(root / "home/.kaggle/access_token", CANARY + "\n"),
}


@pytest.mark.parametrize("place", PLACES)
def test_credentials_of_each_place_reach_kaggle_and_nothing_else(
    place: str, stub: KaggleStub, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    PLACES[place](tmp_path, monkeypatch)
    before = dict(os.environ)
    raw = get_raw_files(SOURCE, workspace)
    assert (raw.root, raw.in_place, raw.name) == (workspace.data_dir, False, SLUG)
    assert (raw.root / "train_answers.csv").read_bytes() == b"id,label\n0,1\n"
    assert set(stub.authorizations) == {f"Bearer {CANARY}" if "token" in place else basic()}
    assert dict(os.environ) == before
    assert CANARY not in "".join(capfd.readouterr())
    assert not any(CANARY.encode() in data for data in snapshot(workspace.dataset_dir).values())
    assert sorted(p.name for p in workspace.dataset_dir.iterdir()) == ["data", "source.json"]
    assert (tmp_path / "home/.kaggle").exists() == (place in ("home", "token file"))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_that_others_can_read_is_refused_with_the_command_that_helps(
    mode: int, workspace: Workspace, tmp_path: Path, capfd: Any
) -> None:
    path = write_private(tmp_path / "home/.kaggle/kaggle.json", kaggle_json(), mode)
    assert f"chmod 600 {path}" in refuse(EnvironmentFault, workspace, capfd)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"username": "a"}', '{"username": "a", "key": 5}', "null"])
def test_a_damaged_kaggle_json_is_named(text: str, workspace: Workspace, tmp_path: Path, capfd: Any) -> None:
    path = write_private(tmp_path / "cwd/kaggle.json", text)
    assert path.name in refuse(EnvironmentFault, workspace, capfd)


# What Kaggle answers


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (403, EnvironmentFault, f"https://www.kaggle.com/c/{SLUG}/rules"),
        (401, EnvironmentFault, "KAGGLE_USERNAME and KAGGLE_KEY"),
        (404, InputError, SLUG),
        (429, EnvironmentFault, "429"),
        (500, EnvironmentFault, "500"),
    ],
)
def test_a_refusal_is_one_line_and_the_old_dataset_stays(
    status: int, kind: type[CommandError], words: str, stub: KaggleStub, workspace: Workspace, capfd: Any
) -> None:
    stub.status = status
    assert words in refuse(kind, workspace, capfd)
    assert not workspace.root.exists()
    get_raw_files("digits", workspace)
    assert words in refuse(kind, workspace, capfd, force=True)


def test_a_token_that_is_not_good_any_more_is_said(
    stub: KaggleStub, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", CANARY)
    stub.active = False
    assert "KAGGLE_API_TOKEN" in refuse(EnvironmentFault, workspace, capfd)


@pytest.mark.usefixtures("key")
def test_no_network_is_said_at_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    point_client_at(url, monkeypatch)
    assert "cannot reach kaggle" in refuse(EnvironmentFault, workspace, capfd)


@pytest.mark.usefixtures("key")
def test_a_broken_download_is_taken_up_again(stub: KaggleStub, workspace: Workspace) -> None:
    stub.sent = [1000, 2000]
    assert (get_raw_files(SOURCE, workspace).root / "train_images/img_0.png").stat().st_size == 5000
    assert stub.attempts == 3


@pytest.mark.usefixtures("key")
def test_a_download_that_keeps_breaking_off_leaves_nothing(stub: KaggleStub, workspace: Workspace, capfd: Any) -> None:
    stub.sent = [1000] * 20
    assert "broke off" in refuse(EnvironmentFault, workspace, capfd)
    assert stub.attempts == 3 and not workspace.root.exists()


@pytest.mark.usefixtures("key")
def test_a_page_instead_of_an_archive_is_told_from_one(stub: KaggleStub, workspace: Workspace, capfd: Any) -> None:
    stub.body = b"<!DOCTYPE html><html>You must accept this competition's rules</html>"
    message = refuse(InputError, workspace, capfd)
    assert "accept the competition rules" in message and SOURCE in message


@pytest.mark.usefixtures("key")
def test_half_an_archive_is_not_unpacked(stub: KaggleStub, workspace: Workspace, capfd: Any) -> None:
    stub.body = stub.body[:-200]
    assert "damaged or cut off" in refuse(InputError, workspace, capfd)


@pytest.mark.usefixtures("key")
def test_a_download_is_unpacked_by_our_rules_not_by_those_of_opendatasets(stub: KaggleStub, workspace: Workspace, capfd: Any) -> None:
    stub.body = competition_zip({"../evil.txt": b"x"})
    assert "../evil.txt" in refuse(RefusedError, workspace, capfd)


@pytest.mark.usefixtures("key")
def test_an_unencrypted_address_elsewhere_is_not_followed(stub: KaggleStub, workspace: Workspace, capfd: Any) -> None:
    stub.redirect = "http://storage.example/archive.zip"
    assert "not encrypted" in refuse(EnvironmentFault, workspace, capfd)


@pytest.mark.usefixtures("key")
def test_a_full_disk_is_noticed_before_the_download(
    stub: KaggleStub, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    from shutil import _ntuple_diskusage as usage  # type: ignore[attr-defined]

    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10, 5, 5))
    assert f"{len(stub.body):,} bytes are needed and 5 are free" in refuse(EnvironmentFault, workspace, capfd)


@pytest.mark.usefixtures("key")
def test_a_second_call_asks_nobody(stub: KaggleStub, workspace: Workspace) -> None:
    get_raw_files(SOURCE, workspace)
    asked, before = len(stub.authorizations), snapshot(workspace.root)
    get_raw_files(f"https://www.kaggle.com/competitions/{SLUG}/data", workspace)
    assert len(stub.authorizations) == asked and snapshot(workspace.root) == before


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(("module", "package"), [("six", "six"), ("cgi", "legacy-cgi")])
def test_a_missing_package_is_named(module: str, package: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    for name in list(sys.modules):
        if name.split(".")[0] in ("kaggle", "opendatasets"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    message = refuse(EnvironmentFault, workspace, capfd)
    assert f"package {package} is missing" in message and "requirements.txt" in message


def test_progress_sees_the_download(stub: KaggleStub, workspace: Workspace, key: None) -> None:
    labels = []

    def progress(items: Any, total: int | None = None, label: str = "", unit: str = "it") -> Any:
        labels.append((label, total, unit))
        return items

    get_raw_files(SOURCE, workspace, progress=progress)
    assert (f"downloading {SLUG}.zip", 1, "MiB") in labels


# As its own process: nothing of the client is loaded or patched beforehand


def run_alone(tmp_path: Path, stub_url: str, **environment: str) -> subprocess.CompletedProcess[str]:
    program = (
        "import sys; from pathlib import Path; from core.data.raw_files import get_raw_files; from core.workspace import Workspace\n"
        "from core.errors import CommandError\n"
        f"try: print(get_raw_files({SOURCE!r}, Workspace(Path(sys.argv[1]))).name)\n"
        "except CommandError as e: print(e, file=sys.stderr); sys.exit(e.exit_code)\n"
    )
    proxies = {"KAGGLE_API_ENVIRONMENT": "LOCALHOST", "HTTP_PROXY": stub_url, "http_proxy": stub_url, "NO_PROXY": "", "no_proxy": ""}
    base = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "ws")],
        check=False, env={**base, **proxies, **environment}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, cwd=tmp_path / "cwd",
    )  # fmt: skip


def test_in_a_fresh_process_a_token_is_enough(tmp_path: Path) -> None:
    with KaggleStub(competition_zip()) as stub:
        done = run_alone(tmp_path, stub.url, KAGGLE_API_TOKEN=CANARY)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{SLUG}\n", "")
        assert set(stub.authorizations) == {f"Bearer {CANARY}"} and TOKEN_USER
    assert (tmp_path / "ws/dataset/data/train_answers.csv").is_file()
    assert not list((tmp_path / "home").iterdir())


def test_in_a_fresh_process_a_refusal_is_one_line(tmp_path: Path) -> None:
    write_private(tmp_path / "cwd/kaggle.json", kaggle_json())
    with KaggleStub(status=403) as stub:
        done = run_alone(tmp_path, stub.url)
    assert done.returncode == 3 and done.stdout == "" and done.stderr.count("\n") == 1
    assert "accept the competition's rules" in done.stderr and CANARY not in done.stderr


def test_the_default_competition_is_the_ancestor_s() -> None:
    assert DEFAULT_COMPETITION == "ml-intensive-yandex-academy-spring-2024"
