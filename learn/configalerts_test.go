package learn_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tripline/learn"
)

func TestConfigAlerts(t *testing.T) {
	c, err := learn.DecodeConfig("tripline.yaml", []byte(`alerts:
  siem: {to: syslog, address: "tls://198.51.100.5:6514", format: ecs}
  phone:
    to: telegram
    chat: "-100123"
    token_file: /etc/tripline/telegram
    min: high
    kinds: [destination]
    agents: [bot]
    statuses: [new]
    after: {count: 3, within: 5m}
    quiet: {from: "22:00", to: "07:30", tz: Europe/Berlin}
    rate: 20/m
    window: 30s
    timeout: 10s
    trouble: 2m
    queue: 500
    batch: 7
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []learn.Sink{{
		Name: "phone", To: "telegram", Min: "high", Kinds: []string{"destination"}, Agents: []string{"bot"}, Statuses: []string{"new"},
		After: learn.Threshold{Count: 3, Within: 5 * time.Minute}, Quiet: learn.Quiet{From: 22 * 60, To: 7*60 + 30, Zone: "Europe/Berlin"},
		Rate: learn.Rate{Count: 20, Per: time.Minute}, Window: 30 * time.Second, Timeout: 10 * time.Second, Trouble: 2 * time.Minute,
		Queue: 500, Batch: 7, Settings: map[string]string{"chat": "-100123", "token_file": "/etc/tripline/telegram"},
	}, {
		Name: "siem", To: "syslog", Window: -1, Settings: map[string]string{"address": "tls://198.51.100.5:6514", "format": "ecs"},
	}}
	if diff := cmp.Diff(want, c.Alerts, cmpopts.IgnoreUnexported(learn.Sink{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got, want := c.Alerts[0].Wrong("chat", errTest).Error(), "read tripline.yaml: line 5: alerts: phone: chat: test"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := c.Alerts[1].Wrong("nowhere", errTest).Error(), "read tripline.yaml: line 2: alerts: siem: nowhere: test"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

type testError struct{}

func (testError) Error() string { return "test" }

var errTest = testError{}

func TestConfigAlertsRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"{to: json, window: soon}":                      "line 2: alerts: s: window: ",
		"{to: json, window: -1s}":                       "alerts: s: window: ",
		"{to: json, timeout: 0s}":                       "alerts: s: timeout: ",
		"{to: json, rate: 20}":                          "alerts: s: rate: ",
		"{to: json, rate: 0/m}":                         "alerts: s: rate: ",
		"{to: json, after: {count: 3}}":                 "alerts: s: after: ",
		"{to: json, after: {within: 5m}}":               "alerts: s: after: ",
		"{to: json, after: {count: 3, wthin: 5m}}":      `unknown key "wthin"`,
		`{to: json, quiet: {from: "22:00"}}`:            "alerts: s: quiet: ",
		`{to: json, quiet: {from: "24:00", to: "1:0"}}`: "alerts: s: quiet: ",
		"{to: json, queue: -1}":                         "alerts: s: queue: ",
		"{to: json, batch: 99999}":                      "alerts: s: batch: ",
		"{to: json, file: [a, b]}":                      "alerts: s: file: want one value",
		"json":                                          "does not belong here",
	} {
		_, err := learn.DecodeConfig("tripline.yaml", []byte("alerts:\n  s: "+text+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	if _, err := learn.DecodeConfig("tripline.yaml", []byte("alerts:\n  \"a b\": {to: json}\n")); err == nil || !strings.Contains(err.Error(), "want a name") {
		t.Errorf("got %v", err)
	}
}
