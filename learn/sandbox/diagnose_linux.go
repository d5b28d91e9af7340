package sandbox

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"tripline/learn"
)

// A Diagnosis says what keeps a sandbox from being made, and what to do.
type Diagnosis struct{ Cause, Fix string }

// Diagnose says why namespaces could not be made, from what the kernel said and
// from how this system is set.
func Diagnose(err error) Diagnosis {
	switch {
	case errors.Is(err, unix.ENOSPC) || sysctl("user/max_user_namespaces") == "0":
		return Diagnosis{"user namespaces are switched off (user.max_user_namespaces)", "as root: sysctl user.max_user_namespaces=10000"}
	case sysctl("kernel/unprivileged_userns_clone") == "0":
		return Diagnosis{"user namespaces are for root alone (kernel.unprivileged_userns_clone)", "as root: sysctl kernel.unprivileged_userns_clone=1"}
	case sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1" || errors.Is(err, unix.EACCES):
		return Diagnosis{"AppArmor allows user namespaces to known programs only", profileFix(profile())}
	case filtered():
		return Diagnosis{"a filter of system calls, as containers have, forbids namespaces", "start the container with --security-opt seccomp=unconfined"}
	case os.Geteuid() == 0 && !holds(unix.CAP_SETFCAP): // user_namespaces(7)
		return Diagnosis{"root without CAP_SETFCAP, as in a container, gives no namespace a root", "run tripline as another user, or start the container with --cap-add SETFCAP"}
	case profile() != "":
		return Diagnosis{"AppArmor holds this program by the profile " + profile(), profileFix(profile())}
	case errors.Is(err, unix.EINVAL):
		return Diagnosis{"the kernel was built without user or network namespaces", "use a kernel with CONFIG_USER_NS and CONFIG_NET_NS"}
	}
	return Diagnosis{"namespaces are forbidden", "as root: sysctl user.max_user_namespaces, and see docs/sandbox.md"}
}

func sysctl(name string) string {
	text, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// filtered says whether this process is under a filter of system calls.
func filtered() bool {
	text, err := os.ReadFile("/proc/self/status")
	return err == nil && strings.Contains(string(text), "\nSeccomp:\t2")
}

// profile is what AppArmor holds this process by, "" if by nothing.
func profile() string {
	text, err := os.ReadFile("/proc/self/attr/current")
	if err != nil {
		return ""
	}
	name, mode, found := strings.Cut(strings.TrimRight(string(text), "\n\x00"), " (")
	if !found || mode == "unconfined)" || mode == "complain)" {
		return ""
	}
	return learn.Printable(name)
}

// profileFix is what to do about a profile: that of a container is not for us to replace.
func profileFix(name string) string {
	if strings.Contains(name, "default") { // docker-default, containers-default-0.50
		return "start the container with --security-opt apparmor=unconfined"
	}
	return "as root: cp docs/apparmor/tripline /etc/apparmor.d/ && apparmor_parser -r /etc/apparmor.d/tripline"
}
