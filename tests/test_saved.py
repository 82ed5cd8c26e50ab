"""Models and cards as JSON text: one way to write, one set of messages for what cannot be read."""

import json

import pytest

from p2prisk import OrderedLogit, Scorecard, load
from p2prisk.errors import DataError
from p2prisk.ordered import OrderedResults
from p2prisk.saved import checksum, restore, save
from p2prisk.standard import StandardModel


def test_what_is_saved_comes_back_from_text_and_from_a_file(tmp_path):
    plain = {"format": "toy/1", "name": "网信", "values": [0.1, None, 1e-300]}
    file = tmp_path / "toy.json"
    text = save(plain, file)
    again = restore(text, "toy/1", "toy", "save")
    assert again == restore(file, ("toy/0", "toy/1"), "toy", "save") == {**plain, "checksum": checksum(plain)}
    assert "网信" in text and file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("kind", [Scorecard, OrderedResults, StandardModel])
def test_every_reader_says_what_is_wrong_and_what_writes_it(tmp_path, kind):
    absent, broken, other, binary = (tmp_path / name for name in ("absent.json", "broken.json", "other.json", "b.json"))
    broken.write_text("{")
    other.write_text(json.dumps({"format": "elsewhere/3"}))
    binary.write_bytes(b"\xff\xfe\x00")
    for path, message in (
        (absent, "absent.json is not there; .* writes it"),
        (broken, "broken.json is not JSON; .* writes it"),
        (binary, "b.json is not JSON"),
        (other, r"other.json is no .* \(format 'elsewhere/3', not 'p2prisk"),
    ):
        with pytest.raises(DataError, match=message):
            kind.from_json(path)
    other.write_text("[1, 2]")
    with pytest.raises(DataError, match="format None"):
        kind.from_json(other)


def test_a_card_comes_back_with_ends_that_json_has_no_word_for():
    frame = load("lendingclub-2018").frame.dropna(subset=["income", "dti"]).head(2000)
    result = OrderedLogit.from_formula("grade ~ np.log1p(income) + C(home)", frame).fit()
    card = Scorecard.from_result(result)
    again = Scorecard.from_json(card.to_json())
    assert again.to_json() == card.to_json() and again.characteristics == card.characteristics
    assert card.score(frame).equals(again.score(frame))
