"""How releases get in: the variants of the pipeline, and what a deployment runs, all built from the params alone.

Declarations, checks, views and the rendered workflows speak from here, so that what is judged is what is run. AWS:
Systems Manager User Guide, "Session document schema"; AWS CLI User Guide, "Use an IAM role in the AWS CLI" (a profile
with ``credential_source`` keeps no key anywhere); CodeBuild User Guide, "Build specification reference".
"""

from __future__ import annotations

from typing import Any, NamedTuple

from airgap.model import names
from airgap.model.intent import Intent
from airgap.model.mirror import registry

NAMESPACE = "application"
"""Where releases go."""
SSM_RUNNER, CODEPIPELINE, GHES = "ssm-runner", "codepipeline", "ghes"


class Variant(NamedTuple):
    """One way for a release to get in: who decides that it is deployed, where that runs, and what the way opens."""

    name: str
    title: str
    control: str
    runs: str
    closed: bool
    opens: str
    files: tuple[str, ...] = ()


VARIANTS = (
    Variant(
        SSM_RUNNER,
        "Session Manager driven",
        "a person, or a CI of the institution with a role in AWS; nothing inside calls out",
        "runner host in a private subnet, one document a deployment",
        True,
        "AWS's API, to whoever may start the documents; a session's text goes back to that caller and to its log",
        ("deploy", "document-deploy", "document-rollback", "runbook"),
    ),
    Variant(
        CODEPIPELINE,
        "CodePipeline with CodeBuild in the VPC",
        "AWS's own service, from a release in the artefact bucket, after a manual approval",
        "build container with interfaces in the private subnets",
        True,
        "AWS's control plane holds definition and log; builds without the VPC's subnets would have the internet",
        ("buildspec", "pipeline", "runbook"),
    ),
    Variant(
        GHES,
        "GitHub Enterprise Server or GitLab, inside",
        "a server in the sealed subnets themselves, without internet",
        "runner host in a private subnet, which asks that server for work",
        True,
        "443 among the sealed subnets, for the runner to ask its server; nothing beyond the VPC",
        ("deploy", "runbook"),
    ),
)
"""The variants that the params may name."""

HOSTED = Variant(
    "github-hosted",
    "GitHub.com or GitLab.com with a runner inside",
    "a control plane on the internet",
    "a runner inside would have to ask it for work, all the time",
    False,
    "a route to the internet for the runner: it and zero egress exclude each other, so no params can choose it",
)
"""What is refused, and why: shown beside the others."""

# Actions by name, and the commit that each is pinned to; the inside server holds the same commits.
ACTIONS = {
    "actions/checkout": "11bd71901bbe5b1630ceea73d27597364c9af683",
    "actions/download-artifact": "d3f86a106a0bac45b974a628896c90dbdf5c8093",
    "actions/upload-artifact": "ea165f8d65b6e75b540449e92b4886f43607fa02",
    "aws-actions/configure-aws-credentials": "ececac1a45f3b08a01d2dd070d28d111c5fe6722",
}

DEPLOY, ROLLBACK = "deploy", "rollback"
PURPOSES = (DEPLOY, ROLLBACK)

# Parameter -> what it says, and the whole of what its value may be: it becomes part of a command line.
_RELEASE = ("release", "Helm release", "^[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?$")
_DIGEST = "^sha256:[0-9a-f]{64}$"
_PATH = "^[a-z0-9]+([._/-][a-z0-9]+)*$"
PARAMETERS: dict[str, tuple[tuple[str, str, str], ...]] = {
    DEPLOY: (
        _RELEASE,
        ("chart", "repository of the chart, without the prefix", _PATH),
        ("chartDigest", "digest of the chart", _DIGEST),
        ("image", "repository of the image, without the prefix", _PATH),
        ("imageDigest", "digest of the image", _DIGEST),
    ),
    ROLLBACK: (_RELEASE, ("revision", "revision to go back to", "^[1-9][0-9]{0,5}$")),
}


def variant(intent: Intent) -> Variant:
    """Return the variant that the params choose."""
    return next(one for one in VARIANTS if one.name == intent.pipeline.variant)


def has_host(intent: Intent) -> bool:
    """Tell whether a runner host stands in the private subnets; CodeBuild brings its own."""
    return intent.pipeline.variant != CODEPIPELINE and "ci-runner" in intent.components


def has_documents(intent: Intent) -> bool:
    """Tell whether deployments are started by Session Manager documents."""
    return intent.pipeline.variant == SSM_RUNNER and "ci-runner" in intent.components


def has_builds(intent: Intent) -> bool:
    """Tell whether deployments are builds of CodeBuild that CodePipeline starts."""
    return intent.pipeline.variant == CODEPIPELINE and "ci-runner" in intent.components


def deploy_role(intent: Intent) -> str:
    """Return the ARN of the role as which whatever runs inside deploys."""
    return intent.arn("iam", f"role/{intent.identity.deploy_role}", region="")


def release_key() -> str:
    """Return the key of the release in the artefact bucket that a pipeline deploys: a zip with ``release.env``."""
    return "releases/release.zip"


def build_log_group(intent: Intent) -> str:
    """Return the name of the log group of the build project."""
    return names.log_group(intent, "builds")


def document_name(intent: Intent, purpose: str) -> str:
    """Return the name of a Session Manager document, as ``fintech-deploy``."""
    return intent.name(purpose)


def document(intent: Intent, purpose: str) -> dict[str, Any]:
    """Return the content of a Session Manager document: its parameters, each with its whole form, and one script."""
    asked = {
        name: {"type": "String", "description": f"{text}", "allowedPattern": pattern}
        for name, text, pattern in PARAMETERS[purpose]
    }
    values = {name: f"{{{{ {name} }}}}" for name, _, _ in PARAMETERS[purpose]}
    script = "\n".join(lines(intent, purpose, values, "Ec2InstanceMetadata"))
    return {
        "schemaVersion": "1.0",
        "description": f"{purpose} in {intent.environment}, as {intent.identity.deploy_role}, from inside the VPC",
        "sessionType": "InteractiveCommands",
        "parameters": asked,
        "properties": {"linux": {"commands": script, "runAsElevated": False}},
    }


def lines(intent: Intent, purpose: str, values: dict[str, str], source: str) -> list[str]:
    """Return what runs inside, line by line: become the deployment role, ask for the cluster, run Helm by digest.

    ``values`` are the parameters' values or what stands for them; ``source`` is where the AWS CLI finds the runner's
    own credentials. Nothing that it gets is written down: the CLI keeps the profile, Helm's sign-in and the kubeconfig
    in a folder that goes when the script ends.
    """
    return [*_begin(intent, source), *_tools(intent), *_COMMANDS[purpose](intent, values)]


def _begin(intent: Intent, source: str) -> list[str]:
    """``set -eu`` alone is POSIX; Session Manager hands the text to sh."""
    profile = (
        f"[profile deploy]\\nrole_arn = {deploy_role(intent)}\\ncredential_source = {source}"
        f"\\nrole_session_name = {intent.environment}-deploy\\nregion = {intent.region}\\n"
    )
    return [
        "set -eu",
        "umask 077",
        'work="$(mktemp -d)"',
        "trap 'rm -rf \"$work\"' EXIT",
        f"printf '{profile}' > \"$work/aws\"",
        'export AWS_CONFIG_FILE="$work/aws" AWS_PROFILE=deploy AWS_STS_REGIONAL_ENDPOINTS=regional',
        'export KUBECONFIG="$work/kubeconfig" HELM_REGISTRY_CONFIG="$work/registry" HELM_DRIVER=configmap',
    ]


def _tools(intent: Intent) -> list[str]:
    """Helm and kubectl of the machine's own image, or fetched from the artefact bucket by their digests."""
    if not intent.pipeline.tools:
        return ["command -v helm kubectl > /dev/null || { echo 'no helm or kubectl in this image' >&2; exit 1; }"]
    bucket = names.bucket(intent, "artifacts")
    fetched = []
    for tool, digest in sorted(intent.pipeline.tools.items()):
        fetched += [
            f'aws s3 cp --only-show-errors "s3://{bucket}/tools/{digest}" "$work/{tool}"',
            f'echo "{digest}  $work/{tool}" | sha256sum --check --quiet',
            f'chmod u+x "$work/{tool}"',
        ]
    return [*fetched, 'export PATH="$work:$PATH"']


def _deploy(intent: Intent, values: dict[str, str]) -> list[str]:
    host, prefix = registry(intent), intent.prefix
    chart = f'"oci://{host}/{prefix}/{values["chart"]}@{values["chartDigest"]}"'
    return [
        *_sign_in(intent),
        f"aws ecr get-login-password | helm registry login --username AWS --password-stdin {host}",
        f'helm upgrade --install "{values["release"]}" {chart} --namespace {NAMESPACE}'
        f' --set-string "image.repository={host}/{prefix}/{values["image"]}"'
        f' --set-string "image.digest={values["imageDigest"]}" --rollback-on-failure --timeout 10m',
        f'echo "deployed {values["release"]} {values["imageDigest"]}"',
    ]


def _rollback(intent: Intent, values: dict[str, str]) -> list[str]:
    return [
        *_sign_in(intent),
        f'helm rollback "{values["release"]}" "{values["revision"]}" --namespace {NAMESPACE} --wait --timeout 10m',
        f'echo "rolled back {values["release"]} to {values["revision"]}"',
    ]


def _sign_in(intent: Intent) -> list[str]:
    return [f'aws eks update-kubeconfig --name {intent.cluster.name} --kubeconfig "$KUBECONFIG" > /dev/null']


_COMMANDS = {DEPLOY: _deploy, ROLLBACK: _rollback}


def buildspec(intent: Intent) -> dict[str, Any]:
    """Return the build specification: the same lines, with the release's own values from ``release.env``.

    The values are held against the same forms before anything is run with them.
    """
    values = {name: f"${{{variable_name(name)}}}" for name, _, _ in PARAMETERS[DEPLOY]}
    # The file is read and never run.
    read = [f"{one}=\"$(sed -n 's/^{one}=//p' release.env)\"" for one in map(variable_name, values)]
    script = "\n".join(["set -eu", *read, *held(), *lines(intent, DEPLOY, values, "EcsContainer")])
    return {"version": 0.2, "env": {"shell": "bash"}, "phases": {"build": {"commands": [script]}}}


def held() -> list[str]:
    """Return the lines, for bash, that end a script where a value of a deployment is not of its whole form."""
    return [f'[[ "${variable_name(name)}" =~ {pattern} ]]' for name, _, pattern in PARAMETERS[DEPLOY]]


def variable_name(name: str) -> str:
    """Return a parameter's name as that of an environment variable, as ``IMAGE_DIGEST``."""
    return "".join(f"_{one}" if one.isupper() else one.upper() for one in name)


def stages(intent: Intent, project: str) -> list[dict[str, Any]]:
    """Return the pipeline's stages: a release from the artefact bucket, a person's word, a build of ``project``."""
    bucket = names.bucket(intent, "artifacts")
    source = {"S3Bucket": bucket, "S3ObjectKey": release_key(), "PollForSourceChanges": "false"}
    approval = {"CustomData": "The release's digests are those that were reviewed."}
    return [
        _stage("Release", "Source", "S3", source, gives=["release"]),
        _stage("Approve", "Approval", "Manual", approval),
        _stage("Deploy", "Build", "CodeBuild", {"ProjectName": project}, takes=["release"]),
    ]


def _stage(
    name: str, category: str, provider: str, configuration: dict[str, str], takes: Any = (), gives: Any = ()
) -> dict[str, Any]:
    """One stage of one action, every member written that CodePipeline would otherwise fill in."""
    action = {
        "name": name,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
        "runOrder": 1,
        "configuration": configuration,
        "outputArtifacts": [{"name": one} for one in gives],
        "inputArtifacts": [{"name": one} for one in takes],
    }
    return {"name": name, "actions": [action]}
