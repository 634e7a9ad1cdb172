"""The lab: the recorded network as network namespaces of this machine, in which packets really flow.

``twin`` turns a snapshot into text (links, routes, filters, names): data in, text out, and no decision about a packet.
What routes is this machine's kernel, what filters is nftables, so the twin and the proof can be compared packet by
packet (``agreement``). The other modules execute: they need root, and touch nothing but namespaces of their own.
What else is declared stands as real programs on loopback (``component``), such as the data stores (``data_planes``).
"""
