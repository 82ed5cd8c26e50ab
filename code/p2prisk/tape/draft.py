"""Draft a mapping file from the header and the first rows of a lender's table."""

import difflib
import re

import pandas as pd

from p2prisk.tape.choose import refuse_personal_header
from p2prisk.tape.columns import COLUMNS
from p2prisk.tape.mapping import builtin, builtin_names, grade_order
from p2prisk.tape.privacy import LEAST, kind_of, personal_columns

_DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y%m%d",
    "%b-%Y",
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%d-%b-%Y",
    "%Y-%m",
)
# made by the package, or only in tables of counts
_NOT_GUESSED = {
    "severity",
    "resolved",
    "mature",
    "delinquency_recency",
    "record_recency",
    "employment",
    "bureau_missing",
    "simulated",
    "n",
    "currency",
    "policy_exception",
    "issue_year",
    "dti_band",
    "employment_band",
    "inquiries_band",
    "utilisation_band",
    "public_record",
    "purpose_group",
}
# words of other lenders' headers, by canonical column
_WORDS = {
    "loan_id": "loan number, contract, contract number, agreement, vertrag, 合同编号, 借款编号, 标的编号",
    "borrower_id": "customer, customer id, client id, borrower, user id, 借款人编号, 用户编号",
    "issue_date": "disbursement date, origination date, start date, funded date, loan date, auszahlung, 放款日期,"
    "借款日期",
    "amount": "principal, loan amount, original amount, betrag, 借款金额, 贷款金额, 本金",
    "term": "maturity, duration, tenor, months, laufzeit, 期限, 借款期限",
    "rate": "interest rate, annual rate, coupon, apr, zinssatz, 利率, 年利率",
    "purpose": "loan purpose, use of funds, zweck, 借款用途, 用途",
    "income": "annual income, yearly income, salary, gross income, einkommen, 年收入, 收入",
    "dti": "debt to income, debt income ratio, debt ratio, 负债率, 负债收入比",
    "employment_years": "employment length, years employed, job tenure, 工作年限",
    "employment_status": "employment, job status, 就业状况",
    "home": "housing, home ownership, residence, wohnung, 住房情况",
    "age": "borrower age, alter, 年龄",
    "sex": "gender, geschlecht, 性别",
    "education": "degree, education level, 学历",
    "marital_status": "marriage, married, 婚姻状况",
    "region": "state, province, city, 省份, 地区",
    "inquiries": "credit inquiries, recent inquiries, 查询次数",
    "delinquencies_2y": "past delinquencies, late payments, 历史逾期次数",
    "utilisation": "utilization, credit utilization, card utilisation, 额度使用率",
    "open_accounts": "open credit lines, active accounts",
    "public_records": "judgments, derogatory records",
    "bureau_score": "credit score, fico, score, 信用分",
    "grade": "rating, risk class, risk grade, credit grade, klasse, 评级, 信用等级",
    "status": "loan status, state of loan, performance, stand, 借款状态, 还款状态, 标当前状态",
    "days_past_due": "dpd, days late, overdue days, arrears days, 逾期天数",
    "principal_paid": "principal repaid, repaid principal, 已还本金",
    "balance": "outstanding principal, remaining principal, outstanding balance, 剩余本金",
    "late_fees": "penalty, late charges, 罚息",
    "recoveries": "recovered amount, recovery, 回收金额",
    "earlier_loans": "previous loans, number of loans, 历史借款次数",
    "earlier_overdue": "previous overdue, 历史逾期",
    "instalment": "installment, monthly payment, emi, rate je monat, 月还款额",
    "counterparty": "guarantor, assignor, 担保方, 担保人",
    "custody_account": "custody, custodian account, bank account, 存管账户",
}
_STATUS = {
    "paid": "paid, fully paid, repaid, closed, completed, settled, bezahlt, 已还清, 结清",
    "current": "current, active, performing, open, running, ok, laufend, 正常还款中, 还款中, 正常",
    "late 1-30": "late 1-30, dpd 1-30, m1, grace",
    "late 31-120": "late, late 31-90, late 31-120, overdue, arrears, delinquent, 逾期中, 逾期",
    "default": "default, defaulted, npl, 违约",
    "charged off": "charged off, chargeoff, written off, write-off, loss, ausfall, 坏账, 核销",
    "cancelled": "cancelled, canceled, withdrawn, rejected, 流标",
}


def _plain(text):
    return re.sub(r"[^0-9a-z\u4e00-\u9fff]+", " ", re.sub(r"([a-z])([A-Z])", r"\1 \2", str(text)).lower()).strip()


def _known_sources():
    """Columns of the built-in formats -> canonical column and rule."""
    found = {}
    for format in builtin_names():
        for name, rule in builtin(format)["columns"].items():
            sources = rule.get("from", [])
            for source in sources if isinstance(sources, list) else [sources]:
                if name not in _NOT_GUESSED:
                    found.setdefault(source, (name, rule))
    return found


def _known_names():
    names = {_plain(name): name for name in COLUMNS}
    for source, (name, _) in _known_sources().items():
        names.setdefault(_plain(source), name)
    for name, words in _WORDS.items():
        for word in words.split(","):
            names.setdefault(_plain(word), name)
    return names


def guess_columns(header):
    """Guess which canonical column each column of a header is.

    Parameters
    ----------
    header : sequence of str

    Returns
    -------
    dict
        Source column -> (canonical column, how sure: ``exact`` or ``similar``); each canonical column once.

    Examples
    --------
    >>> guess_columns(["Loan Amount", "Intrest Rate", "shoe size"])
    {'Loan Amount': ('amount', 'exact'), 'Intrest Rate': ('rate', 'similar')}
    """
    names = _known_names()
    guesses, taken = {}, set(_NOT_GUESSED)
    for sure in ("exact", "similar"):
        for column in header:
            if column in guesses:
                continue
            word = _plain(column)
            found = names.get(word)
            if sure == "similar" and len(word) >= 4:
                near = difflib.get_close_matches(word, names, n=1, cutoff=0.86)
                found = names[near[0]] if near else None
            if found and found not in taken:
                guesses[column] = (found, sure)
                taken.add(found)
    return {column: guesses[column] for column in header if column in guesses}


def draft_mapping(frame, name="tape"):
    """Draft a mapping file.

    Parameters
    ----------
    frame : pandas.DataFrame
        The raw table, or its first thousands of rows.
    name : str
        What the mapping is called.

    Returns
    -------
    text : str
        YAML, with a comment wherever a decision is yours.
    unplaced : list of str
        Columns that could not be placed.
    """
    refuse_personal_header(frame.columns, name)
    personal = personal_columns(frame)
    guesses = guess_columns([column for column in frame.columns if column not in personal])
    lines = [f"# Draft of a mapping for {name}: read it line by line before you trust it."]
    for format in builtin_names():
        if set(builtin(format)["recognised_by"]) <= set(frame.columns):
            lines.append(f"# The header is that of the built-in format {format}: --format {format} needs no mapping.")
    lines += [
        f"format: {_quote(name)}",
        f"title: {_quote(name)}",
        "currency: USD  # ISO code: check",
        "# record_date: 2024-12-31  # day of the snapshot",
        "columns:",
    ]
    sources = _known_sources()
    for column, (canonical, sure) in sorted(guesses.items(), key=lambda item: list(COLUMNS).index(item[1][0])):
        if column in sources and sources[column][0] == canonical:
            kept = {key: value for key, value in sources[column][1].items() if key not in ("from", "required")}
            rule, remarks = ([_flow(kept)[1:-1]] if kept else []), []
        else:
            rule, remarks = _rule(frame[column], canonical)
        parts = [f"from: {_quote(column)}", *rule]
        if sure == "similar":
            remarks.insert(0, "guessed from a similar name: check")
        lines.append(f"  {canonical}: {{{', '.join(parts)}}}" + (f"  # {'; '.join(remarks)}" if remarks else ""))
    unplaced = [column for column in frame.columns if column not in guesses and column not in personal]
    if unplaced or personal:
        lines.append("unused:")
        lines += [f"  {_quote(column)}: personal data ({why})" for column, why in personal.items()]
        lines += [f"  {_quote(column)}: not placed  # {_kind(frame[column])}" for column in unplaced]
    absent = [
        column
        for column in ("issue_date", "amount", "term", "status")
        if column not in {canonical for canonical, _ in guesses.values()}
    ]
    if absent:
        lines.append(f"# not found, but wanted by the study: {', '.join(absent)}")
    return "\n".join(lines) + "\n", unplaced


def _flow(value):
    import yaml

    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**6).strip()


def _quote(text):
    text = str(text)
    if re.fullmatch(r"[A-Za-z_\u4e00-\u9fff][\w \u4e00-\u9fff]*", text) and text.lower() not in (
        "yes",
        "no",
        "true",
        "false",
        "null",
        "on",
        "off",
        "y",
        "n",
    ):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _kind(values):
    if pd.api.types.is_numeric_dtype(values.dtype):
        return f"numbers, {values.nunique():,d} distinct, {values.isna().mean():.0%} missing"
    return f"text, {values.nunique():,d} distinct, {values.isna().mean():.0%} missing"


def _rule(values, canonical):
    column, parts, remarks = COLUMNS[canonical], [], []
    known = values.dropna()
    if column.kind == "date" and not pd.api.types.is_datetime64_any_dtype(values.dtype):
        text = known.astype(str).str.strip()
        fitting = [pattern for pattern in _DATES if pd.to_datetime(text, format=pattern, errors="coerce").notna().all()]
        if fitting:
            parts.append(f'date: ["{fitting[0]}"]')
            if len(fitting) > 1:
                remarks.append(f"{fitting[1]} fits as well: check day and month")
        else:
            remarks.append('no usual date format fits all cells: give date: ["..."]')
    elif column.kind in ("number", "integer"):
        number = pd.to_numeric(known.astype(str).str.replace(r"[%,\s$€£¥]", "", regex=True), errors="coerce")
        if number.isna().any():
            remarks.append(
                f"{int(number.isna().sum()):,d} cells of the first rows are no numbers: add missing or recode"
            )
        if (
            column.unit == "per cent"
            and len(number)
            and number.quantile(0.99) <= 1.5
            and not known.astype(str).str.contains("%").any()
        ):
            parts.append("unit: fraction")
            remarks.append("all values up to 1.5")
        if canonical == "income" and len(number) and number.median() < 20_000:
            remarks.append("per year? otherwise unit: per month, or thousand")
    elif column.kind in ("category", "ordered"):
        counts = known.astype(str).str.strip().value_counts(sort=False)
        usual = (
            {_plain(word) for text in _STATUS.values() for word in text.split(",")} if canonical == "status" else set()
        )
        usual |= {_plain(level) for level in column.levels}
        levels = [
            level
            for level, rows in counts.items()
            if not kind_of(level) and (rows >= LEAST or _plain(level) in usual or re.fullmatch(r"[A-Z]{1,2}\d?", level))
        ]
        if len(levels) < len(counts):
            remarks.append(
                f"{len(counts) - len(levels):,d} further level(s), each of fewer than {LEAST} loans, are not shown"
            )
        if canonical == "status":
            words = {_plain(word): stage for stage, text in _STATUS.items() for word in text.split(",")}
            pairs = {level: words.get(_plain(level)) for level in levels[:30]}
            parts.append(
                "recode: {" + ", ".join(f"{_quote(level)}: {stage or '?'}" for level, stage in pairs.items()) + "}"
            )
            if None in pairs.values():
                remarks.append(f"replace ? by one of {', '.join(_STATUS)} (null = missing)")
        elif column.levels and set(levels) - set(column.levels):
            near = {
                level: next((fixed for fixed in column.levels if _plain(fixed) in _plain(level)), "?")
                for level in levels[:30]
            }
            parts.append("recode: {" + ", ".join(f"{_quote(level)}: {fixed}" for level, fixed in near.items()) + "}")
            remarks.append(f"levels: {', '.join(column.levels)}")
        elif column.kind == "ordered":
            try:
                grade_order(levels, canonical)
            except ValueError:
                parts.append("order: [" + ", ".join(_quote(level) for level in levels[:30]) + "]")
                remarks.append("put them in order, best first")
    return parts, remarks
