"""What a killed run left in the temporary folder goes with the next run; the folders of living ones are left alone."""

import os
import signal
import subprocess
import sys
import tempfile

import pytest

from bookkit.folders import temporary_folder

pytestmark = pytest.mark.skipif(os.name != "posix", reason="folders are locked as on POSIX")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield tmp_path
    tempfile.tempdir = None


def start():
    script = "from bookkit.folders import temporary_folder as t\nwith t() as f: print(f, flush=True); input()"
    words = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", script], env=os.environ, **words)
    return process, process.stdout.readline().strip()


def test_the_folder_of_a_killed_run_goes_with_the_next_and_that_of_a_living_one_stays(place):
    dead, left = start()
    dead.send_signal(signal.SIGKILL)
    dead.wait()
    alive, kept = start()
    assert not os.path.exists(left) and os.path.exists(kept)
    with temporary_folder() as mine:
        assert mine.stat().st_mode & 0o777 == 0o700 and os.path.exists(kept)
    alive.communicate("\n", timeout=20)
    assert list(place.iterdir()) == []


def test_a_planted_link_is_not_followed(place):
    other = place / "other"
    other.mkdir()
    (other / "file").write_text("x")
    (place / "bookkit-run-link").symlink_to(other)
    with temporary_folder():
        pass
    assert (other / "file").exists()


def test_what_runs_chapters_keeps_all_in_it(place, monkeypatch):
    """The kernel's connection file with its key, its profile: nothing beside our folder."""
    from pathlib import Path

    from bookkit.chapters import read_chapter
    from bookkit.execute import execute_chapters

    (place / "project").mkdir()
    path = place / "project" / "one.qmd"
    path.write_text(
        "# One\n\n```{python}\nimport os\nfound = sorted(os.listdir(os.environ['TMPDIR']))\nprint(found)\n```\n"
    )
    chapter = read_chapter(Path("one.qmd"), place / "project")
    (result,) = execute_chapters([chapter], place / "project").values()
    printed = result["cells"][0][0]["text"]
    assert "project" in printed and printed.count("',") == 1 and "bookkit-run-" in printed, printed
