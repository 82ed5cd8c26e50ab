"""``make evidence``: it compares to eight digits, goes on after an interruption, and the pages say the day."""

import pytest

from bookkit.chapters import parse_chapter
from bookkit.execute import execute_chapters
from p2pbook.replications import evidence, recomputed, store
from p2prisk.errors import DataError

SOURCE = "lendingclub-2007-2011"


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Three stored results, what computing each gives, and a list of what was computed."""
    made = {
        name: {
            "name": name,
            "descriptive": "three made-up numbers",
            "input": {"rows": 3},
            "facts": {"area": 0.5 + i},
            "tables": {"t": {"columns": ["x"], "rows": [[1.0], [2.0]]}},
        }
        for i, name in enumerate(("first", "second", "third"))
    }
    for name, document in made.items():
        (tmp_path / f"{name}.json").write_text(store.dump(document), encoding="utf-8")
    computed = []

    def replicate(name):
        computed.append(name)
        if isinstance(made[name], BaseException):
            raise made[name]
        return made[name]

    monkeypatch.setattr(store, "directory", lambda: tmp_path)
    monkeypatch.setattr(store, "recomputations_path", lambda: tmp_path / "recomputed.json")
    monkeypatch.setattr(evidence, "STUDIES", {name: (SOURCE, None) for name in made})
    monkeypatch.setattr(evidence, "replicate", replicate)
    monkeypatch.setattr(evidence, "obtain", lambda name, say: None)
    monkeypatch.delenv("BOOKKIT_REFERENCE", raising=False)
    return made, computed


def test_every_result_is_compared_and_shown(results, capsys):
    assert evidence.main([]) == 0
    told = capsys.readouterr().out
    assert results[1] == ["first", "second", "third"] and "2 of 3, second ..." in told
    assert [line.split()[0] for line in told.splitlines()[-3:]] == ["first", "second", "third"]
    assert told.count(" equal ") == 3 and recomputed("second")


def test_an_interrupted_run_goes_on_where_it_was(results, capsys):
    made, computed = results
    whole, made["second"] = made["second"], KeyboardInterrupt()
    assert evidence.main([]) == 130 and "interrupted after 1 of 3" in capsys.readouterr().out
    made["second"] = whole
    assert evidence.main([]) == 0 and computed == ["first", "second", "second", "third"]
    assert "1 of 3, first: compared on" in capsys.readouterr().out
    assert evidence.main([]) == 0 and len(computed) == 4
    assert evidence.main(["--anew", "first"]) == 0 and computed[4:] == ["first"]


def test_a_change_in_the_eighth_digit_is_told_and_leaves_no_day(results, capsys):
    made, _ = results
    made["second"]["facts"] = {"area": 1.5 + 4e-8}
    assert evidence.main([]) == 1
    told = capsys.readouterr().out
    assert "differs at /facts/area" in told and "DIFFERS" in told and "3e-08" in told
    assert recomputed("first") and not recomputed("second")
    made["second"]["facts"] = {"area": "other"}
    assert evidence.main(["--anew", "second"]) == 1 and "other text" in capsys.readouterr().out
    assert not recomputed("second")


@pytest.mark.parametrize("change", ["stored", "code", "versions"])
def test_a_result_is_computed_again_when_what_it_rests_on_changes(results, monkeypatch, change, tmp_path):
    made, computed = results
    assert evidence.main(["first"]) == 0
    if change == "stored":
        made["first"]["facts"]["new"] = 1
        (tmp_path / "first.json").write_text(store.dump(made["first"]), encoding="utf-8")
        assert not recomputed("first")
    elif change == "code":
        monkeypatch.setattr(evidence, "_code", lambda: "other")
    else:
        monkeypatch.setattr(store, "versions", lambda: {"python": "9.9"})
    assert evidence.main(["first"]) == 0 and computed == ["first", "first"]


def test_a_file_that_cannot_be_had_is_told_and_the_rest_is_done(results, monkeypatch, capsys):
    def obtain(name, say):
        if name == "prosper-closed":
            raise DataError("download it by other means")

    monkeypatch.setattr(evidence, "obtain", obtain)
    monkeypatch.setitem(evidence.STUDIES, "third", ("prosper", None))
    assert evidence.main([]) == 2 and results[1] == ["first", "second"]
    told = capsys.readouterr().out
    assert "no file" in told and "download it by other means" in told
    with pytest.raises(SystemExit):
        evidence.main(["nonsense"])


def test_the_day_is_no_part_of_a_reference(results, monkeypatch, tmp_path):
    evidence.main(["first"])
    assert len(recomputed("first")) == 10
    monkeypatch.setenv("BOOKKIT_REFERENCE", "1")
    assert recomputed("first") == ""
    monkeypatch.delenv("BOOKKIT_REFERENCE")
    chapter = parse_chapter(
        "# A\n\nIt says `{python} __import__('os').environ.get('BOOKKIT_REFERENCE', 'a page')`.\n", "a.qmd"
    )
    page, reference = (
        execute_chapters([chapter], tmp_path, printed=printed)[chapter.path] for printed in (False, True)
    )
    assert "a page" in str(page["inlines"]) and "'1\\n'" in str(reference["inlines"])
