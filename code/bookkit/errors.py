"""Errors of the book's tools: each says where (file and line) and what to do."""


class BookError(Exception):
    """A fault in the book, with its place.

    Parameters
    ----------
    message : str
        What is wrong and what to do.
    path : str or pathlib.Path, optional
        The file, relative to the project.
    line : int, optional
        The line in that file, counted from 1.
    """

    def __init__(self, message, path=None, line=None):
        self.message, self.path, self.line = message, path, line
        place = f"{path}:{line}: " if path and line else f"{path}: " if path else ""
        super().__init__(place + message)


class BookErrors(Exception):
    """Several faults at once, so that one run shows them all."""

    def __init__(self, errors):
        self.errors = list(errors)
        super().__init__("\n".join(str(error) for error in self.errors))
