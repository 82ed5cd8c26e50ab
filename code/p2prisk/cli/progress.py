"""How far a command is, on a terminal with the time left; line by line where nobody watches."""

from __future__ import annotations

import sys
import time


class Progress:
    """Tells of loans done.

    Parameters
    ----------
    total : int, optional
        Loans of the file, where they are known.
    stream : text stream, optional
        Standard error.
    clock : callable, optional
        Seconds.

    Examples
    --------
    >>> import io
    >>> seconds = iter([0.0, 10.0])
    >>> told = Progress(4000, io.StringIO(), lambda: next(seconds))
    >>> told.line(1000)
    '1,000 of 4,000 loans scored, 30 s left'
    """

    def __init__(self, total=None, stream=None, clock=time.monotonic):
        self.total, self.stream, self.clock = total, stream or sys.stderr, clock
        self.begun, self.live = clock(), self.stream.isatty()

    def line(self, done):
        """What is said when `done` loans are done."""
        if not self.total or done >= self.total:
            return f"{done:,d} loans scored"
        left = (self.clock() - self.begun) * (self.total - done) / done
        return f"{done:,d} of {self.total:,d} loans scored, {_time(left)} left"

    def show(self, done):
        """Say it: over the last line on a terminal, else without the time, which only a watcher needs."""
        if self.live:
            print(f"\r\x1b[K{self.line(done)}", end="", file=self.stream, flush=True)
        else:
            print(f"{done:,d} loans scored", file=self.stream, flush=True)

    def close(self):
        """End the line; what is said next begins its own."""
        if self.live:
            print(file=self.stream, flush=True)


#: steps of reading and checking a tape, as they are named, and what each takes of the time (measured on a million rows)
READING = {"lines": ("counting lines", 0.15), "cells": ("reading", 0.4), "columns": ("converting", 0.25)}
CHECK = READING | {"checks": ("checking", 0.2)}
FIT = READING | {"sample": ("choosing loans", 0.15), "checks": ("checking", 0.05)}


class Steps:
    """Tells how far the reading and checking of a tape is: on a terminal, over one line that is gone at the end.

    A context manager. A short run says nothing.

    Parameters
    ----------
    steps : dict
        Step -> its name and its share of the time, in order: :data:`CHECK` or :data:`FIT`.
    stream, clock
        As of :class:`Progress`.

    Examples
    --------
    >>> seconds = iter([0.0, 10.0])
    >>> Steps(CHECK, clock=lambda: next(seconds)).line("cells", 0.25)
    'reading: 25 % of all done, 30 s left'
    """

    def __init__(self, steps, stream=None, clock=time.monotonic):
        self.steps, self.stream, self.clock = steps, stream or sys.stderr, clock
        self.begun, self.said = clock(), 0.0

    def __enter__(self):
        from p2prisk.tape.watch import listen

        if self.stream.isatty():
            listen(self.hear)
        return self

    def __exit__(self, kind, error, trace):
        from p2prisk.tape.watch import listen

        listen(None)
        if self.said:
            print("\r\x1b[K", end="", file=self.stream, flush=True)

    def line(self, step, part):
        """What is said when a part of a step is done."""
        name, share = self.steps[step]
        names = list(self.steps)
        done = sum(self.steps[other][1] for other in names[: names.index(step)]) + share * part
        left = (self.clock() - self.begun) * (1 - done) / max(done, 0.01)
        return f"{name}: {done:.0%} of all done, {_time(left)} left".replace("%", " %")

    def hear(self, step, part):
        """Say it, five times a second and not in the first second."""
        now = self.clock()
        if step in self.steps and now - self.begun > 1 and now - self.said > 0.2:
            self.said = now
            print(f"\r\x1b[K{self.line(step, part)}", end="", file=self.stream, flush=True)


def _time(seconds):
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
