#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# package.sh [--version=VERSION] [FOLDER]: builds the Debian package for the release that it runs on,
# and puts it into FOLDER (build-package), where xendomainsd.deb is the one that was built last. It
# installs what it needs.

set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
version=
folder=

for word in "$@"; do
	case $word in
	--version=*) version=${word#--version=} ;;
	-*)
		echo "package.sh: there is no option '$word' (--version=VERSION)" >&2
		exit 2
		;;
	*) folder=$word ;;
	esac
done
mkdir -p "${folder:=$root/build-package}"
folder=$(cd "$folder" && pwd)

sh "$root/tests/deps.sh" build package
. /etc/os-release
version=${version:-$(sed -n "1s/.*(\(.*\)).*/\1/p" "$root/conf/debian/changelog")+deb${VERSION_ID}u1}

# Debian's own folder has to be at the top; this tree's top has no room for it.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source=$work/xendomainsd-$version
mkdir "$source"
(cd "$root" && tar -c --exclude='./build*' --exclude=./.git --exclude=__pycache__ .) | tar -x -C "$source"
mv "$source/conf/debian" "$source/debian"
sed -i "1s/(.*) [a-z]*;/($version) ${VERSION_CODENAME};/" "$source/debian/changelog"

log=$folder/build.log
if ! (cd "$source" && dpkg-buildpackage --build=binary --no-sign) >"$log" 2>&1; then
	tail -n 50 "$log" >&2
	exit 1
fi
cp "$work"/*.deb "$work"/*.changes "$work"/*.buildinfo "$folder"
ln -sf "xendomainsd_${version}_amd64.deb" "$folder/xendomainsd.deb"
echo "$folder/xendomainsd_${version}_amd64.deb"
