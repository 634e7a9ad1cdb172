"""What runs in Lambda, inside the VPC: SQL that changes passwords and prepares the database.

A package of its own: it imports nothing of the runbook, and in Lambda it has Python's library, boto3 and the driver
that is packed with it (``airgap.resources.packages``). It has no environment variables; what it must know is in its
event, or in the secret that the event names.
"""
