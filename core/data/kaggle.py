"""A competition's archive from Kaggle, by opendatasets and the Kaggle client beneath it.

`opendatasets.download` does the work, with two of its parts replaced while it runs: its own reading of credentials (it
knows only ./kaggle.json, copies the key into the environment and else asks on the terminal), so that the client's own chain
decides; and its unpacking (it trusts the archive and deletes it), so that `core.data.unpacking` does that. Of the client the
download of a file is wrapped (fixed name, bounded retries, space checked first).
"""

import contextlib
import importlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from core.data.kaggle_client import MAX_RETRIES, TIMEOUT_S, not_accepted, prepared_api, replaced, translate
from core.data.kaggle_credentials import Credentials, find_credentials
from core.errors import CommandError, EnvironmentFault
from core.files import check_space
from core.progress import Progress, silent
from core.workspace import Workspace

DEFAULT_COMPETITION = "ml-intensive-yandex-academy-spring-2024"


def download(slug: str, workspace: Workspace, folder: Path, progress: Progress = silent) -> Path:
    """Downloads a competition's files as one archive.

    Args:
        slug: the competition's name in its address.
        workspace: one of the places where kaggle.json may lie.
        folder: an existing folder for the archive and temporary files.
        progress: wraps the iteration over the downloaded pieces.

    Returns:
        The archive's path. What it holds has not been looked at.

    Raises:
        EnvironmentFault: no or wrong credentials, rules not accepted, no network, no space, a package is missing.
        InputError: no such competition.
    """
    credentials = find_credentials(workspace)
    archive = folder / f"{slug}.zip"
    try:
        with contextlib.redirect_stdout(io.StringIO()), _prepared_client(credentials, archive, progress) as opendatasets:
            opendatasets.download(f"https://www.kaggle.com/competitions/{slug}", data_dir=str(folder))
    except CommandError:
        raise
    except SystemExit as end:
        if end.code != 1:
            raise
        # the client's way to say so; `from None` because a text of the client could hold the key
        raise not_accepted(credentials) from None
    except Exception as error:
        raise translate(error, slug, credentials) from None
    if not archive.is_file():
        raise EnvironmentFault(
            f"kaggle: the client delivered no archive for {slug}; pip install -r requirements.txt for the tested versions"
        )
    return archive


@contextlib.contextmanager
def _prepared_client(credentials: Credentials, archive: Path, progress: Progress) -> Iterator[Any]:
    """Yields opendatasets, ready to download to `archive`."""
    with prepared_api(credentials, archive.parent) as api, contextlib.ExitStack() as stack:
        stack.enter_context(replaced(api, "download_file", _saving_to(archive, api.download_file, progress)))
        internals: Any = importlib.import_module("opendatasets.utils.kaggle_api")
        stack.enter_context(replaced(internals, "read_kaggle_creds", lambda: True))
        stack.enter_context(replaced(internals, "extract_archive", lambda *_: None))
        yield importlib.import_module("opendatasets")


def _saving_to(archive: Path, download_file: Callable[..., Any], progress: Progress) -> Callable[..., Any]:
    """The client's download of a file with a name of our choice: it takes the suffix from the server's address."""

    def save(response: Any, _: str, http_client: Any, *__: Any) -> None:
        size = int(response.headers.get("Content-Length") or 0)
        check_space(archive.parent, size)
        pieces = response.iter_content

        def shown_pieces(length: int) -> Any:
            return progress(pieces(length), total=-(-size // length) or None, label=f"downloading {archive.name}", unit="MiB")

        response.iter_content = shown_pieces
        download_file(response, str(archive), http_client, quiet=True, resume=False, max_retries=MAX_RETRIES, timeout=TIMEOUT_S)

    return save
