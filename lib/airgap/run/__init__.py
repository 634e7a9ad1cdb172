"""Runs notebooks: the engine that executes one, and the runner that orders many."""
