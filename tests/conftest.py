"""What pytest leaves alone: the scripts that make the references need R or packages that the tests do not."""

collect_ignore = ["reference"]
