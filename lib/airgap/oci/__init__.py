"""Registries by the OCI distribution protocol: images and charts mirrored by digest, with all that refers to them.

``reference`` and ``content`` are the nouns, ``registry`` is the client, ``transfer`` one blob and ``copying`` one image
with all that belongs to it; ``lockfile`` says what is to be mirrored, ``planning`` what of it is missing, ``layout`` is
the same set as a file. ``mirror`` is what commands and notebooks call.
https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
"""
