"""One module a command of ``bookkit``."""
