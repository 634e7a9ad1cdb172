"""Judgements over (intent, estate): one module per theme, functions only; pure, so that an auditor can re-run them."""
