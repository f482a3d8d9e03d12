#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A systemd-detect-virt that finds no chroot, unless $CHROOT says otherwise.

[ -n "$CHROOT" ]
