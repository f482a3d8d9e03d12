# SPDX-License-Identifier: GPL-2.0-or-later
"""A rig for tests on a real Xen host; this is what scenarios need of it."""

from .guest import Guest, bare_hvm, hvm, pv, pvh
from .host import Count, Host
from .remote import CommandFailed, Result, wait_until
from .scenarios import scenario

__all__ = ["CommandFailed", "Count", "Guest", "Host", "Result", "bare_hvm", "hvm", "pv", "pvh", "scenario",
           "wait_until"]
