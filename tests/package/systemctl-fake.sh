#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A systemctl that starts and stops nothing: it records in $CALLS what it was called for, and whether a start
# would have started a guest. $ACTIVE has the units that are active, $ENABLED those that are enabled.

words=$*
has() {
	case " $1 " in
	*" $2 "*) return 0 ;;
	esac
	return 1
}

guard=
case $words in
*"start xendomains-guests.service") [ ! -e /var/lib/xendomains/skip-start ] || guard=" (no guest)" ;;
*"start xendomains.service") [ ! -e /run/systemd/system/xendomains.service.d/zzzz-xendomainsd.conf ] ||
	guard=" (no guest)" ;;
esac
echo "$words$guard" >>"$CALLS"

for last in "$@"; do :; done
case $words in
*is-active*)
	has "$ACTIVE" "$last" && state=active || state=inactive
	case $words in
	*--quiet*) ;;
	*) echo "$state" ;;
	esac
	[ "$state" = active ]
	;;
*is-enabled*) has "$ENABLED" "$last" ;;
*LoadState*xendomains-shutdown.service) [ -e /run/daemon-reloaded ] && echo not-found || echo loaded ;;
*LoadState*) echo loaded ;;
*FragmentPath*) echo "/usr/lib/systemd/system/$last" ;;
*Conflict*) echo "libvirtd.service shutdown.target" ;;
daemon-reload) : >/run/daemon-reloaded ;;
esac
