"""Bring the published figures on borrowers of PPDai into tables with English labels.

    python data/build_platform_tables.py [--shared FOLDER]

reads ``data/ppdai_*.csv`` of the shared folder and writes

``ppdai_overdue_counts.csv``
    overdue and all listing snapshots by grade, age, sex and verification;
``ppdai_repayment_mix.csv``
    how the money due was paid, by grade, amount, age, sex and type;
The original Chinese labels stay beside the English ones. No row-level loan is in any of them.
"""

import argparse
from pathlib import Path

import pandas as pd

from p2prisk.datasets import shared_directory

VARIABLES = {
    "初始评级": "grade",
    "年龄段": "age",
    "年龄": "age",
    "性别": "sex",
    "学历认证": "verified_education",
    "是否首标": "first_loan",
    "征信认证": "verified_bureau",
    "淘宝认证": "verified_shop",
    "手机认证": "verified_phone",
    "视频认证": "verified_video",
    "户口认证": "verified_identity",
    "借款金额": "amount",
    "借款类型": "product",
}
LEVELS = {
    "男": "male",
    "女": "female",
    "成功认证": "yes",
    "未成功认证": "no",
    "是": "yes",
    "否": "no",
    "电商": "e-commerce",
    "APP闪电": "app",
    "普通": "ordinary",
    "其他": "other",
}


def translated(frame):
    """The same table with ``variable`` and ``level`` in English and the Chinese beside them."""
    frame = frame.rename(columns={"variable": "variable_zh", "level": "level_zh"})
    frame.insert(0, "variable", frame["variable_zh"].map(VARIABLES))
    frame.insert(1, "level", frame["level_zh"].map(lambda label: LEVELS.get(label, label)))
    if frame["variable"].isna().any():
        raise SystemExit(f"no English name for {sorted(set(frame['variable_zh'][frame['variable'].isna()]))}")
    return frame


def main(arguments=None):
    """Build the two files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", default=shared_directory(), type=Path)
    parser.add_argument("--output", default=Path(__file__).parent, type=Path)
    options = parser.parse_args(arguments)
    overdue = translated(pd.read_csv(options.shared / "data" / "ppdai_lcis_overdue_counts.csv"))
    overdue = overdue.rename(columns={"n_overdue_snapshots": "overdue", "n_snapshots": "snapshots"})
    mix = translated(pd.read_csv(options.shared / "data" / "ppdai_lp_repayment_mix.csv"))
    mix = mix.rename(
        columns={
            "amount_due_cny": "amount_due",
            "pct_prepaid_in_full": "prepaid_in_full",
            "pct_paid_early": "paid_early",
            "pct_paid_on_due_date": "paid_on_the_day",
            "pct_late_or_unpaid": "late_or_unpaid",
        }
    )
    for table, name in ((overdue.drop(columns="share"), "ppdai_overdue_counts"), (mix, "ppdai_repayment_mix")):
        path = options.output / f"{name}.csv"
        table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
        print(f"{path}: {len(table):,d} rows")


if __name__ == "__main__":
    main()
