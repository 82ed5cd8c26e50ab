"""Personal data: recognised by the column's name and by the pattern of its values, never shown."""

import re

import pandas as pd

_NAMES = re.compile(
    r"(^|[_\s])(first|last|full|sur|user|nick|borrower|real)?[_\s]?name$|^name$|phone|mobile|"
    r"e?[-_]?mail|address(?!_state)|street|^id_?(card|number|no)|identity_?(card|number|no)|passport|ssn|"
    r"social_security|birth|wechat|^qq$|姓名|用户名|昵称|手机|电话|身份证|证件|住址|地址|邮箱|微信|生日",
    re.IGNORECASE,
)
_VALUES = {
    "identity number": re.compile(r"^\d{17}[\dXx]$|^\d{6}\*{4,}[\dXx*]{2,}$|^\d{3}-\d{2}-\d{4}$"),
    "phone number": re.compile(r"^(\+?86[- ]?)?1[3-9]\d[\d*]{8}$|^\+?1?[- .(]*\d{3}[) .-]+\d{3}[ .-]\d{4}$"),
    "e-mail address": re.compile(r"^[^@\s]+@[^@\s]+\.[A-Za-z]{2,}$"),
}


def masked(value):
    """A value fit for a message: short, and hidden if it looks like personal data.

    Examples
    --------
    >>> masked("12a"), masked("13812345678"), masked("x" * 50)
    ("'12a'", '(hidden: phone number)', "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxx…'")
    """
    text = str(value).strip()
    for what, pattern in _VALUES.items():
        if pattern.match(text):
            return f"(hidden: {what})"
    return repr(text if len(text) <= 30 else text[:29] + "…")


def personal_columns(frame, rows=2000, share=0.3):
    """Find columns that hold personal data.

    Parameters
    ----------
    frame : pandas.DataFrame
        Raw table; only its first `rows` rows are looked at.
    rows : int
        Rows to look at.
    share : float
        Share of the filled cells that must match a pattern.

    Returns
    -------
    dict
        Column -> what was recognised; no value is ever returned.

    Examples
    --------
    >>> import pandas as pd
    >>> personal_columns(pd.DataFrame({"tel": ["13812345678"], "amount": [10000], "姓名": ["x"]}))
    {'tel': 'phone number', '姓名': 'personal by its name'}
    """
    found = {}
    for name in frame.columns:
        series = frame[name]
        values = series.head(rows).dropna()
        if (
            not pd.api.types.is_bool_dtype(series.dtype)
            and _NAMES.search(str(name))
            and len(values)
            and not set(values.astype(str).unique())
            <= {"0", "1", "0.0", "1.0", "成功认证", "未成功认证", "True", "False", "yes", "no", "Y", "N"}
        ):
            found[str(name)] = "personal by its name"
        if pd.api.types.is_float_dtype(series.dtype) or not len(values):
            continue
        text = values.astype(str).str.strip()
        for what, pattern in _VALUES.items():
            if text.str.match(pattern).mean() >= share:
                found[str(name)] = what
                break
    return found
