"""The nouns of the product: intent, observations, estate, plan, findings, journal. Standard library only."""
