# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# initramfs.sh DIR NAME: runs in the environment and makes DIR/NAME, the guest's
# file system less the files of a single run. Not compressed: under emulation unpacking
# would cost more than reading.
set -euo pipefail

dir=$1 name=$2
here=$(dirname -- "$0")
root=$dir/base
rm -rf "$root"
mkdir -p "$root"/{bin,dev,etc,lib/modules,proc,root,run,sys,tmp,var/log,mnt}
cp /usr/bin/busybox "$root/bin/busybox"
for applet in $(/usr/bin/busybox --list); do
	[ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"
done
ln -s bin "$root/sbin"
mkdir "$root/usr"
ln -s ../bin "$root/usr/bin"
ln -s ../bin "$root/usr/sbin"
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'nobody:x:65534:65534:nobody:/:/bin/false' >>"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' >"$root/etc/group"
ln -s /proc/mounts "$root/etc/mtab"
install -m 755 "$here/init" "$root/init"
if ls "$dir"/modules/*.ko >/dev/null 2>&1; then cp "$dir"/modules/*.ko "$root/lib/modules/"; fi
(cd "$root" && find . -print0 | sort -z | cpio --quiet -o -0 -H newc -R 0:0) >"$dir/$name.new"
mv "$dir/$name.new" "$dir/$name"
rm -rf "$root"
