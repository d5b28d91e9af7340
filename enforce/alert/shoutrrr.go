package alert

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nicholas-fedor/shoutrrr"
	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"tripline/learn"
)

// shoutrrrSink is every other service: what a URL of shoutrrr says, such as
// discord://TOKEN@WEBHOOK or gotify://HOST/TOKEN. https://shoutrrr.nickfedor.com
var shoutrrrSink = Kind{
	Name: "shoutrrr", Short: "Slack, Discord, Matrix, Gotify and others, by a URL of shoutrrr",
	Keys: []Key{
		{Name: "url", Short: "SERVICE://... as shoutrrr has it; \"to: shoutrrr+URL\" where it holds no secret", Required: true, Secret: true},
	},
	Pace: Pace{
		Batch: 1000, Window: 30 * time.Second, Gap: time.Second, Rate: learn.Rate{Count: 20, Per: time.Minute},
		Timeout: 20 * time.Second, Statuses: forPeople,
	},
	Open: openShoutrrr,
}

// shoutrrrText is short enough for most services; they cut it or split it.
const shoutrrrText = 1800

type shout struct {
	url     string
	timeout time.Duration
	hide    []string
	sender  *router.ServiceRouter // made when it is first needed: some services log in
}

func openShoutrrr(s *Settings) (Sink, error) {
	text, key := s.rest, "to"
	if text == "" {
		var err error
		if key = "url_file"; s.conf.Settings[key] == "" {
			key = "url_env"
		}
		if text, err = s.secret("url"); err != nil {
			return nil, err
		}
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		return nil, s.wrong(key, "want a URL such as discord://TOKEN@WEBHOOK")
	}
	if s.rest != "" && u.User != nil {
		s.warn(fmt.Sprintf("alerts: %s: the URL behind shoutrrr+ holds a secret: put it into a file and say \"to: shoutrrr\" and \"url_file: FILE\"", s.conf.Name))
	}
	service, _, _ := strings.Cut(strings.ToLower(u.Scheme), "+")
	if names := (&router.ServiceRouter{}).ListServices(); !slices.Contains(names, service) {
		slices.Sort(names)
		err := fmt.Errorf("shoutrrr has no service %q", learn.Printable(service))
		if near, ok := nearest(service, names); ok {
			return nil, s.conf.Wrong(key, learn.WithHint(err, "did you mean %q?", near))
		}
		return nil, s.conf.Wrong(key, learn.WithHint(err, "it has %s", strings.Join(names, ", ")))
	}
	timeout := s.conf.Timeout
	if timeout == 0 {
		timeout = s.kind.Pace.Timeout
	}
	return &shout{url: text, timeout: timeout, hide: secretsOf(text, u)}, nil
}

// secretsOf are the parts of a URL that may be secret: nobody knows for all services.
func secretsOf(text string, u *url.URL) []string {
	parts := []string{text}
	if u.User != nil {
		password, _ := u.User.Password()
		parts = append(parts, u.User.String(), password, u.User.Username())
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if len(part) >= 8 {
			parts = append(parts, part)
		}
	}
	return parts
}

// Send implements [Sink].
func (s *shout) Send(_ context.Context, m *Message) (string, error) {
	p := poster{hide: s.hide}
	if s.sender == nil {
		sender, err := shoutrrr.CreateSender(s.url)
		if err != nil {
			return "", errors.New(p.cover(err.Error()))
		}
		sender.Timeout, s.sender = s.timeout, sender
	}
	title := cut(m.Title(), 250)
	for _, err := range s.sender.Send(m.Body(shoutrrrText), &types.Params{"title": title}) {
		if err != nil {
			return "", errors.New(p.cover(err.Error()))
		}
	}
	return "taken, as shoutrrr says", nil
}

// Close implements [Sink].
func (s *shout) Close() error { return nil }
