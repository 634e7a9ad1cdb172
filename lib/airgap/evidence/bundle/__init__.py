"""The verifying half of the evidence: what an auditor runs, with the standard library of Python 3.9 alone."""
