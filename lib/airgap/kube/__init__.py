"""The cluster through its private API: how it is reached, how a caller proves who it is, what it reads and writes."""
