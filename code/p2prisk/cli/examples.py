"""One example a command, for its help and the reference page; a test runs those that need no network, in this order."""

#: command -> example, from a folder that holds nothing but the loans of the reader
EXAMPLES = {
    "check": "p2prisk check loans.csv --html quality.html",
    "columns": "p2prisk columns --known issue",
    "map": "p2prisk map loans.csv --output mapping.yml",
    "fit": "p2prisk fit loans.csv --formula 'np.log1p(income) + dti + C(term)' --output model.json",
    "score": "p2prisk score loans.csv --model model.json --output scores.csv",
    "monitor": "p2prisk monitor loans.csv --model model.json --same-months --html monitor.html",
    "challenge": "p2prisk challenge loans.csv --model model.json --against model.json --same-months",
    "stress": "p2prisk stress loans.csv --model model.json --scenario example --html stress.html",
    "keys": "p2prisk keys loans.csv --key secret.txt --output keys.csv",
    "report": "p2prisk report loans.csv --to html,pdf --output report",
    "rerun": "p2prisk rerun report/lineage.json --tape loans.csv",
    "obtain": "p2prisk obtain lendingclub-2007-2011 --to data",
    "selftest": "p2prisk selftest",
}
