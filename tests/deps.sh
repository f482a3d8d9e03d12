#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# deps.sh [build] [test] [package] [rpm] [rig]: installs the packages that are needed to build, to run the
# tests without Xen, to make a Debian package, to check the RPM spec, and to run a real Xen host in QEMU.
# Debian 12 and 13, as root. Quiet unless it fails; what is there already is left alone.

set -eu

build="gcc libc6-dev meson pkg-config libevent-dev libinih-dev libjson-c-dev
	libsystemd-dev libxen-dev libxxhash-dev libzstd-dev scdoc"
test="bash-completion check clang clang-format dbus-daemon libclang-rt-14-dev python3 systemd valgrind
	zsh"
package="build-essential debhelper dpkg-dev fakeroot lintian systemd"
rpm="rpm rpmlint"
rig="python3 mmdebstrap qemu-system-x86 qemu-utils openssh-client e2fsprogs"

. /etc/os-release
if [ "${VERSION_ID:-}" != 12 ]; then
	test=$(echo "$test" | sed 's/libclang-rt-14-dev/libclang-rt-dev/')
fi

wanted=
for group in "${@:-build}"; do
	case $group in
	build) wanted="$wanted $build" ;;
	test) wanted="$wanted $test" ;;
	package) wanted="$wanted $package" ;;
	rpm) wanted="$wanted $rpm" ;;
	rig) wanted="$wanted $rig" ;;
	*)
		echo "deps.sh: there is no group '$group' (build, test, package, rpm, rig)" >&2
		exit 2
		;;
	esac
done

missing=
for package in $wanted; do
	[ "$(dpkg-query -Wf '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
		missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "These packages are missing; install them, or run this as root:$missing" >&2
	exit 1
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "Installing:$missing"
# shellcheck disable=SC2086
if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy \
	--no-install-recommends $missing; } >"$log" 2>&1; then
	tail -n 30 "$log" >&2
	exit 1
fi
