package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

// alertmanager posts to version 2 of the API of Prometheus' Alertmanager. What goes
// on is posted again every minute and ends by itself five minutes after the last
// time; what is resolved ends at once.
//
//	POST /api/v2/alerts
//	[{"labels":{"alertname":"TriplineUnexpected","agent":"bot",...},"annotations":{"summary":...},"startsAt":...,"endsAt":...}]
//
// https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
var alertmanager = Kind{
	Name: "alertmanager", Short: "Prometheus Alertmanager, API v2",
	Keys: []Key{
		{Name: "url", Short: "URL of the Alertmanager, such as http://127.0.0.1:9093", Required: true},
		{Name: "user", Short: "for basic authentication, with password_file"},
		{Name: "password", Short: "of the user", Secret: true},
		{Name: "token", Short: "sent as Authorization: Bearer", Secret: true},
		caKey,
	},
	Pace: Pace{Batch: amBatch, Timeout: 15 * time.Second, Standing: time.Minute},
	Open: openAlertmanager,
}

const (
	amBatch = 200
	amLasts = 5 * time.Minute // what is not posted again ends by itself
)

type alertmanagerSink struct {
	*poster
	url    string
	header map[string]string
}

func openAlertmanager(s *Settings) (Sink, error) {
	u, err := s.address("url", "")
	if err != nil {
		return nil, err
	}
	header, hide, err := s.authorization()
	if err != nil {
		return nil, err
	}
	header["Content-Type"] = "application/json"
	p, err := s.poster(hide...)
	return &alertmanagerSink{p, strings.TrimSuffix(u.String(), "/") + "/api/v2/alerts", header}, err
}

// An amAlert is an alert as the API has it.
type amAlert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
}

// Send implements [Sink].
func (m *alertmanagerSink) Send(ctx context.Context, msg *Message) (answer string, err error) {
	now := time.Now()
	for part := range slices.Chunk(msg.Alerts, amBatch) {
		list := make([]amAlert, len(part))
		for i, a := range part {
			list[i] = amOf(a, now)
		}
		body, err := json.Marshal(list)
		if err != nil {
			return "", fmt.Errorf("write alert: %w", err)
		}
		if answer, _, err = m.post(ctx, m.url, body, m.header); err != nil {
			return answer, err
		}
	}
	return answer, nil
}

// amOf is an alert that is on for a while, or over. Its labels say which one it is,
// so nothing that changes may be among them.
func amOf(a *enforce.Alert, now time.Time) amAlert {
	am := amAlert{StartsAt: earlier(a.Time, now), EndsAt: now.Add(amLasts), Labels: map[string]string{}, Annotations: map[string]string{}}
	if a.Status == enforce.StatusResolved || a.Kind == SinkRecovered || a.Kind == QueueRecovered {
		am.EndsAt = now
	}
	var name strings.Builder
	for word := range strings.FieldsSeq(strings.NewReplacer("_", " ", ".", " ", "destination", "").Replace(ruleID(a))) {
		name.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	for key, v := range map[string]string{
		"alertname": "Tripline" + name.String(), "agent": a.Agent, "kind": string(kindOf(a)), "severity": string(a.Severity), "destination": subject(a), "finding": idOf(a),
	} {
		if v != "" {
			am.Labels[key] = cut(learn.Printable(v), 500)
		}
	}
	for key, v := range map[string]string{
		"summary": headline(a), "why": a.Why, "admit": admitting(a), "baseline": a.Baseline, "interface": a.Interface,
	} {
		if v != "" {
			am.Annotations[key] = cut(learn.Printable(v), 2000)
		}
	}
	return am
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Close implements [Sink].
func (m *alertmanagerSink) Close() error { return m.close() }
