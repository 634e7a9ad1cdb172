"""EKS: clusters with everything that belongs to them, as records of ours; moto's EKS is not used.

Fields, states and refusals follow botocore's model and the EKS User Guide. What an operation starts is finished after
the seconds of ``settling``; states are computed when they are read.
"""
