"""What holds for every policy: denies only take away, allows only give, and the canonical form means the same."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from airgap.model.conditions import every, matches, negated, some, tokens
from airgap.model.policy import ALLOW, DENY, Request, canonical, evaluate, parse

# The same examples in every run, however busy the machine.
repeatable = settings(derandomize=True, deadline=None, database=None, max_examples=200)

ACTIONS = ("s3:GetObject", "s3:PutObject", "sts:GetCallerIdentity")
RESOURCES = ("arn:aws:s3:::b/k", "arn:aws:s3:::c/k", "*")
KEYS = ("aws:PrincipalOrgID", "aws:ResourceOrgID", "aws:TagKeys")
VALUES = ("o-1", "o-2", "${aws:PrincipalOrgID}", "o-*")
OPERATORS = (
    *("StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIfExists"),
    *("ForAnyValue:StringEquals", "ForAllValues:StringEquals", "ForAnyValue:StringNotLike", "Null", "Mystery", "Bool"),
)

one_or_more = st.lists(st.sampled_from(VALUES), min_size=1, max_size=3, unique=True)
conditions = st.dictionaries(
    st.sampled_from(OPERATORS),
    st.dictionaries(st.sampled_from((*KEYS, "AWS:principalorgid")), one_or_more, min_size=1, max_size=2),
    max_size=2,
)
principals = st.sampled_from(
    ["*", {"AWS": "*"}, {"AWS": "111111111111"}, {"AWS": ["arn:aws:iam::111111111111:root"]}, {"Federated": "*"}]
)


@st.composite
def statements(draw: st.DrawFn, effect: str | None = None) -> dict[str, Any]:
    """A statement, in any of its spellings."""
    action = draw(st.sampled_from(("Action", "NotAction")))
    resource = draw(st.sampled_from(("Resource", "NotResource")))
    principal = draw(st.sampled_from(("Principal", "NotPrincipal")))
    patterns = st.lists(st.sampled_from((*RESOURCES, "arn:aws:s3:::*", "arn:*:k")), min_size=1, max_size=2)
    found: dict[str, Any] = {
        "Effect": effect or draw(st.sampled_from(("Allow", "Deny"))),
        action: draw(st.sampled_from((*ACTIONS, "s3:*", "*", ["S3:getobject", "sts:*"]))),
        resource: draw(patterns),
        principal: draw(principals),
    }
    block = draw(conditions)
    if block:
        found["Condition"] = block
    if draw(st.booleans()):
        found["Sid"] = draw(st.sampled_from(("", "Named")))
    return found


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A document of up to three statements, in either version."""
    found: dict[str, Any] = {"Statement": draw(st.lists(statements(), min_size=1, max_size=3))}
    if draw(st.booleans()):
        found["Version"] = draw(st.sampled_from(("2012-10-17", "2008-10-17")))
    return found


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A request by an own, foreign, federated or anonymous caller."""
    kind, account = draw(
        st.sampled_from([("AWS", "111111111111"), ("AWS", "222222222222"), ("Federated", ""), ("Anonymous", "")])
    )
    context = draw(st.dictionaries(st.sampled_from(KEYS), st.lists(st.sampled_from(("o-1", "o-2")), max_size=2)))
    return Request(
        action=draw(st.sampled_from(ACTIONS)),
        resource=draw(st.sampled_from(RESOURCES)),
        principal=f"arn:aws:iam::{account}:user/u" if account else "",
        principal_type=kind,
        account=account,
        context={key: tuple(values) for key, values in context.items()},
        complete=draw(st.booleans()),
    )


def outcome(document: dict[str, Any] | str, request: Request) -> str:
    """The outcome of the document for the request."""
    return evaluate(parse(document), request).outcome


def with_statement(document: dict[str, Any], statement: dict[str, Any]) -> dict[str, Any]:
    """The document with one statement more."""
    return {**document, "Statement": [*document["Statement"], statement]}


@repeatable
@given(documents(), statements("Deny"), requests())
def test_a_deny_never_allows_more(document: dict[str, Any], deny: dict[str, Any], request: Request) -> None:
    """What was denied stays denied, and nothing becomes allowed."""
    before, after = outcome(document, request), outcome(with_statement(document, deny), request)
    assert after in (DENY, before) or (before, after) == (ALLOW, "unknown")


@repeatable
@given(documents(), statements("Allow"), requests())
def test_an_allow_never_denies_more(document: dict[str, Any], allow: dict[str, Any], request: Request) -> None:
    """What was allowed stays allowed, and nothing becomes denied."""
    before, after = outcome(document, request), outcome(with_statement(document, allow), request)
    assert before == DENY or after in (ALLOW, before)


@repeatable
@given(documents(), requests())
def test_canonical_means_the_same(document: dict[str, Any], request: Request) -> None:
    """The canonical form decides as the document does, and is its own canonical form."""
    form = canonical(document)
    assert outcome(form, request) == outcome(document, request)
    assert canonical(form) == form
    assert canonical(json.loads(form)) == form


@repeatable
@given(documents(), st.randoms(use_true_random=False))
def test_canonical_ignores_order(document: dict[str, Any], random: Any) -> None:
    """The order of statements says nothing."""
    shuffled = list(document["Statement"])
    random.shuffle(shuffled)
    assert canonical({**document, "Statement": shuffled}) == canonical(document)


@repeatable
@given(documents(), requests(), st.sampled_from(KEYS), st.sampled_from(("o-1", "o-2", None)))
def test_knowing_more_never_contradicts(
    document: dict[str, Any], request: Request, key: str, value: str | None
) -> None:
    """A decision made while a key was open holds whatever the key turns out to be."""
    known = {name: values for name, values in request.context.items() if name != key}
    open_request = Request(**{**vars(request), "context": known, "complete": False})
    closed = Request(**{**vars(open_request), "context": {**known, key: (value,) if value else ()}})
    before = outcome(document, open_request)
    assert before == "unknown" or outcome(document, closed) == before


@repeatable
@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_matches_by_definition(pattern: str, text: str) -> None:
    """The matcher agrees with the definition by recursion on the pattern."""

    def defined(rest: str, left: str) -> bool:
        if not rest:
            return not left
        if rest[0] == "*":
            return any(defined(rest[1:], left[at:]) for at in range(len(left) + 1))
        return bool(left) and rest[0] in ("?", left[0]) and defined(rest[1:], left[1:])

    assert matches(tokens(pattern), text) is defined(pattern, text)


def test_a_hostile_pattern_is_cheap() -> None:
    """Many stars do not make the matcher search for ever."""
    assert not matches(tokens("*a" * 60 + "b"), "a" * 4000)


@repeatable
@given(st.lists(st.sampled_from((True, False, None)), max_size=4))
def test_de_morgan(truths: list[bool | None]) -> None:
    """The three-valued connectives are dual to each other."""
    assert negated(every(truths)) is some([negated(each) for each in truths])
