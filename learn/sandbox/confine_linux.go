package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"github.com/landlock-lsm/go-landlock/landlock"
	lsm "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"
)

// What answers the packets of a command is the way to take over a process that is not
// in a sandbox. So that one gives up what it does not need, for good and as far as the
// kernel knows how.

// A need is what a process still does to others.
type need int

const (
	nothing need = iota
	looking      // into those of a user namespace of its own
	calling      // it makes the calls of others
)

// files are the rights of root that it keeps, to write what belongs to others.
const files = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH | 1<<unix.CAP_FOWNER |
	1<<unix.CAP_FSETID | 1<<unix.CAP_NET_BIND_SERVICE

func (r *running) confine() []string {
	if r.bare != nil { // Landlock would not let it make the command's calls
		return confine(nil, calling)
	}
	return confine(r.o.Confine, nothing)
}

// confine gives up rights of all threads, and says which.
func confine(c *Confinement, n need) (done []string) {
	note := func(what string, err error) {
		if err == nil {
			done = append(done, what)
		}
	}
	note("no new privileges", renounce())
	keep := uint64(files)
	if n == calling { // what it traces has these, and a message of it says whose it is
		keep |= kept | 1<<unix.CAP_SYS_PTRACE | 1<<unix.CAP_SYS_ADMIN
	}
	note(heldRights(n), keepRights(keep, capsetAll))
	if c != nil {
		abi, err := c.fence()
		note(fmt.Sprintf("Landlock (version %d): it writes only what is its own and reaches no other process", abi), err)
	}
	note("a filter of system calls", installAll(confinedProgram(n)))
	return done
}

// heldRights names what [keepRights] leaves.
func heldRights(n need) string {
	switch {
	case os.Geteuid() != 0:
		return "no capabilities"
	case n == calling:
		return "no capabilities but over files and the command"
	}
	return "no capabilities but over files"
}

// renounce has all threads renounce new privileges.
func renounce() error {
	_, _, errno := psx.Syscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
	return errnoOrNil(errno)
}

func errnoOrNil(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

// keepRights drops all other rights, where there are any: of those that are to be kept
// root in a container may lack some.
func keepRights(keep uint64, set func(*unix.CapUserHeader, *unix.CapUserData) error) error {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&head, &data[0]); err != nil {
		return err
	}
	for i := range data {
		d := &data[i]
		d.Permitted &= uint32(keep >> (32 * i))
		d.Effective, d.Inheritable = d.Permitted, 0
	}
	return set(&head, &data[0])
}

// capsetAll is capset(2) for all threads.
func capsetAll(head *unix.CapUserHeader, data *unix.CapUserData) error {
	_, _, errno := psx.Syscall3(unix.SYS_CAPSET, uintptr(unsafe.Pointer(head)), uintptr(unsafe.Pointer(data)), 0) //nolint:gosec // G103: how the call takes its arguments
	return errnoOrNil(errno)
}

// fence lets this process write only where it must (landlock(7)), and keeps it from
// other processes, and says which version of Landlock does. Sockets of programs in the
// file system stay in reach: alerts go there.
func (c *Confinement) fence() (abi int, err error) {
	if abi, err = lsm.LandlockGetABIVersion(); err != nil {
		return 0, err
	}
	set := landlock.Config{HandledAccessFS: landlock.V5.HandledAccessFS}
	if !strings.HasPrefix(os.Getenv("NOTIFY_SOCKET"), "@") { // of a service manager
		set.Scoped |= lsm.ScopeAbstractUnixSocket
	}
	const threads = 7 // before, signals between our own threads are refused as well
	if abi >= threads {
		set.Scoped |= lsm.ScopeSignal
	}
	const read = lsm.AccessFSReadFile | lsm.AccessFSReadDir
	rules := []landlock.Rule{
		landlock.PathAccess(read, "/"),
		landlock.RWFiles("/dev/null").IgnoreIfMissing(),
		landlock.RWFiles("/dev/tty").WithIoctlDev().IgnoreIfMissing(),
	}
	for _, path := range c.Write {
		rules = append(rules, writable(path))
	}
	return abi, set.BestEffort().Restrict(rules...)
}

// writable lets a file be written, or what is below a directory. One that is not there
// yet is made in the nearest one that is.
func writable(path string) landlock.Rule {
	for {
		info, err := os.Stat(path)
		switch {
		case err == nil && !info.IsDir():
			return landlock.RWFiles(path)
		case err == nil || filepath.Dir(path) == path:
			return landlock.RWDirs(path).IgnoreIfMissing()
		}
		path = filepath.Dir(path)
	}
}
