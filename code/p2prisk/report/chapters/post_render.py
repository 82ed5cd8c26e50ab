"""Quarto's post-render step: no page loads anything from another host, by removal and by a policy; PDFs are packed."""

import os

from bookkit.remote import strip_folder

if __name__ == "__main__":
    for path in strip_folder(os.environ.get("QUARTO_PROJECT_OUTPUT_DIR", "_book")):
        print(f"loads nothing from other hosts: {path}")
