#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# show.sh BUILD: the main job, on the simulated host of host.json. Everything is the real daemon and
# the real client; only the guests, and what goes wrong with them, are made up.

set -eu

build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
daemon=
bold='' plain=''
if [ -t 1 ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi

finish() {
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
	rm -rf "$folder"
}
trap finish EXIT

say() {
	printf '\n'
	for line in "$@"; do
		printf '%s# %s%s\n' "$bold" "$line" "$plain"
	done
}

# Shows a command and what it prints; that it tells of failures is part of the show.
show() {
	printf '\n$ xendomainsctl %s\n' "$*"
	status=0
	"$build/client/xendomainsctl" --socket "$folder/socket" "$@" </dev/null || status=$?
	printf '(exit status %d)\n' "$status"
}

wait_for_socket() {
	for _ in $(seq 100); do
		[ ! -S "$folder/socket" ] || return 0
		sleep 0.1
	done
	cat "$folder/journal"
	return 1
}

RUNTIME_DIRECTORY=$folder STATE_DIRECTORY=$folder/state "$build/daemon/xendomainsd" \
	--backend "sim:$here/host.json" --config "$here/xendomains" --native "$folder/none" \
	--socket "$folder/socket" 2>"$folder/journal" &
daemon=$!
wait_for_socket

say "The host has come up. Three guests were saved when it went down, the image of one is damaged," \
	"one configuration has a mistake in it, and somebody has started a guest by hand."
show status
say "The start: what was saved is restored, the rest is started, all at the same time."
show start
show status
say "What a stop would do now. Nothing is done yet."
show plan stop
say "The stop. The disk is full for one guest, and one guest does not react to anything:" \
	"where a stage fails the next one follows. Saves take turns here, so that each ends in time:" \
	"XENDOMAINS_STOP_MAXWAIT is 20 s."
show stop
show status
say "What the journal says of these guests (journalctl XEN_DOMAIN=db, XEN_DOMAIN=legacy):"
grep -E '^(db|legacy):' "$folder/journal"
