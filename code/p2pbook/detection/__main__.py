"""Make the stored results of the detection study again."""

import argparse
import sys

from p2pbook.detection.experiment import run
from p2prisk.datasets import data_directory


def main(arguments=None):
    """Run the study and write its two tables."""
    parser = argparse.ArgumentParser(prog="python -m p2pbook.detection", description=__doc__)
    parser.add_argument("--workers", type=int, default=1, help="processes (1)")
    options = parser.parse_args(arguments)
    result, limits = run(options.workers)
    folder = data_directory()
    result.to_csv(folder / "detection_study.csv", index=False, lineterminator="\n")
    limits.to_csv(folder / "detection_limits.csv", index=False, lineterminator="\n")
    print(f"written: {len(result):,d} platforms, {len(limits):,d} limits")
    return 0


if __name__ == "__main__":
    sys.exit(main())
