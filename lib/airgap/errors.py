"""One tree of errors; each says what happened, what was not changed and what to do next.

    AirgapError                   1   a step broke
    ├── UsageError               64   wrong command line
    │   └── ParamsError          64   wrong value in a params file, with file and line
    ├── EnvironmentLocked         1   another writer holds the environment
    ├── CallFailed                1   AWS refused or failed a call that cannot be retried
    │   ├── AccessDenied          1   a permission is missing; the action is named
    │   └── CredentialsExpired    1   the session ended
    ├── WrongPlace                1   account, Region, partition or world is not the declared one
    ├── MissingPredecessor        1   an earlier notebook must run first
    ├── Unsettled                 1   a resource did not reach its settled state in time
    ├── NotApproved               4   the plan holds a change that no approval covers
    ├── Refused                   4   the account, as it is, does not admit what the params declare
    ├── Unreadable                4   what is there could not be read, so nothing can be said or done
    │   └── Unreachable           4   a host inside the VPC cannot be reached from here; the way to it is named
    ├── MirrorFailed              1   an image could not be mirrored; what is published is whole
    │   ├── MovedTag              1   a tag names another digest than the lock
    │   ├── MissingPlatform       1   a platform that is needed is not in the image
    │   ├── BrokenContent         1   bytes that do not have their digest or size, or make no sense
    │   ├── RegistryFailed        1   a registry refused, failed or died
    │   ├── NoSpace               1   the disk is full
    │   ├── SecretInImage         3   an image's configuration holds what looks like a secret
    │   ├── Unsigned              3   no signature by an approved key is over an image
    │   └── TagTaken              3   an immutable tag names another image already
    ├── NotSigned                 1   who was to sign a bundle did not; the bundle is written
    │   ├── NoModule              1   the PKCS#11 module is missing, or is none
    │   ├── NoToken               1   the module has no such token
    │   ├── NoKey                 1   the token has no such key, or one of another kind
    │   └── PinRefused            1   the token refused the PIN
    ├── KitBroken             1   a kit is not what was saved, or could not be installed; nothing of it is kept
    ├── WaitingForPerson          4   a person must act before the step can go on
    └── Interrupted               1   Ctrl-C or SIGTERM ended the run

The number is the exit code (see ``exit_code``).
"""

from __future__ import annotations

from typing import ClassVar


class AirgapError(Exception):
    """An error that a person can act on."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, unchanged: str = "", action: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.unchanged = unchanged
        self.action = action

    def diagnostics(self) -> str:
        """Return what happened, what was not changed and what to do, one line each."""
        lines = [self.what]
        if self.unchanged:
            lines.append(f"Not changed: {self.unchanged}")
        if self.action:
            lines.append(f"Next: {self.action}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[type[AirgapError], tuple[str, str, str]]:
        """Pickle by the three sentences, so that errors cross process boundaries whole."""
        return type(self), (self.what, self.unchanged, self.action)


class UsageError(AirgapError):
    """The command line or a notebook parameter is wrong."""

    exit_code = 64


class ParamsError(UsageError):
    """A value in a params file is wrong; ``what`` names file, line, value and the allowed values."""


class EnvironmentLocked(AirgapError):
    """Another writer works on the environment; ``what`` names the holder."""


class CallFailed(AirgapError):
    """AWS refused or failed a call."""


class AccessDenied(CallFailed):
    """A call was denied; ``what`` names the principal and the IAM action."""


class CredentialsExpired(CallFailed):
    """The credentials ended in the middle of the run."""


class WrongPlace(AirgapError):
    """The caller's account, Region, partition or endpoint is not what the params declare."""


class MissingPredecessor(AirgapError):
    """A resource of an earlier step is missing; ``action`` names the notebook to run."""


class Unsettled(AirgapError):
    """A resource did not reach its settled state in time, or reached a failed one."""


class NotApproved(AirgapError):
    """The plan holds a change that no approval covers."""

    exit_code = 4


class Refused(AirgapError):
    """What the params declare must not be done in this account as it is; ``action`` says what would admit it."""

    exit_code = 4


class Unreadable(AirgapError):
    """What is there could not be read; ``what`` names the calls and the permissions that would decide it."""

    exit_code = 4


class Unreachable(Unreadable):
    """A host inside the VPC cannot be reached from here; ``action`` names what would open the way."""


class MirrorFailed(AirgapError):
    """An image or chart could not be mirrored; whatever is published is whole."""


class MovedTag(MirrorFailed):
    """A tag at the source names another digest than when it was locked."""


class MissingPlatform(MirrorFailed):
    """An image lacks a platform that is needed."""


class BrokenContent(MirrorFailed):
    """Content does not have the digest or size that it should have, or makes no sense."""


class RegistryFailed(MirrorFailed):
    """A registry refused, failed or died; ``what`` names it, the request and its own words."""


class NoSpace(MirrorFailed):
    """The disk is full."""


class SecretInImage(MirrorFailed):
    """An image's variables, labels or history hold what looks like a secret: a finding; ``what`` names the places."""

    exit_code = 3


class Unsigned(MirrorFailed):
    """An image that an approved key must have signed bears no such signature: a finding."""

    exit_code = 3


class TagTaken(MirrorFailed):
    """An immutable tag in the mirror names another image than the lock: a finding."""

    exit_code = 3


class NotSigned(AirgapError):
    """Whoever was to sign a bundle did not; the bundle is written, and stands unsigned."""


class NoModule(NotSigned):
    """The PKCS#11 module that was named is missing, or is none."""


class NoToken(NotSigned):
    """The PKCS#11 module has no token of that name, or several."""


class NoKey(NotSigned):
    """The token has no key of that name with both halves, or one that cannot sign for a bundle."""


class PinRefused(NotSigned):
    """The token refused the PIN; it was tried once."""


class KitBroken(AirgapError):
    """A kit is not what was saved, or cannot be installed; nothing of it is kept."""


class WaitingForPerson(AirgapError):
    """The step waits for a person; ``action`` says what that person must do."""

    exit_code = 4


class Interrupted(AirgapError):
    """The run was interrupted; ``unchanged`` says what was not done."""
