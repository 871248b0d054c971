"""Where the Kaggle client finds its key, and keeping that key out of every message."""

import json
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import EnvironmentFault, printable
from core.files import translate_os_error
from core.workspace import Workspace

_KEY_LIKE = re.compile(r"(?i)\b(?:(?:basic|bearer)\s+\S+|KGAT_\w+|[0-9a-f]{32,})")
_ADVICE = "make one at https://www.kaggle.com/settings/api and save it as ~/.kaggle/kaggle.json (chmod 600)"


@dataclass(frozen=True)
class Credentials:
    """What the client will use.

    Attributes:
        place: how messages call it.
        config_dir: the folder whose kaggle.json the client has to read; None for the other kinds.
        secrets: the texts that must appear nowhere.
    """

    place: str
    config_dir: Path | None
    secrets: tuple[str, ...] = field(repr=False)

    def scrub(self, text: object) -> str:
        """A text for a one-line message: without the secrets, or anything that looks like one."""
        plain = str(text)
        for secret in self.secrets:
            plain = plain.replace(secret, "***")
        return printable(_KEY_LIKE.sub("***", plain))


def find_credentials(workspace: Workspace) -> Credentials:
    """The first credentials in the order in which the client looks, and after them kaggle.json in more folders than it knows.

    Raises:
        EnvironmentFault: there are none (the places searched are named), others can read them, or the file is damaged.
    """
    token = os.environ.get("KAGGLE_API_TOKEN")
    if token and Path(token).is_file():
        return _from_token_file(Path(token))
    if token:
        return Credentials("KAGGLE_API_TOKEN", None, (token,))
    home = Path(os.path.expanduser("~/.kaggle"))
    for path in (home / "access_token", home / "access_token.txt"):
        if path.is_file():
            return _from_token_file(path)
    if os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY"):
        return Credentials("KAGGLE_USERNAME and KAGGLE_KEY", None, (os.environ["KAGGLE_KEY"],))
    folders = _folders(workspace, home)
    for folder in folders:
        if (folder / "kaggle.json").is_file():
            return Credentials(str(folder / "kaggle.json"), folder.absolute(), _secrets(folder / "kaggle.json", ("username", "key"))[1:])
    oauth = home / "credentials.json"
    if oauth.is_file():
        return Credentials(str(oauth), None, _secrets(oauth, ("refresh_token",)))
    searched = ["KAGGLE_API_TOKEN", f"{home / 'access_token'}", "KAGGLE_USERNAME with KAGGLE_KEY"]
    searched += [str(folder / "kaggle.json") for folder in folders] + [str(oauth)]
    raise EnvironmentFault(f"no Kaggle credentials; searched: {', '.join(map(printable, searched))}; {_ADVICE}")


def _folders(workspace: Workspace, home: Path) -> list[Path]:
    config = Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"))
    named = [Path(folder) for folder in (os.environ.get("KAGGLE_CONFIG_DIR"),) if folder]
    return list(dict.fromkeys([*named, Path(), workspace.root, home, config / "kaggle"]))


def _from_token_file(path: Path) -> Credentials:
    text = _read_private(path).strip()
    if not text:
        raise EnvironmentFault(f"{path}: is empty; {_ADVICE}")
    return Credentials(str(path), None, (text,))


def _secrets(path: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    text = _read_private(path)
    try:
        values: Any = json.loads(text)
        found = tuple(values[name] for name in names)
    except (ValueError, KeyError, TypeError, RecursionError):
        found = ()
    if not found or not all(isinstance(value, str) and value for value in found):
        raise EnvironmentFault(f"{path}: holds no {' and '.join(names)}; {_ADVICE}")
    return (*found, *(values[name] for name in ("access_token",) if isinstance(values.get(name), str) and values[name]))


def _read_private(path: Path) -> str:
    try:
        if os.name != "nt" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise EnvironmentFault(f"{path}: other users can read the key; run: chmod 600 {path}")
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise translate_os_error(error, path) from error
