"""What builds and checks the book: preview renderer, notebooks, chapter linter."""
