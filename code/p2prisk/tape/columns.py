"""The canonical columns of a loan tape: names, units, admissible ranges, and when each is known.

One table, :data:`COLUMNS`, says all of it; the schema, the quality report, the mapping of other lenders'
files and the list of admissible predictors are read from it. :func:`column_table` prints it.

When a column is known decides what it may be used for:

``issue``
    known before the loan is issued and set by the borrower, the application or the bureau: a predictor;
``platform``
    known at issue but set by the platform's own model (grade, rate, instalment): never a predictor of the
    grade, and only a benchmark for an outcome;
``unsure``
    may have been written after issue (Lending Club's policy-exception mark): not a predictor;
``later``
    known only after issue: outcomes and their ingredients;
``key``
    identifies a loan, a person or an account: never a predictor, never printed.
"""

from dataclasses import dataclass

import pandas as pd

KNOWN = ("issue", "platform", "unsure", "later", "key")
BLOCKS = ("ability", "willingness", "loan", "platform", "outcome", "identity")

HOME = ("mortgage", "own", "rent", "other")
VERIFICATION = ("not verified", "source verified", "verified")
RECENCY = ("never", "over 4 years", "2 to 4 years", "1 to 2 years", "within a year")
EMPLOYMENT = ("not stated", "under 2 years", "2 to 4 years", "5 to 9 years", "10 years and over")
STATUS = (
    "current",
    "paid",
    "in grace",
    "late 1-30",
    "late 31-90",
    "late 31-120",
    "default",
    "charged off",
    "cancelled",
)
ENDED = ("paid", "default", "charged off")
SEVERITY_RESOLVED = ("paid", "paid late", "loss after half", "loss early")
SEVERITY_TWO = ("paid", "loss")
SEVERITY_LIVE = ("performing", "late 1-30", "late 31-120", "default")


@dataclass(frozen=True)
class Column:
    """One canonical column.

    Attributes
    ----------
    name, meaning : str
        The name in every tape's frame, and what it means in words.
    kind : str
        ``number``, ``integer``, ``flag``, ``category``, ``ordered``, ``date`` or ``text``.
    unit : str
        Unit of a number; amounts are in the tape's currency, shares in per cent.
    minimum, maximum : float or None
        Admissible range; a value outside is kept and counted in the quality report.
    known : str
        One of :data:`KNOWN`.
    block : str
        One of :data:`BLOCKS`: what the column says about the borrower (ability or willingness to repay), the
        loan, or the platform.
    levels : tuple of str
        Admissible labels, in order, where they are fixed; the first one is the reference in a model.
    """

    name: str
    meaning: str
    kind: str
    unit: str
    known: str
    block: str
    minimum: float | None = None
    maximum: float | None = None
    levels: tuple = ()


def _columns():
    c = Column
    number, integer, flag, category, ordered = "number", "integer", "flag", "category", "ordered"
    money, percent, count, months, years = "currency", "per cent", "count", "months", "years"
    table = [
        # identity and dates
        c("loan_id", "key of the loan", "text", "", "key", "identity"),
        c("borrower_id", "key of the borrower, pseudonymous", "text", "", "key", "identity"),
        c("custody_account", "account in which the custodian holds the money", "text", "", "key", "identity"),
        c("counterparty", "guarantor, assignor or receiving party", "text", "", "key", "identity"),
        c("issue_date", "day (or month) the loan was paid out", "date", "", "issue", "loan"),
        c("currency", "ISO code of the currency of all amounts", category, "", "key", "identity"),
        # the loan
        c("amount", "principal lent", number, money, "issue", "loan", 1, 100_000_000),
        c("term", "contracted term", integer, months, "issue", "loan", 1, 480),
        c("purpose", "stated use of the loan", category, "", "issue", "willingness"),
        c(
            "application",
            "one applicant or two",
            category,
            "",
            "issue",
            "loan",
            levels=("individual", "joint"),
        ),
        c("product", "kind of loan as the platform names it", category, "", "issue", "loan"),
        # ability to repay
        c("income", "stated gross income a year", number, money, "issue", "ability", 0, 100_000_000),
        c(
            "income_joint",
            "income a year of both applicants",
            number,
            money,
            "issue",
            "ability",
            0,
            100_000_000,
        ),
        c("income_band", "income band as the platform reports it", ordered, "", "issue", "ability"),
        c(
            "dti",
            "monthly debt service (without mortgage and this loan) over monthly income",
            number,
            percent,
            "issue",
            "ability",
            0,
            1000,
        ),
        c("dti_joint", "the same for both applicants", number, percent, "issue", "ability", 0, 1000),
        c(
            "employment_years",
            "years with the present employer (10 stands for 10 and over)",
            number,
            years,
            "issue",
            "ability",
            0,
            60,
        ),
        c(
            "employment",
            "the same in bands, with 'not stated' as a level",
            category,
            "",
            "issue",
            "ability",
            levels=EMPLOYMENT,
        ),
        c("employment_status", "employed, self-employed, ...", category, "", "issue", "ability"),
        c("occupation", "occupation group", category, "", "issue", "ability"),
        c("home", "housing tenure", category, "", "issue", "ability", levels=HOME),
        c("homeowner", "owns a home, with or without mortgage", flag, "", "issue", "ability"),
        c("car_owner", "owns a car", flag, "", "issue", "ability"),
        c("age", "age of the borrower at issue", number, years, "issue", "ability", 16, 100),
        c("sex", "sex as stated", category, "", "issue", "ability", levels=("female", "male")),
        c("education", "highest education", category, "", "issue", "ability"),
        c("marital_status", "marital status", category, "", "issue", "ability"),
        c("company_size", "staff of the employer, in bands", category, "", "issue", "ability"),
        c("region", "state or province", category, "", "issue", "ability"),
        # willingness to repay: history and behaviour
        c(
            "inquiries",
            "credit inquiries in the tape's look-back window (provenance: inquiries_window)",
            integer,
            count,
            "issue",
            "willingness",
            0,
            200,
        ),
        c(
            "inquiries_12m",
            "credit inquiries in the last 12 months, where a tape has two windows",
            integer,
            count,
            "issue",
            "willingness",
            0,
            200,
        ),
        c(
            "months_since_inquiry",
            "months since the last inquiry; blank = none on file",
            number,
            months,
            "issue",
            "willingness",
            0,
            600,
        ),
        c(
            "delinquencies_2y",
            "times 30 days late or more in the last two years",
            integer,
            count,
            "issue",
            "willingness",
            0,
            200,
        ),
        c(
            "months_since_delinquency",
            "months since the last delinquency; blank = never",
            number,
            months,
            "issue",
            "willingness",
            0,
            600,
        ),
        c(
            "delinquency_recency",
            "the same in bands, with 'never' as a level",
            category,
            "",
            "issue",
            "willingness",
            levels=RECENCY,
        ),
        c(
            "months_since_90d_late",
            "months since the last time 90 days late; blank = never",
            number,
            months,
            "issue",
            "willingness",
            0,
            600,
        ),
        c("public_records", "derogatory public records", integer, count, "issue", "willingness", 0, 200),
        c(
            "months_since_record",
            "months since the last public record; blank = never",
            number,
            months,
            "issue",
            "willingness",
            0,
            600,
        ),
        c(
            "record_recency",
            "the same in bands, with 'never' as a level",
            category,
            "",
            "issue",
            "willingness",
            levels=RECENCY,
        ),
        c("bankruptcies", "public-record bankruptcies", integer, count, "issue", "willingness", 0, 50),
        c("tax_liens", "tax liens", integer, count, "issue", "willingness", 0, 200),
        c(
            "utilisation",
            "used share of available revolving credit",
            number,
            percent,
            "issue",
            "willingness",
            0,
            200,
        ),
        c(
            "utilisation_all",
            "used share of all available credit",
            number,
            percent,
            "issue",
            "willingness",
            0,
            250,
        ),
        c("revolving_balance", "revolving balance", number, money, "issue", "willingness", 0, 100_000_000),
        c(
            "credit_limit",
            "total available credit without mortgage",
            number,
            money,
            "issue",
            "willingness",
            0,
            1_000_000_000,
        ),
        c(
            "credit_balance",
            "total credit used without mortgage",
            number,
            money,
            "issue",
            "willingness",
            0,
            1_000_000_000,
        ),
        c("open_accounts", "open credit lines", integer, count, "issue", "willingness", 0, 300),
        c("total_accounts", "credit lines ever", integer, count, "issue", "willingness", 0, 500),
        c(
            "satisfactory_accounts",
            "accounts in good standing",
            integer,
            count,
            "issue",
            "willingness",
            0,
            300,
        ),
        c("instalment_accounts", "instalment accounts open", integer, count, "issue", "willingness", 0, 300),
        c(
            "instalment_accounts_total",
            "instalment accounts ever",
            integer,
            count,
            "issue",
            "willingness",
            0,
            500,
        ),
        c(
            "instalment_balance",
            "balance of instalment accounts",
            number,
            money,
            "issue",
            "willingness",
            0,
            1_000_000_000,
        ),
        c(
            "instalment_limit",
            "credit limit of instalment accounts",
            number,
            money,
            "issue",
            "willingness",
            0,
            1_000_000_000,
        ),
        c(
            "instalment_opened_12m",
            "instalment accounts opened in 12 months",
            integer,
            count,
            "issue",
            "willingness",
            0,
            300,
        ),
        c(
            "instalment_opened_24m",
            "instalment accounts opened in 24 months",
            integer,
            count,
            "issue",
            "willingness",
            0,
            300,
        ),
        c(
            "finance_inquiries",
            "inquiries by personal-finance companies",
            integer,
            count,
            "issue",
            "willingness",
            0,
            200,
        ),
        c(
            "accounts_opened_24m",
            "credit lines opened in 24 months",
            integer,
            count,
            "issue",
            "willingness",
            0,
            300,
        ),
        c("card_accounts", "credit card accounts ever", integer, count, "issue", "willingness", 0, 300),
        c("open_card_accounts", "credit card accounts open", integer, count, "issue", "willingness", 0, 300),
        c(
            "cards_with_balance",
            "credit cards carrying a balance",
            integer,
            count,
            "issue",
            "willingness",
            0,
            300,
        ),
        c("active_bank_cards", "active bank cards", integer, count, "issue", "willingness", 0, 300),
        c(
            "bank_card_limit",
            "total of bank card limits",
            number,
            money,
            "issue",
            "willingness",
            0,
            100_000_000,
        ),
        c("mortgage_accounts", "mortgage accounts", integer, count, "issue", "ability", 0, 100),
        c(
            "never_delinquent_share",
            "share of accounts never delinquent",
            number,
            percent,
            "issue",
            "willingness",
            0,
            100,
        ),
        c("delinquent_accounts", "accounts now delinquent", integer, count, "issue", "willingness", 0, 100),
        c(
            "delinquent_amount",
            "amount now past due on delinquent accounts",
            number,
            money,
            "issue",
            "willingness",
            0,
            100_000_000,
        ),
        c(
            "accounts_30d_past_due",
            "accounts now 30 days past due",
            integer,
            count,
            "issue",
            "willingness",
            0,
            100,
        ),
        c(
            "accounts_120d_past_due",
            "accounts now 120 days past due",
            integer,
            count,
            "issue",
            "willingness",
            0,
            100,
        ),
        c(
            "collections_12m",
            "collections in 12 months, without medical",
            integer,
            count,
            "issue",
            "willingness",
            0,
            100,
        ),
        c(
            "collection_amount",
            "amount ever in collection",
            number,
            money,
            "issue",
            "willingness",
            0,
            100_000_000,
        ),
        c(
            "chargeoffs_12m",
            "charge-offs on other credit in 12 months",
            integer,
            count,
            "issue",
            "willingness",
            0,
            100,
        ),
        c(
            "credit_history_years",
            "years from the first credit line to issue",
            number,
            years,
            "issue",
            "willingness",
            0,
            80,
        ),
        c(
            "bureau_score",
            "bureau score (lower end of the range)",
            number,
            "points",
            "issue",
            "willingness",
            300,
            950,
        ),
        c("bureau_missing", "the bureau returned no file", flag, "", "issue", "willingness"),
        c(
            "earlier_loans",
            "earlier loans of the borrower on the platform",
            integer,
            count,
            "issue",
            "willingness",
            0,
            10_000,
        ),
        c(
            "earlier_ontime",
            "earlier instalments on the platform paid on time",
            integer,
            count,
            "issue",
            "willingness",
            0,
            100_000,
        ),
        c(
            "earlier_overdue",
            "earlier instalments or loans on the platform paid late",
            integer,
            count,
            "issue",
            "willingness",
            0,
            100_000,
        ),
        c(
            "earlier_principal",
            "principal earlier borrowed on the platform",
            number,
            money,
            "issue",
            "willingness",
            0,
            1_000_000_000,
        ),
        c(
            "earlier_outstanding",
            "principal of earlier loans still owed",
            number,
            money,
            "issue",
            "willingness",
            0,
            1_000_000_000,
        ),
        c("first_loan", "the borrower's first loan on the platform", flag, "", "issue", "willingness"),
        c(
            "recommendations",
            "recommendations by other members",
            integer,
            count,
            "issue",
            "willingness",
            0,
            10_000,
        ),
        # what the platform checked
        c(
            "verification",
            "income verification by the platform",
            category,
            "",
            "issue",
            "platform",
            levels=VERIFICATION,
        ),
        c(
            "verification_joint",
            "income verification, both applicants",
            category,
            "",
            "issue",
            "platform",
            levels=VERIFICATION,
        ),
        c("income_verifiable", "the borrower says income can be documented", flag, "", "issue", "ability"),
        c("verified_identity", "identity or household register verified", flag, "", "issue", "platform"),
        c("verified_phone", "phone verified", flag, "", "issue", "platform"),
        c("verified_video", "video interview passed", flag, "", "issue", "platform"),
        c("verified_education", "education certificate verified", flag, "", "issue", "platform"),
        c("verified_bureau", "credit report of the central bank verified", flag, "", "issue", "platform"),
        c("verified_shop", "online shop account verified", flag, "", "issue", "platform"),
        c("verified_job", "job certificate verified", flag, "", "issue", "platform"),
        c("verified_income", "income certificate verified", flag, "", "issue", "platform"),
        c("verified_house", "real estate certificate verified", flag, "", "issue", "platform"),
        # set by the platform's own model
        c("grade", "platform's grade, best first", ordered, "", "platform", "platform"),
        c("sub_grade", "platform's sub-grade, best first", ordered, "", "platform", "platform"),
        c("platform_score", "platform's own score", number, "points", "platform", "platform", 0, 1000),
        c("rate", "contract interest rate a year", number, percent, "platform", "platform", 0, 100),
        c("apr", "annual percentage rate with fees", number, percent, "platform", "platform", 0, 200),
        c("instalment", "monthly instalment", number, money, "platform", "platform", 0, 10_000_000),
        c("listing", "offered whole or in fractions", category, "", "platform", "platform"),
        c("disbursement", "paid in cash or directly to creditors", category, "", "platform", "platform"),
        c("policy_exception", "marked 'does not meet the credit policy'", flag, "", "unsure", "platform"),
        # known only later
        c("funded", "share of the amount funded", number, percent, "later", "outcome", 0, 100),
        c("investors", "number of lenders", integer, count, "later", "outcome", 0, 1_000_000),
        c("status", "status at the record date", category, "", "later", "outcome", levels=STATUS),
        c("days_past_due", "days past due at the record date", number, "days", "later", "outcome", 0, 10_000),
        c("balance", "principal outstanding", number, money, "later", "outcome", 0, 100_000_000),
        c("total_paid", "all payments received", number, money, "later", "outcome", 0, 1_000_000_000),
        c("principal_paid", "principal repaid", number, money, "later", "outcome", 0, 100_000_000),
        c("interest_paid", "interest received", number, money, "later", "outcome", 0, 100_000_000),
        c("late_fees", "late fees received", number, money, "later", "outcome", 0, 1_000_000),
        c("recoveries", "received after charge-off", number, money, "later", "outcome", 0, 100_000_000),
        c("recovery_fee", "collection fee on recoveries", number, money, "later", "outcome", 0, 100_000_000),
        c("last_payment_date", "day (or month) of the last payment", "date", "", "later", "outcome"),
        c("last_payment", "amount of the last payment", number, money, "later", "outcome", 0, 100_000_000),
        c("closed_date", "day (or year) the loan ended", "date", "", "later", "outcome"),
        c("settlement", "a debt settlement was made", flag, "", "later", "outcome"),
        c(
            "instalments_late",
            "instalments paid late or unpaid when due",
            integer,
            count,
            "later",
            "outcome",
            0,
            1000,
        ),
        c("resolved", "the loan has ended: repaid or written off", flag, "", "later", "outcome"),
        c("mature", "the contracted term had run out at the record date", flag, "", "later", "outcome"),
        c("severity", "ordered outcome, see p2prisk.tape.severity", ordered, "", "later", "outcome"),
        c(
            "bad",
            "worst outcome: charged off, defaulted, or more than 30 days late in a live book",
            flag,
            "",
            "later",
            "outcome",
        ),
        c("simulated", "the row is simulated", flag, "", "key", "identity"),
    ]
    return {column.name: column for column in table}


COLUMNS = _columns()

#: admissible predictors of a default or grade model, by block
PREDICTOR_BLOCKS = {
    block: tuple(name for name, column in COLUMNS.items() if column.known == "issue" and column.block == block)
    for block in BLOCKS
}


def column_table(names=None):
    """List the canonical columns as a table.

    Parameters
    ----------
    names : iterable of str, optional
        Columns to list; all of them by default.

    Returns
    -------
    pandas.DataFrame
        One row a column: name, meaning, kind, unit, minimum, maximum, levels, known, block.

    Examples
    --------
    >>> column_table(["income", "grade"])[["name", "unit", "known", "block"]]
         name      unit     known     block
    0  income  currency     issue   ability
    1   grade            platform  platform
    """
    rows = []
    for name in COLUMNS if names is None else names:
        column = COLUMNS[name]
        rows.append(
            {
                "name": column.name,
                "meaning": column.meaning,
                "kind": column.kind,
                "unit": column.unit,
                "minimum": column.minimum,
                "maximum": column.maximum,
                "levels": " < ".join(column.levels) if column.kind == "ordered" else ", ".join(column.levels),
                "known": column.known,
                "block": column.block,
            }
        )
    return pd.DataFrame(rows)


def known_at_issue(tape=None, block=None):
    """Name the columns that may be predictors: known at issue and not set by the platform's model.

    A column that is not canonical is never admitted, as nobody has said when it becomes known.

    Parameters
    ----------
    tape : LoanTape or pandas.DataFrame, optional
        Where to look; without it all canonical columns are considered.
    block : str or sequence of str, optional
        Restrict to one or more of ``ability``, ``willingness``, ``loan``, ``platform``.

    Returns
    -------
    list of str
        In the order of :data:`COLUMNS`.

    Examples
    --------
    >>> from p2prisk import load
    >>> tape = load("lendingclub-2018")
    >>> admissible = known_at_issue(tape)
    >>> "income" in admissible, "rate" in admissible, "grade" in admissible, "principal_paid" in admissible
    (True, False, False, False)
    """
    present = set(COLUMNS) if tape is None else set(getattr(tape, "frame", tape).columns)
    blocks = BLOCKS if block is None else ((block,) if isinstance(block, str) else tuple(block))
    return [
        name
        for name, column in COLUMNS.items()
        if column.known == "issue" and name in present and column.block in blocks
    ]


def refuse_later(names, outcome="grade"):
    """Raise unless every named predictor is known at issue.

    Parameters
    ----------
    names : iterable of str
        Columns about to be used as predictors.
    outcome : str
        What is predicted, for the message.

    Raises
    ------
    DataError
        Names each column that is not admissible, and why.
    """
    from p2prisk.errors import DataError

    reasons = {
        "platform": "set by the platform's own model",
        "later": "known only after issue",
        "key": "identifies a loan or person",
        "unsure": "may have been written after issue",
    }
    wrong = []
    for name in names:
        column = COLUMNS.get(name)
        if column is None:
            wrong.append(f"{name} (not a canonical column: map it first)")
        elif column.known != "issue":
            wrong.append(f"{name} ({reasons[column.known]})")
    if wrong:
        raise DataError(
            f"not admissible as predictors of {outcome}: {', '.join(wrong)}. "
            "Choose from p2prisk.tape.known_at_issue(tape)."
        )
