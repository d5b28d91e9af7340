package sandbox

import (
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Without namespaces nothing but the filter stands before the network. Every call
// that says where something goes is stopped and made by this process instead, from
// its own copy of the address: the command cannot change it after it was looked at.
// Kinds of sockets that have other ways to say so are refused.

// bareFamilies are IP, and what is within this machine.
var bareFamilies = []uint32{unix.AF_UNIX, unix.AF_NETLINK, unix.AF_ALG}

// bareProtocols are those of IP whose addresses come with connect and send. SCTP
// and MPTCP get more by themselves.
var bareProtocols = []uint32{0, unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6}

func bareProgram() (p program) {
	p.oneABI()
	p.ifEqual(unix.SYS_SOCKETPAIR, func(p *program) { p.onlyUnix() })
	p.ifEqual(unix.SYS_SOCKET, func(p *program) { p.bareSockets() })
	p.noTyping()
	p.ifEqual(unix.SYS_SETSOCKOPT, func(p *program) { p.options() })
	p.ownLimits()
	for _, call := range []uint32{unix.SYS_CONNECT, unix.SYS_LISTEN, unix.SYS_SENDMSG, unix.SYS_SENDMMSG} {
		p.ifEqual(call, func(p *program) { p.give(unix.SECCOMP_RET_USER_NOTIF) })
	}
	p.addressed()
	p.give(unix.SECCOMP_RET_ALLOW)
	return p
}

func (p *program) onlyUnix() {
	p.load(argument(0))
	p.ifEqual(unix.AF_UNIX, func(p *program) { p.give(unix.SECCOMP_RET_ALLOW) })
	p.give(refuse(unix.EAFNOSUPPORT))
}

func (p *program) bareSockets() {
	p.load(argument(0))
	for _, f := range bareFamilies {
		p.ifEqual(f, func(p *program) { p.give(unix.SECCOMP_RET_ALLOW) })
	}
	for _, f := range []uint32{unix.AF_INET, unix.AF_INET6} {
		p.ifEqual(f, func(p *program) { p.streamOrDatagram() })
	}
	p.give(refuse(unix.EAFNOSUPPORT))
}

const socketType = 0xf // the rest are flags

func (p *program) streamOrDatagram() {
	p.load(argument(1))
	p.add(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, socketType, 0, 0)
	p.ifEqual(unix.SOCK_STREAM, func(p *program) { p.knownProtocol() })
	p.ifEqual(unix.SOCK_DGRAM, func(p *program) { p.knownProtocol() })
	p.give(refuse(unix.EPERM))
}

func (p *program) knownProtocol() {
	p.load(argument(2))
	for _, protocol := range bareProtocols {
		p.ifEqual(protocol, func(p *program) { p.give(unix.SECCOMP_RET_ALLOW) })
	}
	p.give(refuse(unix.EPROTONOSUPPORT))
}

// Options that lead packets by way of other hosts, and those that join a group: the
// kernel then tells the whole link of it, for which nobody was asked (RFC 3376, RFC 3810).
var (
	routing = map[uint32][]uint32{
		unix.IPPROTO_IP:   {unix.IP_OPTIONS},
		unix.IPPROTO_IPV6: {unix.IPV6_RTHDR, unix.IPV6_2292RTHDR, unix.IPV6_2292PKTOPTIONS},
	}
	joining = map[uint32][]uint32{
		unix.IPPROTO_IP:   {unix.IP_ADD_MEMBERSHIP, unix.IP_ADD_SOURCE_MEMBERSHIP, unix.MCAST_JOIN_GROUP, unix.MCAST_JOIN_SOURCE_GROUP},
		unix.IPPROTO_IPV6: {unix.IPV6_JOIN_GROUP, unix.IPV6_JOIN_ANYCAST, unix.MCAST_JOIN_GROUP, unix.MCAST_JOIN_SOURCE_GROUP},
	}
)

// options refuses options, and tells of who wants to know with whom it speaks.
func (p *program) options() {
	p.load(argument(1))
	p.ifEqual(unix.SOL_SOCKET, func(p *program) {
		p.load(argument(2))
		p.ifEqual(unix.SO_PASSCRED, func(p *program) { p.give(unix.SECCOMP_RET_USER_NOTIF) })
		p.give(unix.SECCOMP_RET_ALLOW)
	})
	for _, level := range []uint32{unix.IPPROTO_IP, unix.IPPROTO_IPV6} {
		p.ifEqual(level, func(p *program) {
			p.load(argument(2))
			p.refuseAll(unix.EPERM, routing[level])
			p.refuseAll(unix.ENODEV, joining[level]) // as where no link has groups
			p.give(unix.SECCOMP_RET_ALLOW)
		})
	}
	p.give(unix.SECCOMP_RET_ALLOW)
}

func (p *program) refuseAll(errno unix.Errno, values []uint32) {
	for _, v := range values {
		p.ifEqual(v, func(p *program) { p.give(refuse(errno)) })
	}
}

// ownLimits has processes set their own limits, and nobody else's: tripline could not
// write down any more what it lets out.
func (p *program) ownLimits() {
	p.ifEqual(unix.SYS_PRLIMIT64, func(p *program) {
		p.load(argument(0))
		p.ifEqual(0, func(p *program) { p.give(unix.SECCOMP_RET_ALLOW) })
		p.ifAny(argument(2), refuse(unix.EPERM))
		p.give(unix.SECCOMP_RET_ALLOW)
	})
}

// fence keeps the command from other processes (landlock(7)): it neither traces nor
// signals them, and does not reach their abstract sockets. It returns what it cannot
// keep it from.
func fence() []string {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return []string{"no Landlock here: the command can trace other processes of its user, and connect through them"}
	}
	const scopes = 6 // the version that has them
	attr := unix.LandlockRulesetAttr{Scoped: unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL}
	size := unsafe.Sizeof(attr)
	var notes []string
	if abi < scopes { // some other rule makes a domain as well
		attr = unix.LandlockRulesetAttr{Handled_access_fs: unix.LANDLOCK_ACCESS_FS_REFER}
		size = unsafe.Sizeof(attr.Handled_access_fs)
		notes = []string{"Landlock of this kernel is old (before Linux 6.12): the command can end this program, and all network with it"}
	}
	if abi < 2 {
		return []string{"Landlock of this kernel is too old (before Linux 5.19): the command can trace other processes of its user, and connect through them"}
	}
	if err := restrict(&attr, size); err != nil {
		return []string{"Landlock: " + strings.TrimSpace(err.Error()) + ": the command can trace other processes of its user, and connect through them"}
	}
	return notes
}

func restrict(attr *unix.LandlockRulesetAttr, size uintptr) error {
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(attr)), size, 0) //nolint:gosec // G103: how the call takes its argument
	if errno != 0 {
		return errno
	}
	defer unix.Close(int(fd)) //nolint:errcheck // nothing was written
	if attr.Handled_access_fs != 0 {
		root, err := unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(root) //nolint:errcheck // nothing was written
		rule := unix.LandlockPathBeneathAttr{Allowed_access: attr.Handled_access_fs, Parent_fd: int32(root)}
		_, _, errno = unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, fd, unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0) //nolint:gosec // G103: as above
		if errno != 0 {
			return errno
		}
	}
	if _, _, errno = unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
