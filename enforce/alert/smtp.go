package alert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"tripline/learn"
)

// smtp sends mail (RFC 5321): TLS by STARTTLS unless it is told otherwise, and a
// Message-ID that is the same when it is tried again.
var smtp = Kind{
	Name: "smtp", Short: "mail",
	Keys: []Key{
		{Name: "server", Short: "HOST or HOST:PORT of the mail server", Required: true},
		{Name: "sender", Short: "address in From", Required: true},
		{Name: "recipients", Short: "addresses, separated by commas", Required: true},
		{Name: "security", Short: "starttls (default, port 587), tls (port 465) or none (port 25)"},
		{Name: "user", Short: "to log in as, with password_file"},
		{Name: "password", Short: "of the user", Secret: true},
		{Name: "hostname", Short: "name of this machine in EHLO"},
		caKey,
	},
	Pace: Pace{
		Batch: 1000, Window: time.Minute, Rate: learn.Rate{Count: 30, Per: time.Hour},
		Timeout: time.Minute, Statuses: forPeople,
	},
	Open: openSMTP,
}

type smtpSink struct {
	host    string
	options []mail.Option
	from    string
	to      []string
}

func openSMTP(s *Settings) (Sink, error) {
	m := &smtpSink{from: s.text("sender", "")}
	if _, err := netmail.ParseAddress(m.from); err != nil {
		return nil, s.wrong("sender", "%q: want an address such as tripline@example.com", learn.Printable(m.from))
	}
	list, err := netmail.ParseAddressList(s.text("recipients", ""))
	if err != nil {
		return nil, s.wrong("recipients", "want addresses such as me@example.com, you@example.com")
	}
	for _, a := range list {
		m.to = append(m.to, a.String())
	}
	if m.options, err = s.mailSecurity(); err != nil {
		return nil, err
	}
	port := ""
	if m.host, port, err = net.SplitHostPort(s.text("server", "")); err != nil {
		m.host, port = s.text("server", ""), ""
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return nil, s.wrong("server", "%q: want HOST:PORT", learn.Printable(s.text("server", "")))
		}
		m.options = append(m.options, mail.WithPort(int(n)))
	}
	if name := s.text("hostname", ""); name != "" {
		m.options = append(m.options, mail.WithHELO(name))
	}
	return m, m.check(s)
}

// check has the library look at its options before the first alert does.
func (m *smtpSink) check(s *Settings) error {
	_, err := mail.NewClient(m.host, m.options...)
	return s.conf.Wrong("server", err)
}

// mailSecurity returns how to speak with the server. A password never leaves
// without TLS.
func (s *Settings) mailSecurity() ([]mail.Option, error) {
	conf, err := s.tls()
	if err != nil {
		return nil, err
	}
	host := s.text("server", "")
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	conf.ServerName = host
	options := []mail.Option{mail.WithTLSConfig(conf)}
	security := s.text("security", "starttls")
	switch security {
	case "starttls":
		options = append(options, mail.WithTLSPortPolicy(mail.TLSMandatory))
	case "tls":
		options = append(options, mail.WithSSLPort(false))
	case "none":
		options = append(options, mail.WithTLSPortPolicy(mail.NoTLS))
	default:
		return nil, s.wrong("security", "%q: want starttls, tls or none", learn.Printable(security))
	}
	password, err := s.secret("password")
	user := s.text("user", "")
	switch {
	case err != nil:
		return nil, err
	case (user == "") != (password == ""):
		return nil, s.wrong("user", "want a user and password_file, or neither")
	case user != "" && security == "none":
		return nil, s.wrong("security", "a password would leave in clear text; want starttls or tls")
	case user != "":
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(user), mail.WithPassword(password))
	}
	return options, nil
}

// mailText is how long the text of a mail is at most.
const mailText = 64 << 10

// Send implements [Sink].
func (m *smtpSink) Send(ctx context.Context, msg *Message) (string, error) {
	letter, err := m.letter(msg, time.Now())
	if err != nil {
		return "", err
	}
	options := m.options
	if deadline, ok := ctx.Deadline(); ok {
		options = append(slices.Clip(options), mail.WithTimeout(max(time.Millisecond, time.Until(deadline))))
	}
	c, err := mail.NewClient(m.host, options...)
	if err != nil {
		return "", fmt.Errorf("send mail: %w", err)
	}
	if err := c.DialAndSendWithContext(ctx, letter); err != nil {
		return "", mailTrouble(err)
	}
	return cmp.Or(strings.TrimSpace(letter.ServerResponse()), "taken"), nil
}

func (m *smtpSink) letter(msg *Message, now time.Time) (*mail.Msg, error) {
	letter := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := errors.Join(letter.From(m.from), letter.To(m.to...)); err != nil {
		return nil, fmt.Errorf("send mail: %w", err)
	}
	letter.SetDateWithValue(now)
	letter.SetMessageIDWithValue(msg.ID + "@tripline")
	letter.Subject("[tripline] " + cut(msg.Title(), 200))
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	letter.SetBodyString(mail.TypeTextPlain, msg.Body(mailText)+"\n")
	return letter, nil
}

// mailTrouble says whether the server will never take this mail. Before there is a
// mail, what is wrong is the configuration.
func mailTrouble(err error) error {
	said, ok := errors.AsType[*mail.SendError](err)
	if !ok || said.ErrorCode() == 0 {
		return fmt.Errorf("send mail: %w", err)
	}
	refused := said.ErrorCode() >= 500 && (said.Reason == mail.ErrSMTPData || said.Reason == mail.ErrSMTPDataClose)
	return &PeerError{Answer: said.Error(), Refused: refused}
}

// Close implements [Sink].
func (m *smtpSink) Close() error { return nil }
