import time

from embedded import AWS

from airgap.resources.identity import IDENTITY
from airgap.resources.network import NETWORK

D = (*IDENTITY, *NETWORK)


def test_x(aws: AWS) -> None:
    t = time.time()
    p = aws.apply(*D)
    print(len(p.changes), time.time() - t)
    t = time.time()
    a = aws.plan(*D)
    print(time.time() - t)
    for k, v in a.changes.items():
        print(k, v)
    print(a.plan.unknowns)
    print("ORPH", a.found.orphans)
    a = aws.destroy(*D)
    a = aws.plan(*D)
    print([l for l in a.found.lives], a.found.orphans)
