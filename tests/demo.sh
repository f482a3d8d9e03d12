#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# demo.sh [--xen]: installs what is needed, builds, and shows the main job on the simulated host;
# with --xen on a real Xen host in QEMU, which takes some minutes.

set -eu

root=$(cd "$(dirname "$0")/.." && pwd)

if [ ! -e /proc/self ]; then
	echo "demo.sh: /proc is not mounted" >&2
	exit 1
fi

quietly() {
	if ! "$@" >"$root/build-demo.log" 2>&1; then
		tail -n 40 "$root/build-demo.log" >&2
		exit 1
	fi
	rm -f "$root/build-demo.log"
}

case ${1:-} in
--xen)
	sh "$root/tests/deps.sh" build rig
	exec "$root/tests/xen/rig" run demo.shown
	;;
'') ;;
*)
	echo "Usage: demo.sh [--xen]" >&2
	exit 2
	;;
esac

sh "$root/tests/deps.sh" build
echo "Building"
[ -d "$root/build-demo" ] || quietly meson setup "$root/build-demo" "$root" -Dtests=false -Dman=false
quietly meson compile -C "$root/build-demo"
exec sh "$root/tests/demo/show.sh" "$root/build-demo"
