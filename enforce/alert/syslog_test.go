package alert_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leodido/go-syslog/v4"
	"github.com/leodido/go-syslog/v4/octetcounting"
	"github.com/leodido/go-syslog/v4/rfc5424"
)

// read5424 reads a message with a parser of somebody else.
func read5424(t *testing.T, text []byte) *rfc5424.SyslogMessage {
	t.Helper()
	m, err := rfc5424.NewParser().Parse(text)
	if err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	got, ok := m.(*rfc5424.SyslogMessage)
	if !ok {
		t.Fatalf("got %T", m)
	}
	return got
}

func check5424(t *testing.T, m *rfc5424.SyslogMessage, format string) {
	t.Helper()
	if *m.Facility != 16 || *m.Severity != 3 || *m.Appname != "tripline" || *m.MsgID != "destination" || *m.Hostname != "fw1" || m.StructuredData != nil {
		t.Errorf("header: got %+v", m)
	}
	if got, want := *m.Message, record(t, format, spiteful()); got != want {
		t.Errorf("%s: got\n%s\nwant\n%s", format, got, want)
	}
}

func TestSyslogOverUDP(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, format := range []string{"json", "ecs", "cef", "leef", "ocsf", "wazuh"} {
		r := sink(t, "syslog", map[string]string{"address": "udp://" + conn.LocalAddr().String(), "format": format, "hostname": "fw 1\n"})
		if _, err := send(t, r, message(spiteful())); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 64<<10)
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, _, err := conn.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		check5424(t, read5424(t, b[:n]), format)
	}
	long := spiteful()
	long.Name = strings.Repeat("x", 70_000)
	r := sink(t, "syslog", map[string]string{"address": "udp://" + conn.LocalAddr().String()})
	if _, err := send(t, r, message(long)); err == nil || !strings.Contains(err.Error(), "does not fit") {
		t.Errorf("a record that no datagram holds: got %v", err)
	}
}

// streamed sends over a listener and reads back what came, across a server that
// closes in between.
func streamed(t *testing.T, l net.Listener, settings map[string]string) {
	t.Helper()
	got := make(chan []byte, 10)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				var b bytes.Buffer
				buf := make([]byte, 64<<10)
				for {
					conn.SetReadDeadline(time.Now().Add(time.Second))
					n, err := conn.Read(buf)
					b.Write(buf[:n])
					if b.Len() > 0 && (err != nil || n < len(buf)) && complete(b.Bytes(), 2) {
						break
					}
					if err != nil && n == 0 && b.Len() == 0 {
						break
					}
				}
				got <- b.Bytes()
				time.Sleep(500 * time.Millisecond)
				conn.Close()
			}()
		}
	}()
	r := sink(t, "syslog", settings)
	for range 2 {
		if answer, err := send(t, r, message(spiteful(), spiteful())); err != nil || !strings.Contains(answer, "no answer") {
			t.Fatalf("got %q, %v", answer, err)
		}
		text := <-got
		n := 0
		octetcounting.NewParser(syslog.WithListener(func(res *syslog.Result) {
			if res.Error != nil {
				t.Fatalf("%v in %q", res.Error, text)
			}
			n++
			check5424(t, res.Message.(*rfc5424.SyslogMessage), "ecs")
		}), syslog.WithMaxMessageLength(64<<10)).Parse(bytes.NewReader(text))
		if n != 2 {
			t.Errorf("%d messages, want 2", n)
		}
		time.Sleep(time.Second) // the sink hears that the server has closed
	}
}

// complete says whether text holds n frames.
func complete(text []byte, n int) bool {
	for ; n > 0; n-- {
		var size int
		if _, err := fmt.Sscanf(string(text), "%d ", &size); err != nil {
			return false
		}
		head := len(fmt.Sprintf("%d ", size))
		if len(text) < head+size {
			return false
		}
		text = text[head+size:]
	}
	return true
}

func TestSyslogOverTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	streamed(t, l, map[string]string{"address": "tcp://" + l.Addr().String(), "format": "ecs", "hostname": "fw1"})
}

func TestSyslogOverTLS(t *testing.T) {
	ca, cert, key := authority(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	streamed(t, l, map[string]string{"address": "tls://" + l.Addr().String(), "format": "ecs", "hostname": "fw1", "ca": ca})
	if _, err := send(t, sink(t, "syslog", map[string]string{"address": "tls://" + l.Addr().String()}), message(spiteful())); err == nil || !strings.Contains(err.Error(), "TLS with") {
		t.Errorf("without the CA: got %v", err)
	}
}

// free returns a port of TCP and UDP that nobody has now.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// program starts a server that ends with the test, and returns once it listens.
func program(t *testing.T, port, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Skipf("%s does not start: %v", name, err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Log(out.String())
		}
	})
	for range 200 {
		if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			conn.Close()
			return cmd
		}
		select {
		case <-ended:
			t.Fatalf("%s ended: %s", name, out.String())
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatalf("%s does not listen: %s", name, out.String())
	return nil
}

// TestRsyslog sends to the rsyslogd of Debian over UDP, TCP and, where it can, TLS.
func TestRsyslog(t *testing.T) {
	path, err := exec.LookPath("rsyslogd")
	if err != nil {
		if _, err = os.Stat("/usr/sbin/rsyslogd"); err != nil {
			t.Skip("rsyslogd is not installed")
		}
		path = "/usr/sbin/rsyslogd"
	}
	ca, cert, key := authority(t)
	for _, network := range []string{"udp", "tcp", "tls"} {
		t.Run(network, func(t *testing.T) {
			if found, _ := filepath.Glob("/usr/lib/*/rsyslog/lmnsd_gtls.so"); network == "tls" && len(found) == 0 {
				t.Skip("rsyslog-gnutls is not installed")
			}
			dir, port := t.TempDir(), free(t)
			out, conf := filepath.Join(dir, "out"), filepath.Join(dir, "rsyslog.conf")
			lines := []string{
				`global(workDirectory="` + dir + `" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off")`,
				`module(load="imudp")`, `module(load="imtcp")`,
				`template(name="all" type="string" string="%syslogseverity% %app-name% %msgid% %msg%\n")`,
				`action(type="omfile" file="` + out + `" template="all")`,
				`input(type="imudp" address="127.0.0.1" port="` + port + `")`,
			}
			if network == "tls" {
				lines[0] = `global(workDirectory="` + dir + `" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off" defaultNetstreamDriver="gtls" ` +
					`defaultNetstreamDriverCAFile="` + ca + `" defaultNetstreamDriverCertFile="` + cert + `" defaultNetstreamDriverKeyFile="` + key + `")`
				lines[2] = `module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")`
			}
			lines = append(lines, `input(type="imtcp" address="127.0.0.1" port="`+port+`")`)
			if err := os.WriteFile(conf, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			program(t, port, path, "-n", "-f", conf, "-i", filepath.Join(dir, "pid"))
			settings := map[string]string{"address": network + "://127.0.0.1:" + port, "format": "ecs"}
			if network == "tls" {
				settings["ca"] = ca
			}
			if _, err := send(t, sink(t, "syslog", settings), message(spiteful(), spiteful())); err != nil {
				t.Fatal(err)
			}
			want := "3 tripline destination " + record(t, "ecs", spiteful()) + "\n"
			eventually(t, func() string { b, _ := os.ReadFile(out); return string(b) }, want+want)
		})
	}
}

// eventually wants a text to come within some seconds.
func eventually(t *testing.T, get func() string, want string) {
	t.Helper()
	got := ""
	for range 300 {
		if got = get(); got == want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("got\n%s\nwant\n%s", got, want)
}

// A server that does not let us in says so after the first message was written.
func TestSyslogThatClosesAtOnce(t *testing.T) {
	ca, cert, key := authority(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(io.Discard, conn); conn.Close() }()
		}
	}()
	settings := map[string]string{"address": "tls://" + l.Addr().String(), "ca": ca}
	if _, err := send(t, sink(t, "syslog", settings), message(spiteful())); err == nil {
		t.Error("without a certificate: got no error")
	}
	settings["cert"], settings["key"] = cert, key
	if _, err := send(t, sink(t, "syslog", settings), message(spiteful())); err != nil {
		t.Errorf("with a certificate: %v", err)
	}
}
