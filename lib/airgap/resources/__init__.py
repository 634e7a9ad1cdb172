"""What the runbook can make: one module per family of resources, each declaring its kinds and what it wants of them."""
