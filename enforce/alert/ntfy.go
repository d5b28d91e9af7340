package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tripline/learn"
)

// ntfy publishes to a topic of ntfy.sh or a server of one's own.
//
//	POST /
//	{"topic":"alerts","title":"unexpected: bot: ...","message":"...","priority":4,"tags":["warning"]}
//
// https://docs.ntfy.sh/publish/#publish-as-json
var ntfy = Kind{
	Name: "ntfy", Short: "a topic of ntfy",
	Keys: []Key{
		{Name: "topic", Short: "who knows its name can read it: use a long one, or topic_file"},
		{Name: "topic", Short: "name of the topic", Secret: true},
		{Name: "url", Short: "URL of the server (default https://ntfy.sh)"},
		{Name: "token", Short: "for a topic that is protected", Secret: true},
		{Name: "user", Short: "for basic authentication, with password_file"},
		{Name: "password", Short: "of the user", Secret: true},
		caKey,
	},
	Pace: Pace{
		Batch: 1000, Window: 30 * time.Second, Gap: time.Second, Rate: learn.Rate{Count: 30, Per: 10 * time.Minute},
		Timeout: 20 * time.Second, Statuses: forPeople,
	},
	Open: openNtfy,
}

// ntfyText is how long a message may be; a longer one becomes an attachment.
const ntfyText = 4000

type ntfySink struct {
	*poster
	url, topic string
	header     map[string]string
}

func openNtfy(s *Settings) (Sink, error) {
	u, err := s.address("url", "https://ntfy.sh")
	if err != nil {
		return nil, err
	}
	topic, err := s.secret("topic")
	if err != nil {
		return nil, err
	}
	header, hide, err := s.authorization()
	if err != nil {
		return nil, err
	}
	if topic != "" {
		hide = append(hide, topic)
	} else if topic = s.text("topic", ""); topic == "" {
		return nil, s.wrong("", "topic is missing: add \"topic: NAME\" or \"topic_file: FILE\"")
	}
	header["Content-Type"] = "application/json"
	p, err := s.poster(hide...)
	return &ntfySink{p, u.String(), topic, header}, err
}

// Send implements [Sink].
func (n *ntfySink) Send(ctx context.Context, m *Message) (string, error) {
	worst := rank(m.worst()[0])
	body, err := json.Marshal(doc{
		"topic": n.topic, "title": cut(m.Title(), 250), "message": m.Body(ntfyText - len(andMore(1e6))),
		"priority": worst + 1, "tags": []string{[...]string{"information_source", "mag", "eyes", "warning", "rotating_light"}[worst]},
	})
	if err != nil {
		return "", fmt.Errorf("write alert: %w", err)
	}
	answer, _, err := n.post(ctx, n.url, body, n.header)
	return answer, err
}

// Close implements [Sink].
func (n *ntfySink) Close() error { return n.close() }
