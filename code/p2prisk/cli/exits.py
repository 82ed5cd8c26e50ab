"""Exit codes of the commands, for schedulers and for people."""

FINE = 0
FAILED = 1
UNREADABLE = 2
FAULT = 3
RECALIBRATE = 10
REDEVELOP = 11
NO_VERDICT = 12
BROKEN = 13

#: what each code says
MEANING = {
    FINE: "all is well; `monitor`: keep the model",
    FAILED: "the tape was read and has errors that make a number wrong (`check`, and the gate before `fit` and "
    "`report`), or the book failed to render",
    UNREADABLE: "a file could not be read, the result could not be written, or the command was wrong",
    FAULT: "a fault of this program",
    RECALIBRATE: "`monitor`: recalibrate the model",
    REDEVELOP: "`monitor`: redevelop the model",
    NO_VERDICT: "`monitor`: no verdict, for want of loans or outcomes",
    BROKEN: "`stress`: a scenario breaks a limit of the file",
    128: "128 + n: stopped by signal n (130: Ctrl-C); nothing was replaced",
}
