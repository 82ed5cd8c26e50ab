"""Check the chapters against the house rules."""

from pathlib import Path


def add_arguments(parser):
    """Declare the command's arguments."""
    parser.add_argument("--project", default=".", help="folder with _quarto.yml")
    parser.add_argument("--profile", help="also read _quarto-PROFILE.yml")
    parser.add_argument("--rules", action="store_true", help="list the rules and stop")


def run(arguments):
    """Run the command."""
    from bookkit.linter import RULES, lint

    if arguments.rules:
        for name, rule in RULES.items():
            print(f"{name}: {rule.__doc__.splitlines()[0]}")
        return 0
    findings = lint(Path(arguments.project), profile=arguments.profile)
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} findings")
    return 1 if findings else 0
