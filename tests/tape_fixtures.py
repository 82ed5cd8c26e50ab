"""Small loan files made for the tests, one a format; no row is a real loan.

In ``ppdai_lp.csv``: loan 126541 is paid on time; 133291 has one instalment paid late; 142421 is unpaid for 150 days;
149711 is still running and not due; 152141 of the loan file has no instalment; 999999 is not in the loan file.
"""

from pathlib import Path

_FOLDER = Path(__file__).parent / "fixtures" / "tape"


def _text(name):
    return (_FOLDER / name).read_text(encoding="utf-8")


LENDINGCLUB_RAW = _text("lendingclub_raw.csv")
PROSPER_81 = _text("prosper_81.csv")
PPDAI_LC = _text("ppdai_lc.csv")
PPDAI_LP = _text("ppdai_lp.csv")
RENRENDAI = _text("renrendai.csv")
MAPPING = _text("savings_bank.yml")
MAPPED = _text("savings_bank.csv")
