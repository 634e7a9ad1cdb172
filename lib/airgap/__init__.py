"""airgap: deploys an air-gapped AWS EKS environment, proves it, and hands over the evidence."""

__version__ = "0.1.0"
