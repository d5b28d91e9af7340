#!/bin/sh
# The first process of what kernels.sh boots.
export PATH=/bin:/usr/bin:/usr/sbin HOME=/tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t tmpfs run /run
mount -t securityfs sec /sys/kernel/security
for m in inet_diag tcp_diag udp_diag veth tun; do [ ! -e /modules/$m.ko ] || insmod /modules/$m.ko; done
chmod 666 /dev/null /dev/tty
ip link set lo up
echo

as() { # as USER COMMAND
	su "$1" -s /bin/sh -c "export NO_COLOR=1 HOME=/tmp/$1 TRIPLINE_DB=/tmp/$1/t.db; mkdir -p \$HOME; $2" 2>&1 < /dev/null | cat
}

row() { # row NAME: what doctor says to both users
	for user in dev root; do
		echo "row $1 as $user"
		as $user 'tripline doctor sandbox'
	done
}

bare() { # bare NAME: what is said where there are to be no namespaces
	for user in dev root; do
		echo "row $1 without namespaces as $user"
		as $user 'tripline learn --agent bot --deny --no-namespaces -- true && echo "ok sandbox tripline itself"'
	done
}

set_() { echo "$2" > "/proc/sys/$1"; }

settings() {
	row stock
	most=$(cat /proc/sys/user/max_user_namespaces)
	set_ user/max_user_namespaces 0
	row max_user_namespaces=0
	set_ user/max_user_namespaces "$most"
	set_ kernel/unprivileged_userns_clone 0
	row unprivileged_userns_clone=0
	set_ kernel/unprivileged_userns_clone 1
	for scope in 1 2; do
		set_ kernel/yama/ptrace_scope $scope
		row ptrace_scope=$scope
		bare ptrace_scope=$scope
	done
	set_ kernel/yama/ptrace_scope 1
}

profile() { # profile NAME RULES
	printf 'abi <abi/4.0>,\ninclude <tunables/global>\nprofile tripline /usr/bin/tripline { %s }\n' "$2" > /tmp/profile
	apparmor_parser -r /tmp/profile
	row "$1"
	apparmor_parser -R /tmp/profile
}

profiles() {
	rest='file, network, signal, ptrace, unix, mount, umount, remount, pivot_root,'
	profile 'no userns' "$rest capability,"
	profile 'no capabilities' "$rest userns, audit deny capability,"
	apparmor_parser -r /etc/tripline
	row ours
	apparmor_parser -R /etc/tripline
}

escapes() {
	echo "row escapes"
	(cd /tmp && timeout 400 sandbox.test -test.run 'Escape|Packets|Inherited|Streams' 2>&1 < /dev/null | cat)
}
