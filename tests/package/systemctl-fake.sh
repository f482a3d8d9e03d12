#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A systemctl that starts and stops nothing: it records in $CALLS what it was called for, and whether a start
# would have started a guest. $ACTIVE has the units that are active, $ENABLED those that are enabled, $DISABLED
# those that are not. Whose unit has the script's name is said by its link.

words=$*
name=/etc/systemd/system/xendomains.service
has() {
	case " $1 " in
	*" $2 "*) return 0 ;;
	esac
	return 1
}

for last in "$@"; do :; done
guard=
case $words in
*"start xendomains-guests.service" | *"start xendomains.service")
	drop_in=/run/systemd/system/$last.d/zzzz-xendomainsd.conf
	[ "$(grep -sc '^Exec[A-Za-z]*=$' "$drop_in")" != 3 ] || guard=" (no guest)"
	;;
esac
echo "$words$guard" >>"$CALLS"

case $words in
# By this deb-systemd-helper enables a unit, on the disk only.
*--root=*) exec /usr/bin/systemctl "$@" ;;
*is-active*)
	has "$ACTIVE" "$last" && state=active || state=inactive
	case $words in
	*--quiet*) ;;
	*) echo "$state" ;;
	esac
	[ "$state" = active ]
	;;
*is-enabled*)
	has "$ENABLED" "$last" && state=enabled || state=
	has "$DISABLED" "$last" && state=disabled
	case $words in
	*--quiet*) ;;
	*) echo "$state" ;;
	esac
	[ "$state" = enabled ]
	;;
*"enable xendomains-guests.service"*) ln -sf /usr/lib/systemd/system/xendomains-guests.service "$name" ;;
*"disable xendomains-guests.service"*) [ ! -L "$name" ] || rm "$name" ;;
*LoadState*xendomains-shutdown.service) [ -e /run/daemon-reloaded ] && echo not-found || echo loaded ;;
*LoadState*) echo loaded ;;
*FragmentPath*) echo "/usr/lib/systemd/system/$last" ;;
*ExecStop*)
	case $(readlink "$name") in
	*/xendomains-guests.service) echo "{ path=/usr/bin/xendomainsctl ; argv[]=/usr/bin/xendomainsctl stop ; }" ;;
	*) echo "{ path=/etc/init.d/xendomains ; argv[]=/etc/init.d/xendomains stop ; }" ;;
	esac
	;;
*Conflict*) echo "libvirtd.service shutdown.target" ;;
daemon-reload) : >/run/daemon-reloaded ;;
esac
