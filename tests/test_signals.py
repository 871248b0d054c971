"""scripts.signals: the first signal is noted, the second ends at once, an ignored one stays ignored."""

import contextlib
import signal
from collections.abc import Iterator

import pytest

from scripts.signals import TerminationAsException, signals_noted

NUMBERS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def handlers_restored() -> Iterator[None]:
    before = [(number, signal.getsignal(number)) for number in NUMBERS]
    yield
    for number, handler in before:
        signal.signal(number, handler)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_first_is_noted_and_further_ones_after_the_block_are_ignored(number: signal.Signals, capfd: pytest.CaptureFixture[str]) -> None:
    noted: list[int] = []
    with signals_noted(noted.append):
        signal.raise_signal(number)
        assert noted == [number]
    signal.raise_signal(number)
    assert noted == [number] and number.name in capfd.readouterr().err


@pytest.mark.parametrize("number", NUMBERS)
def test_a_second_one_ends_at_once(number: signal.Signals, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end, signals_noted(lambda _: None):
        signal.raise_signal(number)
        signal.raise_signal(number)
    assert end.value.code == 128 + number
    assert capfd.readouterr().err.splitlines()[-1] == f"error: stopped by {number.name}"


def test_without_a_signal_the_handlers_are_those_of_before() -> None:
    before = [signal.getsignal(number) for number in NUMBERS]
    with signals_noted(lambda _: None):
        assert [signal.getsignal(number) for number in NUMBERS] != before
    assert [signal.getsignal(number) for number in NUMBERS] == before


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    """As for a script's background job: Ctrl-C is not meant for it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with signals_noted(lambda _: pytest.fail("heeded")):
        signal.raise_signal(signal.SIGINT)


def test_termination_is_an_exception_inside_the_block() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as end, TerminationAsException():
        signal.raise_signal(signal.SIGTERM)
    assert end.value.code == 143 and signal.getsignal(signal.SIGTERM) is before


def test_a_signal_that_an_import_swallowed_is_heeded_before_the_work_begins():
    with pytest.raises(SystemExit) as end, TerminationAsException():
        with contextlib.suppress(BaseException):
            signal.raise_signal(signal.SIGTERM)
        with signals_noted(lambda number: None):
            pytest.fail("the work began")
    assert end.value.code == 143
    with TerminationAsException(), signals_noted(lambda number: None):
        pass
