"""Service-linked roles under the names that AWS gives them; moto derives most names from the service's own."""

from __future__ import annotations

import moto.iam.models

NAMES = {
    "eks": "AmazonEKS",
    "eks-nodegroup": "AmazonEKSNodegroup",
    "elasticache": "ElastiCache",
    "elasticloadbalancing": "ElasticLoadBalancing",
    "rds": "RDS",
    "transcribe": "Transcribe",
}
moto.iam.models.SERVICE_NAME_CONVERSION.update(NAMES)
