package alert_test

import (
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"tripline/enforce/alert"
)

// A post office is a mail server that keeps what it gets.
type postOffice struct {
	mu     sync.Mutex
	mails  []string
	from   string
	to     []string
	user   string
	refuse error
}

func (p *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return &counter{p: p}, nil }

type counter struct {
	p  *postOffice
	to []string
}

func (c *counter) AuthMechanisms() []string { return []string{sasl.Plain} }
func (c *counter) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "hunter2" {
			return errors.New("wrong password")
		}
		c.p.user = user
		return nil
	}), nil
}
func (c *counter) Mail(from string, _ *smtp.MailOptions) error { c.p.from = from; return nil }
func (c *counter) Rcpt(to string, _ *smtp.RcptOptions) error   { c.to = append(c.to, to); return nil }

func (c *counter) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	if c.p.refuse != nil {
		return c.p.refuse
	}
	c.p.mails, c.p.to = append(c.p.mails, string(b)), c.to
	return nil
}
func (c *counter) Reset()        {}
func (c *counter) Logout() error { return nil }

// office starts a server; with is how TLS is spoken: "", "starttls" or "tls".
func office(t *testing.T, with string, p *postOffice) (address, ca string) {
	t.Helper()
	ca, cert, key := authority(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	srv := smtp.NewServer(p)
	srv.Domain, srv.ReadTimeout, srv.WriteTimeout = "mx.example.com", 10*time.Second, 10*time.Second
	srv.AllowInsecureAuth = with == ""
	conf := &tls.Config{Certificates: []tls.Certificate{pair}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	switch with {
	case "starttls":
		srv.TLSConfig = conf
	case "tls":
		l = tls.NewListener(l, conf)
	}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return address, ca
}

func TestMail(t *testing.T) {
	for _, security := range []string{"starttls", "tls", "none"} {
		t.Run(security, func(t *testing.T) {
			var p postOffice
			with := security
			if with == "none" {
				with = ""
			}
			address, ca := office(t, with, &p)
			settings := map[string]string{
				"server": address, "sender": "Tripline <tripline@example.com>", "recipients": "a@example.com, B <b@example.com>", "security": security, "ca": ca,
			}
			if security != "none" {
				settings["user"], settings["password_file"] = "me", "hunter2"
			}
			answer, err := send(t, sink(t, "smtp", settings), message(spiteful(), spiteful()))
			if err != nil || !strings.HasPrefix(answer, "2.0.0") && !strings.Contains(answer, "OK") {
				t.Fatalf("got %q, %v", answer, err)
			}
			checkMail(t, &p, security != "none")
		})
	}
}

func checkMail(t *testing.T, p *postOffice, login bool) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.mails) != 1 || p.from != "tripline@example.com" || strings.Join(p.to, " ") != "a@example.com b@example.com" || (p.user == "me") != login {
		t.Fatalf("got %+v", p)
	}
	m, err := mail.ReadMessage(strings.NewReader(p.mails[0]))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || !strings.HasPrefix(subject, "[tripline] 2 findings of bot: 203.0.113.9:443 a") {
		t.Errorf("subject: got %q, %v", subject, err)
	}
	if got := m.Header.Get("Message-Id"); got != "<msg_1@tripline>" {
		t.Errorf("message ID: got %s", got)
	}
	for key := range m.Header {
		if strings.ContainsAny(key, "|{<") {
			t.Errorf("a header of somebody else: %q", key)
		}
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	want := (&alert.Message{Alerts: message(spiteful(), spiteful()).Alerts}).Body(64 << 10)
	if got := strings.TrimSpace(strings.ReplaceAll(string(body), "\r\n", "\n")); got != strings.TrimSpace(want) {
		t.Errorf("body: got\n%s\nwant\n%s", got, want)
	}
}

func TestMailThatIsNotTaken(t *testing.T) {
	for name, c := range map[string]struct {
		with     string
		settings map[string]string
		refuse   error
		refused  bool
		want     string
	}{
		"full":      {"starttls", nil, &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "mailbox full"}, false, "452"},
		"spam":      {"starttls", nil, &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "spam"}, true, "554"},
		"password":  {"starttls", map[string]string{"user": "me", "password_file": "wrong"}, nil, false, "wrong password"},
		"no TLS":    {"", nil, nil, false, "STARTTLS"},
		"no CA":     {"starttls", map[string]string{"ca": ""}, nil, false, "certificate"},
		"plain TLS": {"", map[string]string{"security": "tls"}, nil, false, "tls"},
	} {
		t.Run(name, func(t *testing.T) {
			p := postOffice{refuse: c.refuse}
			address, ca := office(t, c.with, &p)
			settings := map[string]string{"server": address, "sender": "t@example.com", "recipients": "a@example.com", "ca": ca}
			maps.Copy(settings, c.settings)
			_, err := send(t, sink(t, "smtp", settings), message(spiteful()))
			peer, _ := errors.AsType[*alert.PeerError](err)
			if err == nil || !strings.Contains(err.Error(), c.want) || (peer != nil && peer.Refused) != c.refused || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v (%+v), want %q, refused %v", err, peer, c.want, c.refused)
			}
		})
	}
}
