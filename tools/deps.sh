#!/bin/sh
# deps.sh: sees which of the named things this host lacks and installs them with its package manager, saying so.
#   DEPS=auto (default) installs, DEPS=check only says what is missing and fails, DEPS=none does nothing.
set -eu

[ "${DEPS:-auto}" = none ] && exit 0

# The command that shows that a thing is there.
probe() {
	case $1 in
	qemu) command -v qemu-system-x86_64 ;;
	binutils) command -v as && command -v ld ;;
	gcc) command -v gcc ;;
	gdb) command -v gdb ;;
	grub) { command -v grub-mkrescue || command -v grub2-mkrescue; } && ls -d /usr/lib/grub/i386-pc ;;
	xorriso) command -v xorriso ;;
	mtools) command -v mformat ;;
	spin) spin -V | grep 'Spin Version' ;;
	liburcu) echo '#include <urcu-qsbr.h>' | gcc -E -x c - ;;
	ck) echo '#include <ck_hp.h>' | gcc -E -x c - ;;
	*) echo "deps: unknown: $1" >&2; exit 2 ;;
	esac >/dev/null 2>&1
}

if command -v apt-get >/dev/null; then manager=apt
elif command -v dnf >/dev/null; then manager=dnf
elif command -v pacman >/dev/null; then manager=pacman
elif command -v apk >/dev/null; then manager=apk
elif command -v zypper >/dev/null; then manager=zypper
else manager=none
fi

# The package that brings a thing.
package() {
	case $manager:$1 in
	apt:qemu) echo qemu-system-x86 ;;
	dnf:qemu) echo qemu-system-x86-core ;;
	pacman:qemu) echo qemu-system-x86 ;;
	apk:qemu) echo qemu-system-x86_64 ;;
	zypper:qemu) echo qemu-x86 ;;
	apt:gcc) echo gcc libc6-dev ;;
	apk:gcc) echo gcc musl-dev ;;
	apt:grub) echo grub-common grub-pc-bin ;;
	dnf:grub) echo grub2-tools-extra grub2-pc-modules ;;
	apk:grub) echo grub grub-bios ;;
	apt:liburcu) echo liburcu-dev ;;
	dnf:liburcu) echo userspace-rcu-devel ;;
	apk:liburcu) echo userspace-rcu-dev ;;
	zypper:liburcu) echo liburcu-devel ;;
	apt:ck) echo libck-dev ;;
	dnf:ck) echo ck-devel ;;
	pacman:xorriso) echo libisoburn ;;
	*) echo "$1" ;;
	esac
}

missing= packages=
for thing; do
	probe "$thing" && continue
	missing="$missing $thing"
	packages="$packages $(package "$thing")"
done
[ -z "$missing" ] && exit 0

if [ "${DEPS:-auto}" = check ] || [ $manager = none ]; then
	echo "deps: missing:$missing (packages:$packages)" >&2
	exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || { echo "deps: missing:$missing; as root, install:$packages" >&2; exit 1; }
	sudo=sudo
fi
echo "deps: installing$packages with $manager" >&2
case $manager in
apt)
	$sudo apt-get -qq update || echo 'deps: the package lists could not be updated; trying with the old ones' >&2
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $packages >/dev/null
	;;
dnf) $sudo dnf -q install -y $packages ;;
pacman) $sudo pacman -Sy --noconfirm --needed $packages ;;
apk) $sudo apk add $packages ;;
zypper) $sudo zypper -n install $packages ;;
esac
for thing in $missing; do
	probe "$thing" || { echo "deps: $thing is still missing after installing$packages" >&2; exit 1; }
done
