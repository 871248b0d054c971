"""The Kaggle client, made ready for a command: the credentials chosen, every request bounded, whatever it raises in one line.

`import kaggle` reads credentials and may go to the network, so it is imported as late as possible.
"""

import contextlib
import importlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.data.kaggle_credentials import Credentials
from core.errors import CommandError, EnvironmentFault, InputError
from core.files import translate_os_error

TIMEOUT_S = (15, 30)
MAX_RETRIES = 2
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@contextlib.contextmanager
def prepared_api(credentials: Credentials, empty_folder: Path) -> Iterator[Any]:
    """Yields the client's `api`, which has not authenticated yet, or did with what it found when it was imported.

    Args:
        empty_folder: an existing folder without kaggle.json, for credentials that are in no such file: else the client makes
            ~/.kaggle, or falls back to credentials that were not chosen.
    """
    config_dir = str(credentials.config_dir or empty_folder.absolute())
    with contextlib.ExitStack() as stack:
        stack.enter_context(_environment("KAGGLE_CONFIG_DIR", config_dir))
        adapter: Any = importlib.import_module("requests.adapters").HTTPAdapter
        stack.enter_context(replaced(adapter, "send", _bounded(adapter.send, stack)))
        api: Any = importlib.import_module("kaggle").api
        stack.enter_context(replaced(api, "config_dir", config_dir))
        stack.enter_context(replaced(api, "config", os.path.join(config_dir, api.config_file)))
        yield api


def _bounded(send: Callable[..., Any], stack: contextlib.ExitStack) -> Callable[..., Any]:
    """Gives every request a time limit, refuses one that is not encrypted (also after a redirection), and closes all at the end."""

    def bounded_send(self: Any, request: Any, stream: bool = False, timeout: Any = None, **more: Any) -> Any:
        address = urlsplit(request.url)
        if address.scheme != "https" and address.hostname not in _LOOPBACK:
            raise EnvironmentFault(f"kaggle: refused to go on to {address.scheme}://{address.hostname}, which is not encrypted")
        if self.max_retries.total and self.max_retries.total > MAX_RETRIES:  # an upload has ten, which take minutes
            self.max_retries = self.max_retries.new(total=MAX_RETRIES)
        return stack.enter_context(contextlib.closing(send(self, request, stream=stream, timeout=timeout or TIMEOUT_S, **more)))

    return bounded_send


@contextlib.contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """An attribute with another value while the block lasts."""
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


def translate(error: Exception, slug: str, credentials: Credentials) -> CommandError:
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
        return not_accepted(credentials)
    if status == 403:
        return EnvironmentFault(f"kaggle refuses {slug} (403): accept the competition's rules at https://www.kaggle.com/c/{slug}/rules")
    if status == 404:
        return InputError(f"kaggle:{slug}: kaggle has no competition of this name (404)")
    return EnvironmentFault(
        f"kaggle answers {status or 'with an error'} to the request for {slug}: {credentials.scrub(error)[:200]}; run again later"
    )


def not_accepted(credentials: Credentials) -> EnvironmentFault:
    """What to say where Kaggle does not take the credentials."""
    return EnvironmentFault(
        f"kaggle does not accept the credentials from {credentials.place}: make a new key at https://www.kaggle.com/settings/api"
    )
