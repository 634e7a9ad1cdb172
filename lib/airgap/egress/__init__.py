"""The zero-egress proof: what may leave a subnet, decided over all packets and channels from recorded pages alone."""
