"""What comes in a moment that must not be interrupted is heard afterwards."""

import signal
import threading

import pytest

from lab.runtime.interrupts import undisturbed


def test_an_interrupt_is_raised_after_the_moment() -> None:
    done: list[str] = []

    def moment() -> None:
        with undisturbed():
            signal.raise_signal(signal.SIGINT)
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        moment()
    assert done == ["all of it"]


def test_handlers_are_those_from_before() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        with undisturbed():
            signal.raise_signal(signal.SIGTERM)
            assert heard == []
        assert heard == [signal.SIGTERM]
        signal.raise_signal(signal.SIGTERM)
        assert len(heard) == 2
    finally:
        signal.signal(signal.SIGTERM, before)


def test_other_threads_are_let_alone() -> None:
    ran: list[bool] = []

    def moment() -> None:
        with undisturbed():
            ran.append(True)

    thread = threading.Thread(target=moment)
    thread.start()
    thread.join()
    assert ran == [True]
