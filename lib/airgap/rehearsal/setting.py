"""How moto is set up before the first request: its switches, its caches, and the account that a rehearsal starts with.

Everything here reaches into moto's private parts, which is why moto is pinned; ``tests/rehearsal`` has a test for each.
"""

from __future__ import annotations

import functools
import importlib
import os
import pkgutil
import threading
from typing import Any

import moto.backends
import moto.core.responses
from moto.core.model import ServiceModel
from moto.ec2.models import EC2Backend
from moto.iam.models import IAMBackend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

import airgap.rehearsal as package
from airgap.rehearsal.identity import PEOPLE, role_id

SWITCHES = {
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    "MOTO_ACM_VALIDATION_WAIT": "1",
    "MOTO_ALLOW_NONEXISTENT_REGION": "false",
}
_TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:%s:iam::%s:root"},'
    '"Action":"sts:AssumeRole"}]}'
)


@functools.cache
def install() -> None:
    """Set moto up, once for the process: the second call changes nothing."""
    os.environ.update(SWITCHES)
    _cache()
    _without_default_vpc()
    _with_people()
    for folder in ("answers", "mends", "eks", "elasticache"):
        for module in pkgutil.iter_modules([f"{package.__path__[0]}/{folder}"]):
            importlib.import_module(f"{package.__name__}.{folder}.{module.name}")


def _cache() -> None:
    """Things that moto works out again for every request or reset, and that never change."""
    core: Any = moto.core.responses
    core.method_names_from_class = functools.cache(core.method_names_from_class)
    dispatcher: Any = DomainDispatcherApplication
    dispatcher.get_backend_for_host = functools.cache(dispatcher.get_backend_for_host)
    modules = tuple(moto.backends.list_of_moto_modules())
    moto.backends.list_of_moto_modules = lambda: modules
    IAMBackend._init_aws_policies = _managed_policies
    _one_at_a_time()


def _one_at_a_time() -> None:
    """moto holds a model of botocore's for a moment in the place of its own, where another thread sees it."""
    models, lock = ServiceModel.operation_model, threading.Lock()

    def operation_model(self: Any, operation_name: str) -> Any:
        with lock:
            return models(self, operation_name)

    ServiceModel.operation_model = operation_model


_load_policies = IAMBackend._init_aws_policies
_policies: dict[tuple[str, str], list[Any]] = {}


def _managed_policies(self: Any) -> list[Any]:
    """AWS's own policies, read once for an account and partition; nobody can change more than who has them."""
    key = (self.account_id, self.region_name)
    if key not in _policies:
        _policies[key] = _load_policies(self)
    for policy in _policies[key]:
        policy.attachment_count = 0
    return _policies[key]


def _without_default_vpc() -> None:
    """An enterprise landing zone deletes the default VPC of every Region; CreateDefaultVpc still makes one."""
    create = EC2Backend.create_default_vpc

    def unless_new(self: EC2Backend) -> Any:
        return create(self) if "default_vpc" in self.__dict__ else None

    EC2Backend.create_default_vpc = unless_new


def _with_people() -> None:
    """The role of the people's sessions exists in their account, as it does where people sign in through a role."""

    def populate(self: IAMBackend) -> None:
        names = {caller.role for caller in PEOPLE.values() if caller.account == self.account_id}
        for name in names:
            trust = _TRUST % (self.partition, self.account_id)
            role = self.create_role(name, trust, "/", None, "Sign-in of platform engineers", [], "14400")
            self.roles[role_id(self.account_id, name)] = self.roles.pop(role.id)
            role.id = role_id(self.account_id, name)

    IAMBackend.initialize_service_roles = populate
