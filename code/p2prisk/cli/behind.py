"""Writing behind: one piece is written while the next is read and computed."""

import threading


class Behind:
    """Two cores, the same bytes in the same order; a context manager.

    Parameters
    ----------
    write : callable
        Takes a piece; what it raises comes out of the next call, or at the end.
    """

    def __init__(self, write):
        self.write, self.error, self.thread = write, None, None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if self.thread is not None:
            self.thread.join()
        if self.error is not None and kind is None:
            raise self.error

    def take(self, piece):
        """Begin to write a piece when the one before is written."""
        self.__exit__(None, None, None)
        self.thread = threading.Thread(target=self._run, args=(piece,), daemon=True)
        self.thread.start()

    def _run(self, piece):
        try:
            self.write(piece)
        except BaseException as error:  # raised where the next piece is taken
            self.error = error
