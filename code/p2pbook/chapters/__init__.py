"""One module a chapter: ``compute()`` returns the numbers and tables of the chapter in a frozen dataclass."""
