"""Outcomes from a file of instalments."""

import numpy as np
import pandas as pd

from p2prisk.errors import DataError

NEEDED = ("ListingId", "期数", "还款状态", "应还本金", "剩余本金", "到期日期", "还款日期", "recorddate")
#: the rules that make read_raw keep these columns
RULES = {"columns": {"loan_id": {"from": list(NEEDED)}}}
_BLANK = ("\\N", "nan", "None", "NaT", "<NA>", "")
_PARTLY_PAID = 4


def join_instalments(raw, mapping, lp, where):
    """Make outcomes of a PPDai instalment file and join them to the loans.

    An instalment is late if it was paid after its due day, or is unpaid (or paid in part only) and due before the
    record date. Days past due are counted from the oldest unpaid instalment. A loan whose instalments are all paid is
    ``paid``; more than 120 days past due is ``default``.

    Parameters
    ----------
    raw : pandas.DataFrame
        Loans, with ``ListingId``.
    mapping : dict
        Of the loans.
    lp : pandas.DataFrame
        Instalments: the columns :data:`NEEDED` of ``LP.csv``.
    where : str
        Name of the instalment file, for messages.

    Returns
    -------
    raw : pandas.DataFrame
        With ``lp_*`` columns; loans without an instalment are left out.
    mapping : dict
        With rules for them.
    set_aside : list of dict

    Raises
    ------
    DataError
        A column is absent, a date or number cannot be read, or no loan is in both files.
    """
    absent = [name for name in NEEDED if name not in lp]
    if absent:
        raise DataError(f"{where}: no column {', '.join(absent)}; an instalment file has {', '.join(NEEDED)}")
    due, record = (_dates(lp, name, where, needed=True) for name in ("到期日期", "recorddate"))
    paid = _dates(lp, "还款日期", where, needed=False)
    state, principal, remaining = (_numbers(lp, name, where) for name in ("还款状态", "应还本金", "剩余本金"))
    settled = paid.notna() & (state != _PARTLY_PAID)
    overdue = ~settled & (due < record)
    late = (settled & (paid > due)) | overdue
    principal_paid = principal.where(settled, (principal - remaining).clip(lower=0).fillna(0))
    loans = (
        pd.DataFrame(
            {
                "ListingId": lp["ListingId"].astype(str),
                "late": late,
                "unpaid": ~settled,
                "principal": principal_paid,
                "owed": principal - principal_paid,
                "dpd": (record - due).dt.days.where(overdue, 0),
                "record": record,
                "last": paid,
            }
        )
        .groupby("ListingId")
        .agg(
            lp_late=("late", "sum"),
            lp_unpaid=("unpaid", "sum"),
            lp_principal=("principal", "sum"),
            lp_owed=("owed", "sum"),
            lp_dpd=("dpd", "max"),
            lp_record=("record", "max"),
            lp_last=("last", "max"),
            lp_rows=("late", "size"),
        )
    )
    loans["lp_status"] = np.select(
        [loans["lp_unpaid"] == 0, loans["lp_dpd"] > 120, loans["lp_dpd"] > 30, loans["lp_dpd"] > 0],
        ["paid", "default", "late 31-120", "late 1-30"],
        default="current",
    )
    key = raw["ListingId"].astype(str)
    known = key.isin(loans.index)
    strangers = int((~loans.index.isin(key)).sum())
    set_aside = []
    if (~known).any():
        set_aside.append({"reason": f"loan without any instalment in {where}", "rows": int((~known).sum())})
    if strangers:
        set_aside.append(
            {
                "reason": f"instalments of loans that are not in the loan file ({where})",
                "rows": 0,
                "instalments": int(loans.loc[~loans.index.isin(key), "lp_rows"].sum()),
            }
        )
    if not known.any():
        raise DataError(f"{where}: no ListingId of the loan file is in it; do the two files belong together?")
    joined = raw[known].reset_index(drop=True)
    joined = joined.assign(**{name: loans[name].loc[key[known]].to_numpy() for name in loans.columns})
    columns = {
        **mapping["columns"],
        "status": {"from": "lp_status"},
        "days_past_due": {"from": "lp_dpd"},
        "instalments_late": {"from": "lp_late"},
        "principal_paid": {"from": "lp_principal"},
        "balance": {"from": "lp_owed"},
        "last_payment_date": {"from": "lp_last"},
    }
    unused = {
        **(mapping.get("unused") or {}),
        "lp_unpaid": "part of the status",
        "lp_rows": "count of instalments",
        "lp_record": "gives the record date",
    }
    return (
        joined,
        {**mapping, "columns": columns, "unused": unused, "record_date": f"{joined['lp_record'].max():%Y-%m-%d}"},
        set_aside,
    )


def _dates(lp, name, where, needed):
    text = lp[name].astype(str).str.strip()
    text = text.mask(text.isin(_BLANK)).str.replace("/", "-", regex=False)
    dates = pd.to_datetime(text, errors="coerce", format="mixed")
    bad = dates.isna() if needed else dates.isna() & text.notna()
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(f"{where}, column {name!r}: row {row + 1:,d} holds no date; write it as 2016-07-05 or 2016/7/5")
    return dates


def _numbers(lp, name, where):
    numbers = pd.to_numeric(lp[name], errors="coerce")
    if numbers.isna().any():
        row = int(np.flatnonzero(numbers.isna())[0])
        raise DataError(f"{where}, column {name!r}: row {row + 1:,d} holds no number; correct the cell")
    return numbers
