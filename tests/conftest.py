"""What every test stands on: no network, no credentials, a drawing library without a screen, and small competitions to work with."""

import errno
import functools
import ipaddress
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from core.workspace import Workspace
from tests import factories

if TYPE_CHECKING:
    from matplotlib.figure import Figure

settings.register_profile("local", deadline=None, max_examples=50)
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

os.environ["MPLBACKEND"] = "Agg"  # here and not in a fixture: matplotlib reads it once, when it is imported

_CLOSED_PROXY = "http://127.0.0.1:9"


def _is_here(host: Any) -> bool:
    try:
        return host in (None, "", "localhost", socket.gethostname()) or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cuts tests, and the commands they start, off from everything but this machine, and from its owner's credentials."""
    for name in list(os.environ):
        if name.upper().startswith("KAGGLE") or name.upper() in ("ALL_PROXY", "NO_PROXY"):
            monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, _CLOSED_PROXY)
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1,::1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def connect_here(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not _is_here(address[0]):
            raise OSError(errno.ENETUNREACH, f"tests do not use the network: {address[0]}")
        connect(self, address)

    def look_up_here(host: Any, *rest: Any, **details: Any) -> Any:
        if not _is_here(host):
            raise socket.gaierror(socket.EAI_NONAME, f"tests do not use the network: {host}")
        return look_up(host, *rest, **details)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
    monkeypatch.setattr(socket, "getaddrinfo", look_up_here)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace of the test's own, with nothing in it."""
    root = tmp_path / "workspace"
    root.mkdir()
    return Workspace(root)


@pytest.fixture
def tiny_competition(tmp_path: Path) -> Callable[..., factories.TinyCompetition]:
    """Writes a small competition to a folder of the test's own; arguments as `factories.write_competition` takes them."""

    def write(name: str = "competition", **details: Any) -> factories.TinyCompetition:
        return factories.write_competition(tmp_path / name, **details)

    return write


@pytest.fixture(scope="session")
def bad_images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The images of `factories.write_bad_images`, written once: copy them, do not change them."""
    return factories.write_bad_images(tmp_path_factory.mktemp("bad_images"))


@pytest.fixture(scope="session")
def bad_csvs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The label files of `factories.write_bad_csvs` for the default small competition, written once: copy them."""
    folder = tmp_path_factory.mktemp("bad_csvs")
    return factories.write_bad_csvs(folder / "csv", factories.write_competition(folder / "competition"))


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An old and a new archive that differ in number and content; read them, do not change them."""
    folder = tmp_path_factory.mktemp("archives")
    return factories.write_numbered_zip(folder / "old.zip", 5, "old"), factories.write_numbered_zip(folder / "new.zip", 7, "new")


@pytest.fixture
def fresh(tmp_path: Path) -> Workspace:
    """A copy of the tiny competition's workspace, with a dataset and nothing trained."""
    from tests.tiny_competition import copy_workspace, untrained

    return copy_workspace(untrained(), tmp_path / "w")


@pytest.fixture
def finished(tmp_path: Path) -> Workspace:
    """A copy of the tiny competition's workspace with a finished run."""
    from tests.tiny_competition import copy_workspace, trained

    return copy_workspace(trained(), tmp_path / "w")


@pytest.fixture
def quick_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten resamples for the intervals that commands print."""
    from core.metrics import bootstrap
    from scripts import average_figures, held_out

    for module in (held_out, average_figures):
        monkeypatch.setattr(module, "bootstrap", functools.partial(bootstrap, resamples=10))


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> "list[Figure]":
    """The figures that matplotlib saves, as they are saved."""
    from matplotlib.figure import Figure

    seen: list[Figure] = []
    plain = Figure.savefig

    def save(self: Figure, *arguments: Any, **details: Any) -> None:
        seen.append(self)
        plain(self, *arguments, **details)

    monkeypatch.setattr(Figure, "savefig", save)
    return seen
