"""What is sent to a host to try the network from there; it knows nothing of the runbook, and needs Python alone."""
