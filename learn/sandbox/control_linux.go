package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Hidden first arguments of this program in other processes: what makes the sandbox,
// the first process in it, and what looks at those inside. They are no commands.
const (
	argSetup = "__sandbox-setup"
	argInit  = "__sandbox-init"
	argEyes  = "__sandbox-eyes"
)

// controlAt is the socket to this process, which is told to those by its number: that of
// none which the command inherits.
func controlAt(text string) (control, error) {
	fd, err := strconv.Atoi(text)
	if err != nil {
		return control{}, err
	}
	return control{os.NewFile(uintptr(fd), "control")}, nil
}

// A plan is what the child is told to do. The command is in its arguments, which
// may be any bytes and many.
type plan struct {
	UID     int      `json:"uid"`
	GID     int      `json:"gid"`
	PID     bool     `json:"pid"`     // it has processes of its own
	Link    string   `json:"link"`    // which one, "" for the first that is possible
	Strict  bool     `json:"strict"`  // it tells of every connect
	Bare    bool     `json:"bare"`    // it has no namespaces
	Hide    []string `json:"hide"`    // sockets and directories to cover
	Private []string `json:"private"` // files to cover, or else nothing is run
	Own     []string `json:"own"`     // files that are to be the command's own
	Listen  []uint16 `json:"listen"`  // ports of its loopback that lead to the host's
	Resolve string   `json:"resolve"` // its resolv.conf
}

// A report is what the child says. Descriptors come along in the order of
// their names.
type report struct {
	Fail   string   `json:"fail,omitempty"`  // what could not be done
	Errno  int      `json:"errno,omitempty"` // and why, where the kernel said so
	Link   string   `json:"link,omitempty"`
	FDs    []string `json:"fds,omitempty"`
	Notes  []string `json:"notes,omitempty"` // what was not covered
	PID    int      `json:"pid,omitempty"`   // of the command, inside
	Ended  bool     `json:"ended,omitempty"`
	Halted bool     `json:"halted,omitempty"` // it was stopped, as by ^Z
	Status int      `json:"status,omitempty"`
	Left   int      `json:"left,omitempty"`   // processes that it left behind
	Notify int      `json:"notify,omitempty"` // its descriptor that tells of calls
}

// An order is what this process says to the first one inside.
type order struct {
	Signal int `json:"signal,omitempty"`
}

// A control is one end of the socket between this process and the child.
type control struct{ f *os.File }

const mostMessage = 128 << 10

// send sends a message with descriptors.
func (c control) send(message any, fds ...int) error {
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	if len(data) > mostMessage {
		return fmt.Errorf("a message of %d bytes is too long", len(data))
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	for {
		var err error
		if rights == nil { // without sendmsg, which may be what is told of
			_, err = unix.Write(int(c.f.Fd()), data)
		} else {
			err = unix.Sendmsg(int(c.f.Fd()), data, rights, nil, unix.MSG_NOSIGNAL)
		}
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// receive waits for a message. [io.EOF] says that the other end is gone.
func (c control) receive(message any) (fds []int, err error) {
	data, oob := make([]byte, mostMessage), make([]byte, 4096)
	var n, m int
	for {
		n, m, _, _, err = unix.Recvmsg(int(c.f.Fd()), data, oob, unix.MSG_CMSG_CLOEXEC)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	switch {
	case errors.Is(err, unix.ECONNRESET):
		return nil, io.EOF
	case err != nil:
		return nil, err
	case n == 0:
		return nil, io.EOF
	}
	messages, err := unix.ParseSocketControlMessage(oob[:m])
	if err != nil {
		return nil, err
	}
	for i := range messages {
		if got, err := unix.ParseUnixRights(&messages[i]); err == nil {
			fds = append(fds, got...)
		}
	}
	return fds, json.Unmarshal(data[:n], message)
}
