#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh BUILD SECONDS [TARGET...]: runs fuzz targets for so long each. BUILD is a folder made by
# "CC=clang meson setup BUILD -Dfuzzing=true -Db_lundef=false". What libFuzzer finds interesting is
# kept in BUILD/corpus; what ends a target is told, and left in BUILD.

set -eu

source=$(cd "$(dirname "$0")" && pwd)
build=$1
seconds=$2
shift 2

meson compile -C "$build" fuzzers
[ $# -gt 0 ] || set -- $(cd "$source/corpus" && ls)
for target in "$@"; do
        mkdir -p "$build/corpus/$target"
        echo "$target:"
        "$build/tests/fuzz/fuzz-$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
                -print_final_stats=1 -verbosity=0 -artifact_prefix="$build/$target-" \
                "$build/corpus/$target" "$source/corpus/$target"
done
