"""``p2prisk fit``: the standard model of a tape, or the one that the analyst asks for, behind the quality gate."""

import contextlib
import sys
from dataclasses import replace

from p2prisk.errors import count_of


def add(command):
    """Add the command to a parser."""
    from p2prisk import cli
    from p2prisk.kinds import LINKS, METHODS, OUTCOMES

    sub = command("fit", run, "Fit the standard ordered logit, or a model of your own, to a tape and store it.")
    sub.add_argument("--output", required=True, help="model file to write (JSON)")
    sub.add_argument("--outcome", choices=OUTCOMES, help="default: the first the tape has")
    sub.add_argument(
        "--horizon", type=cli._count, metavar="MONTHS", help="bad is what fails within so many months of issue"
    )
    sub.add_argument("--as-of", type=cli._day, metavar="DAY", help="use only what was known on this day")
    sub.add_argument("--predictors", help="columns, separated by commas; default: chosen by rule")
    sub.add_argument(
        "--formula", help="predictors as terms, such as 'np.log1p(income) + C(term) + home:purpose'; in place of names"
    )
    sub.add_argument(
        "--own",
        metavar="COLUMNS",
        help="columns of your own known at issue, by commas: number.NAME or class.NAME, with =COLUMN of the file where "
        "it is called otherwise",
    )
    sub.add_argument(
        "--known-at-issue",
        metavar="COLUMNS",
        help="of these own columns you say that they are known at issue, although they look like later ones",
    )
    sub.add_argument("--weights", metavar="COLUMN", help="for how many loans a row stands: number.NAME=COLUMN")
    sub.add_argument("--link", choices=LINKS, default="logit", help="default: logit, which a card in points needs")
    sub.add_argument(
        "--method",
        type=_method,
        metavar="|".join(METHODS),
        default="cumulative",
        help="proportional odds (default); one model a stage; or proportional odds with Firth's correction, for few "
        "bad loans. When loans end is the hazard of 'p2prisk report', which it fits to any tape that dates its ends; "
        "young loans enter a fit by --horizon",
    )
    cli.cluster_option(sub)
    sub.add_argument("--anyway", action="store_true", help="fit although the check found errors")


def settings_of(arguments):
    """What is asked for: the settings of the fit, and the rules of own columns."""
    from p2prisk.errors import DataError
    from p2prisk.tape.own import read_own
    from p2prisk.terms import FitSettings

    own, stated = read_own(arguments.own or ""), _names(arguments.known_at_issue)
    strange = [name for name in stated or () if name not in own]
    if strange:
        raise DataError(f"--known-at-issue {', '.join(strange)}: name these columns with --own, too")
    own = {name: {**rule, "known_at_issue": True} if name in (stated or ()) else rule for name, rule in own.items()}
    weights = arguments.weights
    if weights and "." in weights.partition("=")[0]:
        made = read_own(weights)
        weights = next(iter(made))
        if len(made) > 1 or weights in own:
            raise DataError("--weights is one column, which is no predictor")
        own |= {weights: {"from": made[weights]["from"], "known_at_issue": True}}
    settings = FitSettings(
        _names(arguments.predictors),
        arguments.formula,
        weights or None,
        arguments.link,
        arguments.method,
        frozenset(stated or ()),
    )
    return settings, own


def _method(text):
    import argparse

    from p2prisk.kinds import METHODS

    if text == "hazard":
        raise argparse.ArgumentTypeError(
            "a hazard is no model of one event by one date, which 'score' and 'monitor' need: 'p2prisk report' fits it "
            "to a tape that dates its ends; here, --horizon MONTHS judges the loans of a live book that are so old"
        )
    if text not in METHODS:
        raise argparse.ArgumentTypeError(f"{text!r} is no method; choose from {', '.join(METHODS)}")
    return text


def _names(text):
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


def run(arguments):
    """Read, check, fit, write; what is said comes last: who closes the pipe early has the model all the same."""
    from p2prisk import cli
    from p2prisk.errors import P2PRiskError
    from p2prisk.outputs import Output

    settings, own = settings_of(arguments)
    said = []
    try:
        with Output(arguments.output, cli._inputs(arguments)) as target:
            target.stream.write(_readable(_fitted(arguments, settings, own, said).to_json()).encode("utf-8"))
    except (P2PRiskError, cli._Stop):
        with contextlib.suppress(BrokenPipeError):
            cli._say("\n".join(said))
        raise
    print(f"written: {arguments.output}", file=sys.stderr)
    cli._say("\n".join(said))


def _fitted(arguments, settings, own, said):
    """The model of a tape that passes the quality gate; what there is to say is added to `said`."""
    from p2prisk import cli
    from p2prisk.cli.progress import FIT, Steps
    from p2prisk.scorecard import scale_of_tape
    from p2prisk.standard import fit_standard, sampling_weights
    from p2prisk.tape.event import Event

    with Steps(FIT):
        tape, note = _sample(arguments, own)
        report = tape.quality()
    said += [tape.account(), note]
    if not cli._gate(report, arguments.anyway):
        raise cli._Stop(1)
    _enough(tape, arguments)
    model = fit_standard(tape, arguments.outcome, settings=_with_stated(settings, tape), held=False)
    if model.event is not None:
        said.append(f"the event: {Event.from_plain(model.event).name}")
    if tape.provenance.get("grade_words") and model.outcome == "grade":
        said.append(tape.provenance["grade_words"])
    said.append(str(model.results.summary()))
    said += [f"left out: {name} ({why})" for name, why in model.left_out.items()]
    if model.bad_from and "bad" in tape.frame:
        frame = tape.frame
        if settings.weights is not None:
            frame = frame.assign(n=sampling_weights(frame, settings.weights))
        scale, why = scale_of_tape(model, frame)
        model.scale = None if scale is None else scale.to_plain()
        said.append(f"no grades: {why}" if scale is None else f"grades: {len(scale.labels)}")
        if not model.in_points:
            said.append("no points: only the odds of a proportional-odds logit add up; score gives probabilities")
    return model


def _readable(text):
    """The text of a model, if every command can read it: numbers far outside their range leave one that none takes."""
    from p2prisk.errors import DataError
    from p2prisk.standard import StandardModel

    try:
        StandardModel.from_json(text)
    except DataError as error:
        why = str(error).partition(": ")[2] or str(error)
        raise DataError(
            f"the model is not written, as no command would take it: {why}. 'p2prisk check' names the values outside "
            "their range; correct them or set them to missing"
        ) from None
    return text


def _sample(arguments, own):
    """The loans of the study, and how they were chosen; of the tape itself nothing is kept."""
    from p2prisk import cli
    from p2prisk.errors import DataError
    from p2prisk.tape.sample import study_sample
    from p2prisk.tape.watch import told

    whole = cli._read(arguments, own=own)
    told("sample", 0, 1)
    if arguments.as_of is not None:
        wound = whole.as_of(arguments.as_of)
        if "status" in whole.frame and "status" not in wound.frame:
            raise DataError(f"--as-of: {wound.unused['status']}; map closed_date or last_payment_date")
        whole = wound
    return study_sample(whole, arguments.horizon)


def _enough(tape, arguments):
    """Stop where so few loans, or of one kind so few, cannot carry a model; the bounds are those of a verdict."""
    from p2prisk import cli
    from p2prisk.monitor import Limits

    frame, limits = tape.frame, Limits()
    weights = frame["n"] if "n" in frame else 1.0
    loans = int(frame["n"].sum()) if "n" in frame else len(frame)
    says = count_of(loans, "loan")
    few = loans < limits.loans
    if arguments.outcome != "grade" and "bad" in frame:
        bad = int((frame["bad"].fillna(False).astype(bool) * weights).sum())
        good = int(((~frame["bad"].fillna(True).astype(bool)) * weights).sum())
        says += f", {bad:,d} of them bad and {good:,d} good"
        few = few or min(bad, good) < limits.events
    if not few:
        return
    if arguments.anyway:
        print(f"going on with {says}, as asked: every number of such a model is loose", file=sys.stderr)
        return
    print(
        f"p2prisk: {says}: too few for a model ({limits.loans} loans, {limits.events} of each kind); add loans, choose "
        "another --horizon, or go on with --anyway",
        file=sys.stderr,
    )
    raise cli._Stop(1)


def _with_stated(settings, tape):
    """The settings with what the mapping file says of own columns."""
    rules = (tape.provenance.get("mapping") or {}).get("columns") or {}
    said = {name for name, rule in rules.items() if isinstance(rule, dict) and rule.get("known_at_issue")}
    return replace(settings, stated=settings.stated | said)
