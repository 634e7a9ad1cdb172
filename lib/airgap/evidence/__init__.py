"""Evidence: what a run leaves on disk, so that others can check it."""
