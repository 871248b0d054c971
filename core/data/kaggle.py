"""A competition's archive from Kaggle, by opendatasets and the Kaggle client beneath it.

`opendatasets.download` does the work, with two of its parts replaced while it runs: its own reading of credentials (it
knows only ./kaggle.json, copies the key into the environment and else asks on the terminal), so that the client's own chain
decides; and its unpacking (it trusts the archive and deletes it), so that `core.data.unpacking` does that. Of the client the
download of a file is wrapped (fixed name, bounded retries, space checked first), and its requests get a time limit, which
it does not set. `import kaggle` reads credentials and may go to the network, so it is imported as late as possible.
"""

import contextlib
import importlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.data.kaggle_credentials import Credentials, find_credentials
from core.errors import CommandError, EnvironmentFault, InputError
from core.files import check_space, translate_os_error
from core.progress import Progress, silent
from core.workspace import Workspace

DEFAULT_COMPETITION = "ml-intensive-yandex-academy-spring-2024"
TIMEOUT_S = (15, 30)
MAX_RETRIES = 2
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


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
        raise _not_accepted(credentials) from None
    except Exception as error:
        raise _translate(error, slug, credentials) from None
    if not archive.is_file():
        raise EnvironmentFault(
            f"kaggle: the client delivered no archive for {slug}; pip install -r requirements.txt for the tested versions"
        )
    return archive


@contextlib.contextmanager
def _prepared_client(credentials: Credentials, archive: Path, progress: Progress) -> Iterator[Any]:
    """Yields opendatasets, ready to download to `archive`."""
    # an existing folder without kaggle.json: else the client makes ~/.kaggle, or falls back to credentials not chosen
    config_dir = str(credentials.config_dir or archive.parent.absolute())
    with contextlib.ExitStack() as stack:
        stack.enter_context(_environment("KAGGLE_CONFIG_DIR", config_dir))
        adapter: Any = importlib.import_module("requests.adapters").HTTPAdapter
        stack.enter_context(_replaced(adapter, "send", _bounded(adapter.send, stack)))
        api: Any = importlib.import_module("kaggle").api
        stack.enter_context(_replaced(api, "config_dir", config_dir))
        stack.enter_context(_replaced(api, "config", os.path.join(config_dir, api.config_file)))
        stack.enter_context(_replaced(api, "download_file", _saving_to(archive, api.download_file, progress)))
        internals: Any = importlib.import_module("opendatasets.utils.kaggle_api")
        stack.enter_context(_replaced(internals, "read_kaggle_creds", lambda: True))
        stack.enter_context(_replaced(internals, "extract_archive", lambda *_: None))
        yield importlib.import_module("opendatasets")


def _bounded(send: Callable[..., Any], stack: contextlib.ExitStack) -> Callable[..., Any]:
    """Gives every request a time limit, refuses one that is not encrypted (also after a redirection), and closes all at the end."""

    def bounded_send(self: Any, request: Any, stream: bool = False, timeout: Any = None, **more: Any) -> Any:
        address = urlsplit(request.url)
        if address.scheme != "https" and address.hostname not in _LOOPBACK:
            raise EnvironmentFault(f"kaggle: refused to go on to {address.scheme}://{address.hostname}, which is not encrypted")
        return stack.enter_context(contextlib.closing(send(self, request, stream=stream, timeout=timeout or TIMEOUT_S, **more)))

    return bounded_send


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


@contextlib.contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    had, old = name in vars(owner), vars(owner).get(name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if had:
            setattr(owner, name, old)
        else:
            delattr(owner, name)


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    old = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if old is None:
            del os.environ[name]
        else:
            os.environ[name] = old


def _translate(error: Exception, slug: str, credentials: Credentials) -> CommandError:
    """One line for whatever the client raised."""
    if isinstance(error, ImportError):
        package = {"cgi": "legacy-cgi"}.get(error.name or "", error.name or "kaggle")
        return EnvironmentFault(f"kaggle: the package {package} is missing: pip install -r requirements.txt")
    kinds: Any = importlib.import_module("requests.exceptions")
    if isinstance(error, kinds.HTTPError):
        return _translate_status(error, slug, credentials)
    if isinstance(error, (kinds.ConnectionError, kinds.Timeout)):
        return EnvironmentFault(f"cannot reach kaggle ({type(error).__name__}): check the network and run again; nothing was changed")
    if isinstance(error, kinds.ChunkedEncodingError) or "does not match expected size" in str(error):
        return EnvironmentFault(f"the download of kaggle:{slug} broke off: run again; nothing was changed")
    if isinstance(error, OSError) and error.errno:
        return translate_os_error(error)
    return EnvironmentFault(f"the Kaggle client failed ({type(error).__name__}: {credentials.scrub(error)[:200]}); run again later")


def _translate_status(error: Any, slug: str, credentials: Credentials) -> CommandError:
    status = error.response.status_code if error.response is not None else 0
    if status == 401:
        return _not_accepted(credentials)
    if status == 403:
        return EnvironmentFault(f"kaggle refuses {slug} (403): accept the competition's rules at https://www.kaggle.com/c/{slug}/rules")
    if status == 404:
        return InputError(f"kaggle:{slug}: kaggle has no competition of this name (404)")
    return EnvironmentFault(
        f"kaggle answers {status or 'with an error'} to the request for {slug}: {credentials.scrub(error)[:200]}; run again later"
    )


def _not_accepted(credentials: Credentials) -> EnvironmentFault:
    return EnvironmentFault(
        f"kaggle does not accept the credentials from {credentials.place}: make a new key at https://www.kaggle.com/settings/api"
    )
