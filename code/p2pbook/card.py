"""The picture that a link to the book is shown with: its title over the first picture of the book.

    python -m p2pbook.card

writes ``assets/card.png`` (1200 x 630 dots) and keeps the numbers that it drew in the file, which a test compares with
those of the register.
"""

import json
from importlib import resources

import matplotlib.pyplot as plt

from p2pbook.chapters.claims import compute
from p2pbook.figures.evidence import ranks_by_date
from p2prisk.figures.colours import PALETTE
from p2prisk.figures.style import use_house_style

TITLE = "Borrower Credit Risk in Peer-to-Peer Lending"
FINDING = """On the day of the loan, a model that a manager can read ranks
about as well as the platform's own grade, and not better."""


def numbers():
    """What is drawn, as text: one row a day and model."""
    table = compute().ranks
    return json.dumps(table.assign(date=table["date"].dt.strftime("%Y-%m-%d")).round(4).to_dict("list"))


def main():
    """Draw the card beside the other assets of the book."""
    use_house_style()
    figure = plt.figure(figsize=(8, 4.2), dpi=150, facecolor="white", layout="none")
    figure.text(0.045, 0.925, TITLE, fontsize=19, weight="semibold", va="top", color=PALETTE["black"])
    figure.text(0.045, 0.80, FINDING, fontsize=13, va="top", color=PALETTE["blue"], linespacing=1.3)
    ax = ranks_by_date(compute().ranks, figure.add_axes((0.1, 0.13, 0.86, 0.42)))
    ax.get_legend().set_loc("lower right")
    ax.get_legend().set_bbox_to_anchor((1, 0.12))
    place = resources.files("p2pbook") / "assets" / "card.png"
    with plt.rc_context({"savefig.bbox": None}):
        figure.savefig(str(place), dpi=150, facecolor="white", metadata={"Description": numbers()})


if __name__ == "__main__":
    main()
