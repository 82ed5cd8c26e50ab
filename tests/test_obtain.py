"""The public loan files: fetched from a server on this machine, verified, made into the tables of the book."""

import base64
import functools
import gzip
import hashlib
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from p2prisk import cli, load, obtain
from p2prisk.datasets import _MICRO, micro_file
from p2prisk.errors import DataError

pytest.importorskip("pooch", reason="p2prisk[obtain] is not installed")
pytest.importorskip("rdata", reason="p2prisk[obtain] is not installed")

# Made up, written by R: two data frames with what the real ones have: dates that are numbers of days, text in UTF-8
# not marked as such, the borrower's words, integers with a gap, a number of more than fifteen digits, an empty column.
R_FILES = {
    "LendingClubData_1999.rda": base64.b64decode(
        "H4sIAAAAAAAAA3VSu07DMBS9ddKWpICQyicwl5dUqVOR2pEJCdEtMomLLCVOmjigTsCGxAwfwIbExMpY+ATExD/wBQ2u41tEEJbie3Ps"
        "c3KOnaPhaM8duQBAwCYEiKVam6ipBjY4qm4eMhFwcTYI89MhldTb7fV6AFZbrbXUs1Fy9V5YVoA1jUP7BsB5Vf364r3/Mri7bmx99me3"
        "T5PV5/slHzSv7tPx7NGIWGKbIu/gI9Gi/fdjPdRqib+daPzyazE3Hyre635Is8x8BEFbpWCqzivm7YgLhsRpnKcZprgqE9XQDfwdGkcX"
        "P24scwqaSyruGiE7ZyHaQxtkv4tdd6dkkKISoTGmvozTMsTvxIJGDCVbKMQD0zlhTIVHIyENsMKF9NLFgZgNLEo8yWWIgEuFyGnoceEb"
        "pMmzLGceStoBy3DJ4mKCQnEuvSQVfoLOlLKcIkmyNPonnBuov6wzTlWQSjgnjS86GHB5M0VRzM11zr8BYSlTy88CAAA="
    ),
    "LendingClubData_2000.rda": base64.b64decode(
        "H4sIAAAAAAAAA2VSQU7DMBDcOmlKUoGQyhM4V1GRegWpPXLiQm+WSRxkyXGC44A4IW58gA9w4w0cEW/g1D/wgoKTeCkNlpKdHc/ujp1c"
        "LFezaBUBAAGfECCehT6xrwH4ENp4dM5VKtT1QtZXS2YYncVxDOBN7N7YPod/tM3ab3OYPNl40ODTt8XzY3C8/tVCqx0mLHt/RdHZZ+nq"
        "vS7/uHT5jplhIllV9ab61ha3cdPnc6H41hF4OAy2q80fvho4erES1A56gwPJb7nEycSx5GSOaB53FeS75yLIWGIK3fnbPYxiOceWY2wk"
        "UodCWTBFWa6MI/aEMlQ3Z3UCnpfUCCORiJhSNZNUqMQxI1FVNafY0k95hVueUDfYqKgNLbVKSnRmO5t7LDJc5z3roS7upmi/d2f/biBK"
        "7W8zzbSVu6+0+QEJ7fP8dwIAAA=="
    ),
}
TABLE = """\
row_id,loan_amnt,int_rate,emp_title,annual_inc,issue_d,inq,out_prncp,term
1,5000,0.1065,café,24000.0,1999-12-01,,0,36
2,2500,0.1527,,0.333333333333333,,1.0,0,60
3,5000,0.1065,café,24000.0,1999-12-01,3.0,0,36
"""
CARD = Path(__file__).resolve().parents[1] / "data" / "README.md"
BEGIN, END = "<!-- BEGIN public files: python tests/test_obtain.py -->", "<!-- END public files -->"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class Server:
    """A server of a folder on 127.0.0.1 that counts what it was asked for."""

    def __init__(self, folder):
        self.asked = asked = []

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *arguments):
                asked.append(self.path)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
        self.address = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def public(tmp_path, monkeypatch):
    """A recipe of made-up files, the folder they are served from, and the server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    files = [
        obtain.PublicFile("someone/Loans", "c0ffee", f"data/{name}", sha256(content))
        for name, content in R_FILES.items()
    ]
    folder = tmp_path / "public-host"
    for file in files:
        place = folder / file.repository / file.commit / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(R_FILES[file.name])
    recipe = obtain.Recipe("made-up", tuple(files), obtain._lending_club)
    monkeypatch.setitem(obtain.RECIPES, "made-up", recipe)
    entry = {
        "file": "made_up.csv.gz",
        "content": sha256(TABLE.encode()),
        "sha256": "",
        "format": "",
        "obtain": "made-up",
    }
    monkeypatch.setitem(_MICRO, "made-up", entry)
    server = Server(folder)
    yield server
    server.stop()


def test_files_are_fetched_and_made_into_the_table(public, tmp_path):
    lines = []
    path = obtain.obtain("made-up", tmp_path / "got", public.address, lines.append)
    assert path == tmp_path / "got" / "made_up.csv.gz" and gzip.decompress(path.read_bytes()).decode() == TABLE
    assert len(public.asked) == 2 and [line.split(": ")[1][:6] for line in lines[:2]] == ["1 of 2", "2 of 2"]
    assert str(path) in lines[-1] and sha256(TABLE.encode()) in lines[-1]
    assert sorted(found.name for found in path.parent.iterdir()) == ["made_up.csv.gz", "public"]
    # what is there and right is left as it is; a table made again is the same file
    before = path.read_bytes()
    assert obtain.obtain("made-up", tmp_path / "got", public.address, lines.append) == path
    path.unlink()
    assert obtain.obtain("made-up", tmp_path / "got", public.address, lines.append).read_bytes() == before
    assert len(public.asked) == 2


def test_an_interrupted_download_goes_on_where_it_was(public, tmp_path):
    last = obtain.RECIPES["made-up"].files[-1]
    served = tmp_path / "public-host" / last.repository / last.commit / last.path
    content = served.read_bytes()
    served.unlink()
    with pytest.raises(DataError, match="404"):
        obtain.obtain("made-up", tmp_path / "got", public.address, lambda line: None)
    served.write_bytes(content)
    obtain.obtain("made-up", tmp_path / "got", public.address, lambda line: None)
    assert [path.rpartition("/")[2] for path in public.asked].count("LendingClubData_1999.rda") == 1


def test_offline_it_says_what_to_download_and_takes_it(public, tmp_path):
    public.stop()
    with pytest.raises(DataError, match="no connection") as told:
        obtain.obtain("made-up", tmp_path / "got", public.address, lambda line: None)
    for file in obtain.RECIPES["made-up"].files:
        assert f"https://raw.githubusercontent.com/someone/Loans/c0ffee/data/{file.name}" in str(told.value)
        assert file.sha256 in str(told.value)
    folder = tmp_path / "got" / "public"
    assert str(folder) in str(told.value)
    for name, content in R_FILES.items():
        (folder / name).write_bytes(content)
    assert obtain.obtain("made-up", tmp_path / "got", public.address, lambda line: None).is_file()


def test_another_file_or_table_is_refused(public, tmp_path, monkeypatch):
    file = obtain.RECIPES["made-up"].files[0]
    served = tmp_path / "public-host" / file.repository / file.commit / file.path
    served.write_bytes(b"changed")
    with pytest.raises(DataError, match="does not match"):
        obtain.obtain("made-up", tmp_path / "got", public.address, lambda line: None)
    assert not (tmp_path / "got" / "public" / file.name).exists()
    served.write_bytes(R_FILES[file.name])
    monkeypatch.setitem(_MICRO["made-up"], "content", "0" * 64)
    with pytest.raises(DataError, match="expected 0000000000000000"):
        obtain.obtain("made-up", tmp_path / "got", public.address, lambda line: None)
    table = tmp_path / "got" / "made_up.csv.gz"
    assert not table.exists()
    table.write_bytes(b"the reader's own file")
    with pytest.raises(DataError, match="not the file the project's numbers come from"):
        obtain.obtain("made-up", tmp_path / "got", public.address, lambda line: None)
    assert table.read_bytes() == b"the reader's own file"


def test_missing_packages_are_named_before_anything_is_fetched(public, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "rdata", None)
    with pytest.raises(DataError, match=r"rdata is missing.*pip install 'p2prisk\[obtain\]'"):
        obtain.obtain("made-up", tmp_path / "got", public.address, lambda line: None)
    assert not public.asked


def test_closed_loans_are_found_in_the_full_file_by_their_order(tmp_path):
    closed, rated, priced = (tmp_path / f"{name}.csv" for name in ("closed", "rated", "priced"))
    # the second closed loan fits two rows of the full file: its rating stays blank
    closed.write_text(
        "Term,BorrowerRate,ListingCategory (numeric),IsBorrowerHomeowner,IncomeVerifiable,Recommendations,"
        "CreditScoreRangeLower,LoanStatus\n"
        "36,0.1,1,True,True,0,700,Completed\n36,0.2,1,True,True,0,700,Chargedoff\n36,0.1,1,True,True,0,700,Completed\n"
    )
    rated.write_text(
        "LoanOriginationDate,CreditScoreRangeLower,CreditScoreRangeUpper,CreditGrade,ProsperRating (Alpha)\n"
        + "".join(f"2010-0{month}-01,700,719,,{rating}\n" for month, rating in zip("12345", "ABCDE", strict=True))
    )
    priced.write_text(
        "term,borrowrate,listingcategory,isborrowerhomeowner,incomeverifiable,recommendation\n"
        + "".join(f"36,{rate},1,True,True,0\n" for rate in (0.1, 0.2, 0.3, 0.2, 0.1))
    )
    made = obtain._prosper([closed, rated, priced])
    assert made["ProsperRating_Alpha"].fillna("").tolist() == ["A", "", "E"]
    assert made["LoanOriginationDate"].fillna("").tolist() == ["2010-01-01", "", "2010-05-01"]
    assert made["row_in_full_file"].tolist() == [1, -1, 5]
    closed.write_text(closed.read_text().replace("36,0.2", "36,0.4"))
    with pytest.raises(DataError, match="row 2 of the closed loans"):
        obtain._prosper([closed, rated, priced])


@pytest.mark.parametrize("name", ["lendingclub-2007-2011", "prosper"])
def test_a_file_of_another_make_with_the_same_table_is_the_file(name, tmp_path):
    try:
        content = gzip.decompress(micro_file(name).read_bytes())
    except DataError as absent:
        pytest.skip(str(absent))
    assert sha256(content) == _MICRO[name]["content"]
    other = tmp_path / _MICRO[name]["file"]
    other.write_bytes(gzip.compress(content, 1, mtime=0))
    assert micro_file(name, other) == other
    other.write_bytes(gzip.compress(content + b"1", 1, mtime=0))
    with pytest.raises(DataError, match="SHA-256"):
        load(name, path=other)


def test_every_micro_file_has_a_recipe_and_every_public_file_a_pinned_address():
    assert {recipe.name for recipe in obtain.RECIPES.values()} == {"lendingclub-2007-2011", "prosper"}
    assert {name for name in obtain.RECIPES} == {entry["obtain"] for entry in _MICRO.values()}
    for recipe in obtain.RECIPES.values():
        assert len({file.name for file in recipe.files}) == len(recipe.files)
        for file in recipe.files:
            assert len(file.commit) == 40 and len(file.sha256) == 64 and file.commit in file.address()


def test_command(public, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(obtain.RECIPES, "prosper-closed", obtain.RECIPES["made-up"])
    where = tmp_path / "got"
    assert cli.main(["obtain", "prosper-closed", "--to", str(where), "--from", public.address]) == 0
    told = capsys.readouterr()
    assert told.out == f"{where / 'made_up.csv.gz'}\n" and "2 of 2" in told.err
    public.stop()
    assert cli.main(["obtain", "prosper-closed", "--to", str(tmp_path / "new"), "--from", public.address]) == 2
    assert "by other means" in capsys.readouterr().err
    with pytest.raises(DataError, match="known: lendingclub-2007-2011"):
        obtain.obtain("nonsense")


def listed():
    """The public files as the data card lists them."""
    rows = ["| table | repository, commit | file | SHA-256 |", "|:---|:---|:---|:---|"]
    for name, recipe in obtain.RECIPES.items():
        for file in recipe.files:
            rows.append(f"| `{name}` | {file.repository} at {file.commit} | `{file.path}` | {file.sha256} |")
    return "\n".join(rows)


def test_the_data_card_lists_the_public_files():
    assert CARD.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip() == listed()


if __name__ == "__main__":
    before, rest = CARD.read_text(encoding="utf-8").split(BEGIN)
    CARD.write_text(f"{before}{BEGIN}\n{listed()}\n{END}{rest.split(END)[1]}", encoding="utf-8")
