"""Route tables and the gateways of the declared public tier."""

from embedded import AWS

from airgap.resources import acl, gateways, routing, security_groups, vpc

D = (
    vpc.declare,
    acl.declare,
    vpc.declare_subnets,
    acl.associate,
    gateways.declare,
    routing.declare,
    security_groups.declare,
)


def test_x(aws: AWS) -> None:
    p = aws.apply(*D)
    print(*p.changes, sep="\n")
    a = aws.plan(*D)
    print(a.changes, a.plan.unknowns)
    print("ORPH", a.found.orphans)
    a = aws.destroy(*D)
    print(*a.changes, sep="\n")
    a = aws.plan(*D)
    print([l for l in a.found.lives])
