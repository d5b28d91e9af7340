#!/bin/bash
# Boots Debian's kernels under QEMU, without KVM, and looks at what doctor says of a sandbox
# where each setting forbids one, and at the attempts to get out on older kernels.
#
#   testdata/sandbox/kernels.sh [DIR]     # DIR keeps what was fetched (default: a temporary one)
#
# It needs qemu-system-x86, busybox-static, xz-utils and apt, whose packages it unpacks and
# does not install. About 4 minutes on two quiet processors. Exit status: 0 as expected.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=${1:-$(mktemp -d)}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
[ $# -gt 0 ] || trap 'rm -rf "$dir"' EXIT

fetch() { # fetch RELEASE PACKAGE...: unpacks them, and that release's kernel, in $dir/RELEASE
	local release=$1 s=$dir/apt-$1 repo kernel
	[ -e "$dir/$release/boot" ] && return
	mkdir -p "$s/lists/partial" "$s/cache/archives/partial" "$s/debs"
	: > "$s/status"
	repo=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' | grep -v security | head -n 1)
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $repo $release main" > "$s/list"
	local o=(-o "Dir::State=$s" -o "Dir::State::status=$s/status" -o "Dir::Cache=$s/cache" -o "Dir::Etc::sourcelist=$s/list" -o Dir::Etc::sourceparts=- -o APT::Sandbox::User=root)
	apt-get "${o[@]}" -q update > "$s/log"
	kernel=$(apt-cache "${o[@]}" depends linux-image-cloud-amd64 | awk '/Depends: linux-image-/ {print $2}')
	(cd "$s/debs" && apt-get "${o[@]}" -q download "$kernel" "${@:2}" >> "$s/log")
	mkdir -p "$dir/$release"
	for deb in "$s"/debs/*.deb; do dpkg-deb -x "$deb" "$dir/$release"; done
}

image() { # image RELEASE SCRIPT: a file system in memory that runs it
	local r=$dir/root m f
	rm -rf "$r"
	mkdir -p "$r"/{bin,proc,sys,dev,tmp,etc/apparmor,run,modules,usr/bin,usr/sbin,usr/lib/x86_64-linux-gnu}
	cp "$(command -v busybox)" "$r/bin/busybox"
	for f in $(busybox --list); do [ "$f" = busybox ] || ln -sf busybox "$r/bin/$f"; done
	cp "$dir/tripline" "$dir/sandbox.test" "$r/usr/bin/"
	for m in inet_diag tcp_diag udp_diag veth tun; do
		f=$(find "$dir/$1" -name "$m.ko*" | head -n 1)
		case $f in
		*.xz) xz -dc "$f" > "$r/modules/$m.ko" ;;
		?*) cp "$f" "$r/modules/" ;;
		esac
	done
	if [ -e "$dir/$1/usr/sbin/apparmor_parser" ]; then
		cp -a "$dir/$1/usr/lib64" "$dir/$1/usr/share/apparmor-features" "$r/usr/"
		ln -s usr/lib64 "$r/lib64"
		mkdir -p "$r/usr/share" && mv "$r/usr/apparmor-features" "$r/usr/share/"
		for f in libc.so libm.so libstdc++.so libgcc_s.so ld-linux-x86-64.so; do cp -a "$dir/$1/usr/lib/x86_64-linux-gnu/$f"* "$r/usr/lib/x86_64-linux-gnu/"; done
		cp "$dir/$1/usr/sbin/apparmor_parser" "$r/usr/sbin/"
		cp -a "$dir/$1/etc/apparmor.d" docs/apparmor/tripline "$r/etc/"
	fi
	printf 'root:x:0:0::/root:/bin/sh\ndev:x:1000:1000::/tmp:/bin/sh\n' > "$r/etc/passwd"
	printf 'root:x:0:\ndev:x:1000:\n' > "$r/etc/group"
	echo 'nameserver 192.0.2.53' > "$r/etc/resolv.conf"
	{ cat testdata/sandbox/kernels-init.sh; echo "$2"; echo 'echo "row end"; poweroff -f'; } > "$r/init"
	chmod 755 "$r/init"
	(cd "$r" && find . | busybox cpio -o -H newc 2> /dev/null | gzip -1) > "$dir/image"
}

boot() { # boot RELEASE SCRIPT: what it prints
	image "$1" "$2"
	timeout 900 qemu-system-x86_64 -accel tcg -cpu max -smp 1 -m 768 -nographic -no-reboot -kernel "$dir/$1"/boot/vmlinuz-* \
		-initrd "$dir/image" -append "console=ttyS0 quiet panic=-1" < /dev/null 2>&1 | stdbuf -o0 tr -d '\r' | tee "$dir/log-$1" || true
}

failed=0
expect() { # expect TEXT ROW REGEXP: what doctor says in a row
	if ! awk -v row="row $2" '$0 == row {on = 1; next} /^row / {on = 0} on' <<< "$1" | grep -Eq -- "$3"; then
		echo "FAIL: $2: nothing says $3" >&2
		failed=1
	fi
}

CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$dir/tripline" ./cmd/tripline
CGO_ENABLED=0 go test -c -ldflags '-s -w' -o "$dir/sandbox.test" ./learn/sandbox
fetch bookworm
fetch trixie apparmor libc6 libstdc++6 libgcc-s1

said=$(boot bookworm 'settings; escapes; set_ kernel/yama/ptrace_scope 3; row ptrace_scope=3; bare ptrace_scope=3')
for row in 'stock as dev' 'stock as root' 'ptrace_scope=1 as dev' 'ptrace_scope=2 as dev' 'ptrace_scope=3 as dev' 'ptrace_scope=2 without namespaces as root'; do
	expect "$said" "$row" '^ok +sandbox +(can be made|tripline itself)'
done
for user in dev root; do
	expect "$said" "max_user_namespaces=0 as $user" 'no space left on device: user namespaces are switched off .*as root: sysctl user.max_user_namespaces=10000'
	expect "$said" "ptrace_scope=3 without namespaces as $user" 'hint: kernel.yama.ptrace_scope is 3'
done
expect "$said" 'unprivileged_userns_clone=0 as dev' 'user namespaces are for root alone .*as root: sysctl kernel.unprivileged_userns_clone=1'
expect "$said" 'unprivileged_userns_clone=0 as root' 'can be made'
expect "$said" 'ptrace_scope=2 without namespaces as dev' 'hint: as root: sysctl kernel.yama.ptrace_scope=1'
expect "$said" 'escapes' '^PASS'

said=$(boot trixie 'profiles; escapes')
expect "$said" 'no userns as dev' 'permission denied: AppArmor allows user namespaces to known programs only .*cp docs/apparmor/tripline'
expect "$said" 'no capabilities as dev' 'operation not permitted: AppArmor holds this program by the profile tripline .*cp docs/apparmor/tripline'
expect "$said" 'ours as dev' 'can be made'
expect "$said" 'escapes' '^PASS'
exit $failed
