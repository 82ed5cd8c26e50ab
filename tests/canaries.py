"""Thirty kinds of personal values, invented and valid by their check digits, and a tape to plant them in."""

import itertools
import random

import numpy as np
import pandas as pd
from stdnum import iban, luhn, verhoeff
from stdnum.cn import ric
from stdnum.fr import nir
from stdnum.iso7064 import mod_11_10

_GIVEN = "Maria Jonas Aylin Pedro Giulia Henrik Agnieszka Ravi Chiara Olof Mehmet Femke".split()
_FAMILY = "Rothmann Okonkwo Petrov Oliveira Bianchi Lindqvist Kowalska Chaudhary Yilmaz Janssen Dubois Moreau".split()


def _digits(rng, count):
    return "".join(rng.choice("0123456789") for _ in range(count))


def _found(rng, make, valid):
    """The first made value that is valid."""
    return next(value for value in iter(lambda: make(rng), None) if valid(value))


def _day(rng):
    return f"{rng.randint(1950, 1999)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"


def _stdnum(module):
    from importlib import import_module

    return import_module(f"stdnum.{module}").is_valid


def _china(rng):
    body = "110101" + _day(rng) + _digits(rng, 3)
    return body + ric.calc_check_digit(body)


def _iban(rng, country, length):
    body = _digits(rng, length)
    return country + iban.calc_check_digits(country + "00" + body) + body


def _letters(rng, count):
    return "".join(rng.choice("BCDFGHKLMPRSTVXYZ") for _ in range(count))


def _codice(rng):
    body = _letters(rng, 6) + f"{rng.randint(50, 99)}A{rng.randint(1, 28):02d}H501"
    return next(body + mark for mark in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if _stdnum("it.codicefiscale")(body + mark))


#: kind -> how a value is made; a value of each kind is unlike all others
KINDS = {
    "name": lambda r: f"{r.choice(_GIVEN)} {r.choice(_FAMILY)}{r.choice('abcdefghij')}{r.choice('abcdefghij')}",
    "name, family first": lambda r: f"{r.choice(_FAMILY)}{r.choice('abcdefghij')}, {r.choice(_GIVEN)}{r.choice('ns')}",
    "name (CN)": lambda r: (
        r.choice("王李张刘陈") + "".join(r.choice("伟芳娜敏静秀丽强磊军洋艳勇杰涛明超霞平刚") for _ in range(2))
    ),
    "mail": lambda r: f"{r.choice(_GIVEN).lower()}.{_digits(r, 5)}@post{r.choice('abc')}.example",
    "phone (CN)": lambda r: "13" + _digits(r, 9),
    "phone (CN, in words)": lambda r: f"call 138 {_digits(r, 4)} {_digits(r, 4)} at night",
    "phone (DE)": lambda r: f"+49 171 {_digits(r, 7)}",
    "phone (US)": lambda r: f"({r.randint(201, 989)}) 555-{_digits(r, 4)}",
    "phone (FR)": lambda r: "06 " + " ".join(_digits(r, 2) for _ in range(4)),
    "address (US)": lambda r: f"{r.randint(100, 9999)} {r.choice(_FAMILY)} Street",
    "address (DE)": lambda r: f"{r.choice(_FAMILY)}straße {r.randint(10, 199)}",
    "address (CN)": lambda r: f"上海市静安区南京路{r.randint(100, 9999)}号{r.randint(100, 999)}室",
    "identity (CN)": _china,
    "social security (US)": lambda r: f"{r.randint(100, 665)}-{r.randint(10, 99)}-{r.randint(1000, 9999)}",
    "national insurance (GB)": lambda r: f"AB{_digits(r, 6)}C",
    "tax (DE)": lambda r: _found(
        r, lambda r: (b := r.choice("123456789") + _digits(r, 9)) + mod_11_10.calc_check_digit(b), _stdnum("de.idnr")
    ),
    "social security (FR)": lambda r: (
        (b := f"2{r.randint(50, 99)}{r.randint(1, 12):02d}75{_digits(r, 6)}") + nir.calc_check_digits(b)
    ),
    "identity (ES)": lambda r: (b := _digits(r, 8)) + "TRWAGMYFPDXBNJZSQVHLCKE"[int(b) % 23],
    "codice fiscale (IT)": _codice,
    "tax (BR)": lambda r: _found(
        r, lambda r: f"{_digits(r, 3)}.{_digits(r, 3)}.{_digits(r, 3)}-{_digits(r, 2)}", _stdnum("br.cpf")
    ),
    "Aadhaar (IN)": lambda r: (b := r.choice("23456789") + _digits(r, 10)) + verhoeff.calc_check_digit(b),
    "tax (IN)": lambda r: f"{_letters(r, 3)}P{_letters(r, 1)}{_digits(r, 4)}{_letters(r, 1)}",
    "identity (PL)": lambda r: _found(r, lambda r: _day(r)[2:] + _digits(r, 5), _stdnum("pl.pesel")),
    "identity (SE)": lambda r: _found(r, lambda r: _day(r)[2:] + "-" + _digits(r, 4), _stdnum("se.personnummer")),
    "identity (NL)": lambda r: _found(r, lambda r: r.choice("123456789") + _digits(r, 8), _stdnum("nl.bsn")),
    "identity (KR)": lambda r: _day(r)[2:] + "-" + r.choice("12") + _digits(r, 6),
    "identity (HK)": lambda r: _found(r, lambda r: f"{r.choice('ABCDEFGHK')}{_digits(r, 6)}({_digits(r, 1)})", _hkid),
    "account (IBAN)": lambda r: _iban(r, "DE", 18),
    "card": lambda r: (b := "4" + _digits(r, 14)) + luhn.calc_check_digit(b),
    "passport": lambda r: "E" + _digits(r, 8),
}


def _hkid(text):
    from p2prisk.tape.privacy import kind_of

    return kind_of(text) == "identity number (HK)"


def values(kind, count, seed=0):
    """So many different values of a kind."""
    rng = random.Random(f"{kind}{seed}")
    return list(itertools.islice(dict.fromkeys(KINDS[kind](rng) for _ in range(20 * count)), count))


def tape(rows=400, seed=1):
    """A tape with a column of every kind that the readers know."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=rows)
    pick = lambda *levels: rng.choice(levels, rows)  # noqa: E731
    return pd.DataFrame(
        {
            "loan_id": [f"L{100_000 + i}" for i in range(rows)],
            "borrower_id": [f"B{rng.integers(1, rows):05d}" for _ in range(rows)],
            "issue_date": [f"201{3 + i % 4}-{1 + i % 12:02d}-15" for i in range(rows)],
            "amount": rng.integers(10, 350, rows) * 100,
            "term": pick(36, 60),
            "rate": rng.uniform(6, 24, rows).round(2),
            "income": (50_000 * np.exp(0.5 * risk)).round(),
            "dti": rng.uniform(1, 40, rows).round(2),
            "purpose": pick("debt consolidation", "car", "wedding", "small business"),
            "region": pick("941xx", "100xx", "NY", "Bayern"),
            "home": pick("rent", "own", "mortgage"),
            "grade": pick("A", "B", "C", "D"),
            "counterparty": pick("First Guarantee Ltd", "Second Surety"),
            "status": np.where(rng.random(rows) < 0.3 - 0.1 * np.tanh(risk), "charged off", "paid"),
            "note": pick("none", "checked"),
        }
    ).astype(object)
