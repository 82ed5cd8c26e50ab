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
        word = f"{left:.0f} s" if left < 90 else f"{left / 60:.0f} min"
        return f"{done:,d} of {self.total:,d} loans scored, {word} left"

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
