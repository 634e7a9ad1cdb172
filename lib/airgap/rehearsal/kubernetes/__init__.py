"""A Kubernetes API for rehearsed EKS clusters, good enough for the official client, kubectl and helm unchanged.

One ``api.KubernetesApi`` answers for one cluster: objects, watches, four sorts of patches with server-side apply,
schemas and rules of the cluster's version, custom resources, RBAC with EKS access entries and policies, Pod Security,
and controllers that act without threads. A pod runs only if its image is in the rehearsal's registry and its node's
role may pull it. What all this does not prove is in ``discovery.NOT_PROVEN``, in ``/version`` and in the ConfigMap
``kube-public/airgap-rehearsal``.
"""
