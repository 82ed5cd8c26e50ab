"""The wheel takes the small tables of the repository along: ``data/`` becomes ``p2prisk/data``."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

DATA = Path(__file__).parent / "data"


class WithTables(build_py):
    """Builds the packages, and copies the tables beside the one that reads them."""

    def run(self):
        super().run()
        if self.editable_mode:  # the repository's own folder is read
            return
        for path in sorted(DATA.rglob("*")):
            if path.suffix in (".csv", ".json") or path.name == "README.md":
                target = Path(self.build_lib) / "p2prisk" / "data" / path.relative_to(DATA)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)


setup(cmdclass={"build_py": WithTables})
