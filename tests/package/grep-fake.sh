#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A grep that finds a control domain of Xen, unless $NO_XEN says otherwise.

case $* in
*/proc/xen/capabilities) [ -z "$NO_XEN" ] ;;
*) exec /usr/bin/grep "$@" ;;
esac
