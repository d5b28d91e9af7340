package source_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tripline/learn"
	"tripline/learn/source"
)

// listening returns a stream that listens at a free port, and where.
func listening(t *testing.T, name, form string) (s source.Stream, addr string) {
	t.Helper()
	addr = openPort(t)
	src, err := source.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err = source.Open(src, fmt.Sprintf(form, addr), nil, source.StreamOptions{Options: home, Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, addr
}

func openPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// heard returns what was made of the next messages.
func heard(t *testing.T, s source.Stream, n int) (list []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for len(list) < n {
		var r source.Record
		err := s.Next(&r)
		if errors.Is(err, io.EOF) {
			if err := s.Wait(ctx, 10*time.Second); err != nil {
				t.Fatalf("got %d messages, want %d: %q", len(list), n, list)
			}
			continue
		}
		if bad, ok := errors.AsType[*source.RecordError](err); ok {
			list = append(list, string(bad.Cause))
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(r.Why))
	}
	return list
}

// saying dials from an address of this machine and sends.
func saying(t *testing.T, network, from, addr string, messages ...string) net.Conn {
	t.Helper()
	d := net.Dialer{}
	if ip := net.ParseIP(from); network == "udp" {
		d.LocalAddr = &net.UDPAddr{IP: ip}
	} else {
		d.LocalAddr = &net.TCPAddr{IP: ip}
	}
	c, err := d.DialContext(t.Context(), network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	for _, m := range messages {
		if _, err := io.WriteString(c, m); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func wants(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
}

const (
	me    = "127.0.0.1"
	other = "127.0.0.2"
)

func line5424(n int, csv string) string {
	return fmt.Sprintf("<134>1 2026-03-28T12:00:%02d+00:00 fw.example.com filterlog 1 - [meta sequenceId=\"%d\"] %s", n%60, n, csv)
}

func TestDatagramsAreLines(t *testing.T) {
	s, addr := listening(t, "filterlog", "udp://%s")
	saying(t, "udp", me, addr,
		"<134>"+time.Now().UTC().Format(time.Stamp)+" filterlog[1]: "+udp("in em1 pass", host, "5000", far, "443", 50),
		line5424(1, udp("in em1 pass", host, "5001", far, "443", 50))+"\n"+line5424(2, udp("in em1 pass", host, "5001", far, "443", 50))+"\r\n",
		"\n",
		"<13>Mar 28 12:00:00 fw sshd[1]: hello",
		"nonsense \x1b[2J")
	wants(t, heard(t, s, 5), string(source.Outbound), string(source.Outbound), string(source.SameExchange), string(source.OtherProgram), string(source.NotALog))
	if got := s.File(); got != "udp://"+addr+" (127.0.0.1)" {
		t.Errorf("got the name %q", got)
	}
	if st := s.Stats(); st.Lines != 5 || st.Dropped != 0 || st.Missing != 0 {
		t.Errorf("got %+v", st)
	}
	if cursor, err := s.Cursor(); cursor != nil || err != nil {
		t.Errorf("got the cursor %q, %v", cursor, err)
	}
}

// What one firewall says explains nothing of another.
func TestSendersAreToldApart(t *testing.T) {
	s, addr := listening(t, "filterlog", "udp://%s")
	line := line5424(7, udp("in em1 pass", host, "5000", far, "443", 50))
	for _, step := range []struct{ from, want string }{
		{me, string(source.Outbound)}, {other, string(source.Outbound)}, {me, string(source.SameExchange)},
	} {
		saying(t, "udp", step.from, addr, line)
		wants(t, heard(t, s, 1), step.want)
	}
}

func TestOnlyAllowedSendersAreHeard(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		s, addr := listening(t, "filterlog", network+"://%s?allow=192.0.2.1,127.0.0.2/32")
		line := line5424(7, udp("in em1 pass", host, "5000", far, "443", 50)) + "\n"
		saying(t, network, other, addr, line)
		wants(t, heard(t, s, 1), string(source.Outbound))
		c, err := (&net.Dialer{}).DialContext(t.Context(), network, addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, line) // it may be refused already
		wants(t, heard(t, s, 1), string(source.Stranger))
		c.Close()
	}
}

func TestGapsInSequenceNumbersAreCounted(t *testing.T) {
	s, addr := listening(t, "filterlog", "udp://%s")
	for _, n := range []int{3, 4, 9, 6} {
		saying(t, "udp", me, addr, line5424(n, udp("in em1 pass", host, "5000", far, "443", 50)))
		heard(t, s, 1)
	}
	if got := s.Stats().Missing; got != 3 {
		t.Errorf("got %d missing, want 3: 5, 7 and 8", got)
	}
	if list := source.Senders(s); len(list) != 1 || list[0].Missing != 3 || list[0].Records == 0 || list[0].Last.Before(list[0].First) {
		t.Errorf("got senders %+v, want one with 3 missing", list)
	}
}

func TestConnectionsFrameEitherWay(t *testing.T) {
	s, addr := listening(t, "filterlog", "tcp://%s")
	a, b := line5424(1, udp("in em1 pass", host, "5000", far, "443", 50)), line5424(2, udp("in em1 pass", host, "5001", far, "443", 50))
	c := saying(t, "tcp", me, addr, a+"\n", fmt.Sprintf("%d %s", len(b), b), b[:20])
	wants(t, heard(t, s, 2), string(source.Outbound), string(source.Outbound))
	if _, err := io.WriteString(c, b[20:]+"\n"+strings.Repeat("x", 1<<17)+"\n"+a+"\n"+fmt.Sprintf("%d %s", len(b)+9, b)); err != nil {
		t.Fatal(err)
	}
	c.Close()
	wants(t, heard(t, s, 4), string(source.SameExchange), string(source.TooLong), string(source.SameExchange), string(source.CutShort))
	if got := s.Stats().TooLong; got != 1 {
		t.Errorf("got %d too long, want 1", got)
	}
}

func TestNobodyHasAllConnections(t *testing.T) {
	s, addr := listening(t, "filterlog", "tcp://%s")
	for range 8 {
		saying(t, "tcp", me, addr)
	}
	saying(t, "tcp", me, addr)
	wants(t, heard(t, s, 1), string(source.Overcrowded))
	saying(t, "tcp", other, addr, line5424(1, udp("in em1 pass", host, "5000", far, "443", 50))+"\n")
	wants(t, heard(t, s, 1), string(source.Outbound))
}

func TestListeningEndsAtOnce(t *testing.T) {
	s, addr := listening(t, "filterlog", "tcp://%s")
	saying(t, "tcp", me, addr, "x")
	done := make(chan error)
	go func() { done <- s.Close() }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("still open")
	}
}

func TestWaitEndsWithItsTime(t *testing.T) {
	s, _ := listening(t, "filterlog", "udp://%s")
	if err := s.Wait(t.Context(), 10*time.Millisecond); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Wait(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAddressesThatCannotBeListenedAt(t *testing.T) {
	src, err := source.Find("filterlog")
	if err != nil {
		t.Fatal(err)
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	defer busy.Close()
	for path, want := range map[string]string{
		"http://192.0.2.1:80":                      "want udp://",
		"udp://192.0.2.1":                          "want udp://",
		"udp://192.0.2.1:5514/x":                   "want udp://",
		"udp://:5514?alow=192.0.2.1":               `unknown parameter "alow"`,
		"udp://:5514?allow=em1":                    "want addresses or prefixes",
		"udp://:5514?cert=x":                       "is for tls",
		"tls://:6514?cert=x":                       "needs a certificate and its key",
		"tls://127.0.0.1:0?cert=no.pem&key=no.pem": "certificate no.pem with key no.pem: open no.pem",
		"tls://:6514?cert=a&cert=b&key=c":          "there twice",
		"udp://203.0.113.1:5514":                   "cannot assign requested address",
		"tcp://" + busy.Addr().String():            "address already in use",
	} {
		_, err := source.Open(src, path, nil, source.StreamOptions{Follow: true})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "listen at "+path+": ") || learn.HintOf(err) == "" {
			t.Errorf("%s: got %v with hint %q, want %q", path, err, learn.HintOf(err), want)
		}
	}
	_, err = source.Open(src, "udp://127.0.0.1:0", nil, source.StreamOptions{})
	if err == nil || !strings.Contains(learn.HintOf(err), "--follow") {
		t.Errorf("got %v with hint %q", err, learn.HintOf(err))
	}
}

// Logger(1) of util-linux is a sender that others wrote.
func TestLogger(t *testing.T) {
	logger, err := exec.LookPath("logger")
	if err != nil {
		t.Skip("logger(1) is not here")
	}
	line := "IN=br0 OUT=wan0 SRC=192.0.2.10 DST=203.0.113.7 LEN=60 PROTO=UDP SPT=%d DPT=53 LEN=40"
	for i, args := range [][]string{
		{"--udp", "--rfc3164"}, {"--udp", "--rfc5424"}, {"--tcp", "--rfc3164"}, {"--tcp", "--rfc5424=notime"}, {"--tcp", "--octet-count", "--rfc5424"},
	} {
		s, addr := listening(t, "netfilter", strings.TrimPrefix(args[0], "--")+"://%s")
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, "--server", host, "--port", port, "--tag", "kernel", "-p", "kern.warning", fmt.Sprintf(line, i))
		if out, err := exec.CommandContext(t.Context(), logger, args...).CombinedOutput(); err != nil {
			t.Fatalf("logger %v: %v\n%s", args, err, out)
		}
		if got := heard(t, s, 1); got[0] != string(source.Outbound) {
			t.Errorf("logger %v: got %q", args, got)
		}
	}
}
