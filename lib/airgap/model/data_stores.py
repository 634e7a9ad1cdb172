"""What databases and caches are named, and which of their settings the steps declare and the checks expect."""

from __future__ import annotations

from airgap.model.intent import Intent

FAMILY = "postgres"
PORT, CACHE_PORT = 5432, 6379
RDS_CA = "rds-ca-rsa2048-g1"
"""The authority of the server's certificate; its root is in the bundle that clients carry."""
VECTORS_TAG = "airgap:vectors"
"""The tag of a database that says for which vectors it was prepared last."""
RESTORE_TAG, FAILOVER_TAG = "airgap:restore-drill", "airgap:failover-drill"
"""Tags that a drill leaves on what it tried: when, whether it passed, how long it took, in which run."""

TLS_PARAMETERS = {"rds.force_ssl": "1", "ssl_min_protocol_version": "TLSv1.2"}
"""What makes the server refuse connections in the clear (RDS User Guide, "Requiring an SSL connection")."""


def parameters(intent: Intent) -> dict[str, str]:
    """Return the parameters that are set in the database's own group.

    Statements are not logged: PostgreSQL would write passwords of ALTER ROLE into the log.
    """
    return {
        **TLS_PARAMETERS,
        "log_disconnections": "1",
        "log_statement": "none",
        "password_encryption": "scram-sha-256",
        "rds.accepted_password_auth_method": "scram",
    }


def log_exports(intent: Intent) -> list[str]:
    """Return the logs that the database sends to CloudWatch Logs."""
    return ["postgresql", "upgrade"]


def rds_log_group(intent: Intent, kind: str) -> str:
    """Return the log group that RDS writes a kind of log to; it chooses the name itself."""
    return f"/aws/rds/instance/{intent.data.postgres_name}/{kind}"


def cache_log_group(intent: Intent) -> str:
    """Return the log group of the cache's engine log."""
    return f"/aws/elasticache/{intent.name('cache')}/engine"


def cache_user(intent: Intent) -> str:
    """Return the id and name of the application's cache user: with IAM authentication they are the same."""
    return intent.name("application")


def asked_of_database(intent: Intent) -> str:
    """Return what the function is asked to prepare, as a tag can hold it: table, dimensions, lists.

    >>> from types import SimpleNamespace as named
    >>> data = named(database="app", embeddings_table="embeddings", embedding_dimensions=1024, ivfflat_lists=100)
    >>> asked_of_database(named(data=data))
    'app.embeddings vector=1024 lists=100'
    """
    data = intent.data
    return f"{data.database}.{data.embeddings_table} vector={data.embedding_dimensions} lists={data.ivfflat_lists}"


def bootstrap_log_group(intent: Intent) -> str:
    """Return the log group of the function that prepares the database."""
    return f"/aws/lambda/{intent.name('database-bootstrap')}"


def drill_copy(intent: Intent) -> str:
    """Return the name of the copy that a restore drill makes; RDS takes 63 characters."""
    return f"{intent.data.postgres_name[:57]}-drill"
