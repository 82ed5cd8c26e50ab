"""Which renderer: Quarto on PATH, else one bounded try, else the preview; forced and missing is an error."""

import stat
from pathlib import Path

import pytest

from bookkit import choice


def fake_quarto(folder, version="1.9.38"):
    program = folder / "quarto"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def refuse():
    raise AssertionError("nothing may be installed here")


def test_quarto_on_path_is_used(tmp_path):
    program = fake_quarto(tmp_path)
    made = choice.choose("auto", search=str(tmp_path), install=refuse)
    assert (made.name, made.path) == ("quarto", program)
    assert "1.9.38" in str(made)


def test_preview_when_asked_for_even_with_quarto_there(tmp_path):
    fake_quarto(tmp_path)
    assert choice.choose("preview", search=str(tmp_path), install=refuse).name == "preview"


def test_one_try_then_preview_and_the_failure_is_remembered(tmp_path):
    memory, tries = tmp_path / "memory", []
    for _ in range(2):
        made = choice.choose("auto", search=str(tmp_path), install=lambda: tries.append(1), memory=memory)
        assert made.name == "preview" and "could not be installed" in made.reason
    assert len(tries) == 1


def test_install_that_works_is_used(tmp_path):
    def install():
        fake_quarto(tmp_path)
        return True

    assert choice.choose("auto", search=str(tmp_path), install=install, memory=tmp_path / "m").name == "quarto"


def test_forced_and_missing_names_the_remedy(tmp_path):
    with pytest.raises(choice.ChoiceError, match="RENDERER=preview"):
        choice.choose("quarto", search=str(tmp_path), install=lambda: False, memory=tmp_path / "m")


def test_unknown_renderer_is_refused():
    with pytest.raises(choice.ChoiceError, match="auto, quarto or preview"):
        choice.choose("latex")


def test_broken_quarto_is_an_error_not_a_silent_preview(tmp_path):
    program = fake_quarto(tmp_path)
    program.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(choice.ChoiceError, match="quarto --version"):
        choice.choose("auto", search=str(tmp_path), install=refuse)


def test_a_hanging_install_is_bounded(monkeypatch):
    monkeypatch.setattr(choice, "INSTALL_SECONDS", 0.5)
    monkeypatch.setattr(choice.sys, "executable", "/bin/cat")

    class Hanging:
        pid = None

        def __init__(self, command, **options):
            import subprocess

            self.real = real_popen(["sleep", "30"], stdout=subprocess.DEVNULL, start_new_session=True)
            self.pid = self.real.pid

        def wait(self, timeout=None):
            return self.real.wait(timeout)

    real_popen = choice.subprocess.Popen
    monkeypatch.setattr(choice.subprocess, "Popen", Hanging)
    assert choice._pip_install_quarto() is False


def test_workflow_pins_the_same_quarto():
    workflow = (Path(__file__).resolve().parents[2] / ".github" / "workflows" / "book.yml").read_text(encoding="utf-8")
    assert f'version: "{choice.QUARTO_RELEASE}"' in workflow
