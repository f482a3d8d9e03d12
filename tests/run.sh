#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh [--tier=quick|ci|full]: installs what is needed, builds, and runs the tests. See
# tests/README.md for the tiers.

set -eu

root=$(cd "$(dirname "$0")/.." && pwd)

for file in /proc/self /sys/dev/block; do
	if [ ! -e $file ]; then
		echo "run.sh: /$(echo $file | cut -d/ -f2) is not mounted" >&2
		exit 1
	fi
done

case " $* " in
*" --tier=quick "*) sh "$root/tests/deps.sh" build test ;;
*) sh "$root/tests/deps.sh" build test rig ;;
esac
exec /usr/bin/python3 -u "$root/tests/tiers.py" "$@"
