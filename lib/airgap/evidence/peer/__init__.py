"""A second scanner beside the runbook: what its checks mean here, whether its verdicts agree, and our checks for it."""
