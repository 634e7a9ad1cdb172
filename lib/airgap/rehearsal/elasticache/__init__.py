"""ElastiCache: replication groups with their nodes, users and snapshots, as records of ours; moto's is not used.

Fields, states and refusals follow botocore's model and the ElastiCache User Guide.
"""
