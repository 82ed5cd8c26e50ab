"""Errors of the book's tools: each says where (file and line) and what to do."""


class BookError(Exception):
    """A fault in the book: what is wrong and what to do, the file relative to the project, the line from 1."""

    def __init__(self, message, path=None, line=None):
        self.message, self.path, self.line, self.errors = message, path, line, [self]
        place = f"{path}:{line}: " if path and line else f"{path}: " if path else ""
        super().__init__(place + message)


class BookErrors(BookError):
    """Several faults at once, so that one run shows them all."""

    def __init__(self, errors):
        super().__init__("\n".join(map(str, errors)))
        self.errors = list(errors)
