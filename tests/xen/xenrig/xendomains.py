# SPDX-License-Identifier: GPL-2.0-or-later
"""What scenarios ask of the project under test."""

import json
import re
import shlex

from .host import Host
from .project import SOURCE
from .remote import wait_until

SAVE = "/var/lib/xen/save"

# After an installation nothing of ours is started yet.
REACHABLE = "systemctl start xendomainsd.socket"


# Messages are told by these, never by their words: HOST_STAYS_UP is MSG_HOST_STAYS_UP there.
MESSAGE_IDS = dict(re.findall(r'#define MSG_(\w+)\s+"([0-9a-f]{32})"',
                              (SOURCE / "daemon/util/msgid.h").read_text()))


def ctl(host: Host, *words: str, expect: int = 0, timeout: float = 900) -> str:
    """Run xendomainsctl, fail unless it exits as expected, and return what it said."""
    command = f"{REACHABLE} && {shlex.join(['xendomainsctl', *words])}"
    done = host.sh(command, check=False, timeout=timeout)
    if done.code != expect:
        raise AssertionError(f"{words} ended with {done.code}, not {expect}:\n{done.out}{done.err}")
    return done.out + done.err


def guests(host: Host) -> list[dict]:
    """All guests, as `status --json` has them: two files can have one name."""
    done = host.sh(f"{REACHABLE} && xendomainsctl --json status", check=False)
    return json.loads(done.out)["guests"]


def status(host: Host) -> dict[str, dict]:
    """The guests by name."""
    return {guest["name"]: guest for guest in guests(host)}


def states(host: Host) -> dict[str, str]:
    return {name: guest["state"] for name, guest in status(host).items()}


def expect_states(host: Host, **expected: str) -> None:
    """Fail unless the guests, all of them, are in these states ('-' in a word is '_' here)."""
    found = states(host)
    wanted = {name: state.replace("_", "-") for name, state in expected.items()}
    if found != wanted:
        raise AssertionError(f"{found}, not {wanted}\n{ctl_text(host)}")


def ctl_text(host: Host) -> str:
    return host.sh("xendomainsctl status", check=False).out


def images(host: Host) -> list[str]:
    return host.sh(f"ls {SAVE}", check=False).out.split()


def image_list(host: Host) -> list[dict]:
    """What `image list --json` says of each file."""
    return json.loads(ctl(host, "--json", "image", "list"))["images"]


def wait_state(host: Host, name: str, state: str, timeout: float = 300) -> None:
    wait_until(lambda: states(host).get(name) == state, f"{name} to be {state}", timeout, every=1)


def journal(host: Host, **fields: str) -> list[dict]:
    """The daemon's messages that carry these fields, oldest first."""
    matches = [f"{name}={value}" for name, value in fields.items()]
    out = host.journal("-t", "xendomainsd", "--output=json", *matches)
    return [json.loads(line) for line in out.splitlines()]


def logged(host: Host, message: str, **fields: str) -> list[dict]:
    """The daemon's messages of this kind: domain="web" is XEN_DOMAIN=web."""
    return journal(host, MESSAGE_ID=MESSAGE_IDS[message],
                   **{f"XEN_{name.upper()}": value for name, value in fields.items()})


def stages(host: Host, name: str, message: str = "STAGE_DONE") -> list[str]:
    """The stages of a guest that have succeeded, or begun or failed, in their order."""
    return [entry["XEN_STAGE"] for entry in logged(host, message, domain=name)]


def outcome(host: Host, *words: str, expect: int = 0) -> dict[str, dict]:
    """Run xendomainsctl --json, and return the outcome of a sequence: an event for each guest."""
    events = json.loads(ctl(host, "--json", *words, expect=expect))["outcome"]
    return {event["name"]: event for event in events}
