"""The load balancer's stand-in: nginx with ModSecurity, configured from the declared listeners and web ACL alone.

Each of AWS's managed rule groups is stood in for by the files of the OWASP Core Rule Set about the same attacks, and
the known bad inputs by one rule about Log4Shell, which that set lacks in Debian. They are other rules than AWS's: what
is shown is that requests of these kinds end before the pods, because the web ACL says so. Sources: WAF Developer Guide,
"AWS Managed Rules rule groups list"; ngx_http_ssl_module, ngx_http_limit_req_module; ModSecurity Reference Manual v3.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airgap.errors import AirgapError
from airgap.lab.component import Component, ComponentFailed, started
from airgap.lab.kernel import inside

PACKAGES = ("nginx", "libnginx-mod-http-modsecurity", "modsecurity-crs")
MODULE = "/usr/lib/nginx/modules/ngx_http_modsecurity_module.so"
BASE = Path("/etc/nginx/modsecurity.conf")
CORE = Path("/usr/share/modsecurity-crs/rules")
_BEFORE = (Path("/etc/modsecurity/crs/crs-setup.conf"), CORE / "REQUEST-901-INITIALIZATION.conf")
_AFTER = (CORE / "REQUEST-949-BLOCKING-EVALUATION.conf",)
_TLS = re.compile(r"ELBSecurityPolicy-TLS13-1-([0-3])-(?:[A-Za-z0-9-]+-)?\d{4}-\d{2}")
_RULE = re.compile(r"^Sec(?:Rule|Action)\b", re.MULTILINE)
_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_LOG4SHELL = r"""# OWASP CRS 4, rule 944150
SecRule REQUEST_URI_RAW|ARGS|ARGS_NAMES|REQUEST_HEADERS|REQUEST_COOKIES|REQUEST_BODY \
  "@rx (?i)(?:\$|&dollar;?)(?:\{|&l(?:brace|cub);?)(?:[^\}]{0,15}(?:\$|&dollar;?)(?:\{|&l(?:brace|cub);?)|jndi|ctx)" \
  "id:9001,phase:2,deny,status:403,t:none,t:urlDecodeUni,log,msg:'Log4Shell'"
"""
_GROUPS = {
    "AWSManagedRulesCommonRuleSet": ("913", "920", "921", "930", "931", "941"),
    "AWSManagedRulesSQLiRuleSet": ("942",),
    "AWSManagedRulesKnownBadInputsRuleSet": (),
}
"""Rule group of AWS -> the core set's files of the same attacks, by number: scanners, protocol, files, scripts; SQL."""
_OURS = {
    "SecRuleEngine": "On",
    "SecStatusEngine": "Off",
    "SecAuditLogFormat": "JSON",
    "SecAuditLog": "{folder}/audit.json",
    "SecTmpDir": "{folder}",
    "SecDataDir": "{folder}",
    "SecUnicodeMapFile": "/etc/nginx/unicode.mapping 20127",
}
"""ModSecurity's settings that are not the package's; its status engine would ask the internet for a name."""
_NGINX = """load_module {module};
daemon off;
user nobody nogroup;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 256; }}
http {{
  access_log {folder}/access.log;
  server_tokens off;
  {temporary}
  map $request_uri $asked_path {{ "~^/(?<asked>[^?]*)" $asked; }}
{limits}  upstream targets {{
{targets}  }}
{servers}}}
"""


@dataclass(frozen=True)
class Configuration:
    """nginx's and ModSecurity's files as text, and a line for each thing declared that they do not do."""

    nginx: str
    rules: str
    files: tuple[Path, ...]
    left_out: tuple[str, ...]


@dataclass
class _Acl:
    """What a web ACL becomes: ModSecurity's rules, nginx's limits, and what it could not become."""

    groups: list[str] = field(default_factory=list)
    zones: str = ""
    limits: str = ""
    left: list[str] = field(default_factory=list)

    def files(self) -> tuple[Path, ...]:
        """Return the core set's files, in the order in which it wants to be read."""
        numbers = sorted(number for group in self.groups for number in _GROUPS[group])
        chosen = [file for number in numbers for file in sorted(CORE.glob(f"REQUEST-{number}-*.conf"))]
        return (*_BEFORE, *chosen, *_AFTER) if numbers else ()


def configured(listeners: Iterable[Mapping[str, Any]], rules: Iterable[Mapping[str, Any]], address: str,
               targets: Sequence[str], pem: Path, folder: Path) -> Configuration:  # fmt: skip
    """Return the configuration for declared listeners and the rules of a web ACL, before targets (``ADDRESS:PORT``).

    Raises ``AirgapError`` for a listener that nginx cannot stand in for.
    """
    acl = _Acl()
    for one in sorted(rules, key=lambda each: int(each["Priority"])):
        _rule(one, acl)
    lines = [line for line in BASE.read_text().splitlines() if not line.startswith(tuple(_OURS))]
    lines += [f"{name} {value.format(folder=folder)}" for name, value in _OURS.items()]
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    nginx = _NGINX.format(
        module=MODULE,
        folder=folder,
        temporary=" ".join(f"{one}_temp_path {folder}/{one};" for one in kinds),
        limits=acl.zones,
        targets="".join(f"    server {one} max_fails=1;\n" for one in targets),
        servers="".join(_server(one, acl, address, pem, folder) for one in listeners),
    )
    lines += [f"Include {one}" for one in acl.files()]
    lines += [_LOG4SHELL] if "AWSManagedRulesKnownBadInputsRuleSet" in acl.groups else []
    return Configuration(nginx, "\n".join([*lines, ""]), acl.files(), tuple(acl.left))


def _rule(rule: Mapping[str, Any], acl: _Acl) -> None:
    name, statement = str(rule["Name"]), rule["Statement"]
    group = (statement.get("ManagedRuleGroupStatement") or {}).get("Name", "")
    rate = statement.get("RateBasedStatement") or {}
    blocks = "Block" in rule["Action"] if "Action" in rule else "None" in rule.get("OverrideAction", {})
    if not blocks:
        acl.left.append(f"rule {name}: it only counts, so nothing is blocked by it")
    elif group in _GROUPS:
        acl.groups.append(group)
    elif rate.get("AggregateKeyType") == "IP":
        per_minute = max(1, round(rate["Limit"] * 60 / rate.get("EvaluationWindowSec", 300)))
        acl.zones += f"  limit_req_zone $binary_remote_addr zone={name}:1m rate={per_minute}r/m;\n"
        acl.limits += f"    limit_req zone={name} burst={rate['Limit'] - 1} nodelay;\n    limit_req_status 403;\n"
    else:
        acl.left.append(f"rule {name}: no stand-in for {group or ', '.join(statement)}")


def _server(one: Mapping[str, Any], acl: _Acl, address: str, pem: Path, folder: Path) -> str:
    secure = one["protocol"] == "HTTPS"
    head = f"  server {{\n    listen {address}:{one['port']}{' ssl http2' if secure else ''};\n"
    if secure:
        head += f"    ssl_certificate {pem};\n    ssl_certificate_key {pem};\n{tls(one['tls_policy'])}"
    return head + acl.limits + _action(one, folder) + "  }\n"


def tls(policy: str) -> str:
    """Return nginx's settings for a TLS policy of Elastic Load Balancing, whose name says the oldest version."""
    found = _TLS.fullmatch(policy)
    if found is None:
        raise AirgapError(f"{policy} is no TLS policy that the lab's proxy can stand in for", "anything")
    versions = _VERSIONS[int(found[1]) :]
    # Versions before 1.2 sign with SHA-1, which the library refuses at its usual level.
    ciphers = "ECDHE+AESGCM" if "-Res-" in policy else f"ECDHE:AES{':@SECLEVEL=0' if 'TLSv1' in versions else ''}"
    return f"    ssl_protocols {' '.join(versions)};\n    ssl_ciphers {ciphers};\n"


def _action(one: Mapping[str, Any], folder: Path) -> str:
    if one["action"] == ["redirect"]:
        to = one["redirect"][0]
        path = str(to["Path"]).replace("#{path}", "$asked_path")
        query = "$is_args$args" if to["Query"] == "#{query}" else f"?{to['Query']}"
        host = str(to["Host"]).replace("#{host}", "$host")
        status = str(to["StatusCode"]).removeprefix("HTTP_")
        return f"    return {status} {to['Protocol'].lower()}://{host}:{to['Port']}{path}{query};\n"
    if one["action"] != ["forward"]:
        raise AirgapError(f"The lab's proxy cannot do {one['action']}", "anything")
    return (
        f"    modsecurity on;\n    modsecurity_rules_file {folder}/rules.conf;\n    location / {{\n"
        "      proxy_pass http://targets;\n      proxy_set_header Host $host;\n"
        "      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
        "      proxy_set_header X-Forwarded-Proto https;\n    }\n"
    )


@contextlib.contextmanager
def proxy(one: Configuration, address: str, ports: Sequence[int], space: str, folder: Path) -> Iterator[Component]:
    """Run nginx in a network namespace until the context ends; raises where the core rules did not load."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nginx.conf").write_text(one.nginx)
    (folder / "rules.conf").write_text(one.rules)

    def ready() -> bool:
        for port in ports:
            socket.create_connection((address, port), timeout=1).close()
        return True

    argv: list[str | Path] = ["nginx", "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"]
    with contextlib.ExitStack() as stack:
        with inside(space):
            component = stack.enter_context(started("nginx", argv, folder=folder, ready=ready))
        wanted = sum(len(_RULE.findall(file.read_text())) for file in one.files)
        if _loaded(component) < wanted:
            what = f"nginx loaded {_loaded(component)} rules, and the core set's files have {wanted}"
            raise ComponentFailed(what, "anything else", f"read {component.log}: what is not loaded blocks nothing")
        yield component


def _loaded(component: Component) -> int:
    """Return how many rules ModSecurity says that it loaded."""
    found = re.search(r"rules loaded inline/local/remote: (\d+)/(\d+)/(\d+)", component.log.read_text(errors="replace"))
    return sum(map(int, found.groups())) if found else 0
