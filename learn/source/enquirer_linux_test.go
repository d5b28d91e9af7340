package source

import (
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"tripline/learn"
)

// A oneFlow is a source that knows a single connection.
type oneFlow struct {
	Stream
	f *learn.Flow
}

func (s *oneFlow) Next(r *Record) error {
	if s.f == nil {
		return io.EOF
	}
	*r = Record{Flow: *s.f, Counted: true, Why: Outbound}
	s.f = nil
	return nil
}

func (s *oneFlow) Close() error { return nil }

// TestWhereTheKernelDoesNotTellItIsAsked: sock_diag finds who has a connection that
// is open, and nobody for one that is not.
func TestWhereTheKernelDoesNotTellItIsAsked(t *testing.T) {
	e, err := openEnquirer()
	if err != nil {
		t.Skip(err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	from, to := c.LocalAddr().(*net.TCPAddr).AddrPort(), l.Addr().(*net.TCPAddr).AddrPort()
	f := learn.Flow{Time: time.Now(), Proto: learn.TCP, Src: from.Addr(), SrcPort: from.Port(), Dst: to.Addr(), DstPort: to.Port()}
	s := &attributed{Stream: &oneFlow{f: &f}, by: e}
	defer s.Close()
	var r Record
	if err := s.Next(&r); err != nil {
		t.Fatal(err)
	}
	if r.Process == nil || r.Process.PID != os.Getpid() || r.Process.Exe == "" || len(r.Process.Args) == 0 {
		t.Errorf("it is of %+v, want of us", r.Process)
	}
	f.SrcPort++
	s.Stream = &oneFlow{f: &f}
	if err := s.Next(&r); err != nil || r.Process != nil {
		t.Errorf("there is no such connection, but it is of %v, %v", r.Process, err)
	}
}

func TestWhoMayNotBeSeenIsSaid(t *testing.T) {
	for rights, want := range map[string]string{"000001ffffffffff": "", "0000000000080004": "", "0000000000083000": "READ_SEARCH", "0000000000000000": "PTRACE", "x": ""} {
		err := seesOthers("Name:\ttripline\nCapPrm:\t000001ffffffffff\nCapEff:\t" + rights + "\nCapBnd:\t0\n")
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", rights, err, want)
		}
	}
}
