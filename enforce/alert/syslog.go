package alert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"tripline/enforce"
)

// syslogSink sends RFC 5424 over UDP (RFC 5426, a datagram each), TCP (RFC 6587)
// and TLS (RFC 5425), the last two with octet counting:
//
//	142 <132>1 2026-11-22T16:40:01.12Z fw1 tripline 4242 destination - {"@timestamp":...}
//
// There is no structured data: its names need an enterprise number.
var syslogSink = Kind{
	Name: "syslog", Short: "RFC 5424 over UDP, TCP or TLS",
	Keys: []Key{
		{Name: "address", Short: "udp://HOST:514, tcp://HOST:601 or tls://HOST:6514", Required: true},
		{Name: "format", Short: "json (default), ecs, cef, leef or ocsf"},
		{Name: "facility", Short: "local0 (default) to local7, user, daemon, auth or authpriv"},
		{Name: "hostname", Short: "name of this machine in the record (default its own)"},
		caKey,
		{Name: "cert", Short: "FILE of our certificate, where the server wants one (PEM)"},
		{Name: "key", Short: "FILE of its key (PEM)"},
	},
	Pace: Pace{Batch: 100, Timeout: 10 * time.Second},
	Open: openSyslog,
}

// facilities that make sense for alerts, RFC 5424 table 1.
var facilities = map[string]int{
	"user": 1, "daemon": 3, "auth": 4, "authpriv": 10,
	"local0": 16, "local1": 17, "local2": 18, "local3": 19, "local4": 20, "local5": 21, "local6": 22, "local7": 23,
}

type syslogWriter struct {
	line     *line
	format   Format
	facility int
	host     string
}

func openSyslog(s *Settings) (Sink, error) {
	u, err := url.Parse(s.text("address", ""))
	if err != nil || u.Hostname() == "" || u.Path != "" || !slices.Contains([]string{"udp", "tcp", "tls"}, u.Scheme) {
		return nil, s.wrong("address", "want udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT")
	}
	w := &syslogWriter{}
	if w.format, err = s.format("json"); err != nil {
		return nil, err
	}
	if w.format.Name == "text" {
		return nil, s.wrong("format", "text is several lines; want json, ecs, cef, leef or ocsf")
	}
	var ok bool
	if w.facility, ok = facilities[s.text("facility", "local0")]; !ok {
		return nil, s.wrong("facility", "want local0 to local7, user, daemon, auth or authpriv")
	}
	own, _ := os.Hostname() // without one RFC 5424 has "-"
	w.host = headerField(s.text("hostname", own), 255)
	w.line, err = s.line(u)
	return w, err
}

// Send implements [Sink].
func (w *syslogWriter) Send(ctx context.Context, m *Message) (string, error) {
	var records [][]byte
	for _, a := range m.Alerts {
		r, err := w.record(a)
		if err != nil {
			return "", err
		}
		records = append(records, r)
	}
	return w.line.send(ctx, records)
}

// record is one alert as a message of RFC 5424 section 6.
func (w *syslogWriter) record(a *enforce.Alert) ([]byte, error) {
	text, err := w.format.record(a)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "<%d>1 %s %s tripline %d %s - ", w.facility*8+syslogSeverity(a), a.Time.UTC().Format("2006-01-02T15:04:05.000000Z"), w.host, os.Getpid(), headerField(string(a.Kind), 32))
	b.Write(text)
	return b.Bytes(), nil
}

// syslogSeverity is how much an alert matters, RFC 5424 table 2.
func syslogSeverity(a *enforce.Alert) int {
	return [...]int{6, 5, 4, 3, 2}[rank(a)] // informational to critical
}

// headerField makes text a field of the header: printable ASCII without spaces.
func headerField(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), limit)]
}

// Close implements [Sink].
func (w *syslogWriter) Close() error { return w.line.close() }

// counted frames records by octet counting, RFC 6587 section 3.4.1.
func counted(records [][]byte) []byte {
	var b bytes.Buffer
	for _, r := range records {
		b.WriteString(strconv.Itoa(len(r)) + " ")
		b.Write(r)
	}
	return b.Bytes()
}

// errTooLong is a record that no datagram holds.
var errTooLong = errors.New("the record does not fit into a datagram")
