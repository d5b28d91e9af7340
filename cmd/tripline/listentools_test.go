package main

import (
	"net"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdPort sets a variable to an address of this machine where nobody listens:
// port VARIABLE.
func cmdPort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], l.Addr().String())
	ts.Check(l.Close())
}

// cmdSend sends each line of a file, as soon as somebody listens: send tcp
// ADDRESS FILE.
func cmdSend(ts *testscript.TestScript, _ bool, args []string) {
	var c net.Conn
	err := net.ErrClosed
	for end := time.Now().Add(patience); err != nil && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		c, err = net.Dial(args[0], args[1])
	}
	ts.Check(err)
	for line := range strings.Lines(ts.ReadFile(args[2])) {
		_, err := c.Write([]byte(line))
		ts.Check(err)
	}
	ts.Check(c.Close())
}
