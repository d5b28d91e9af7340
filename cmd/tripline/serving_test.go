package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"tripline/enforce"
	"tripline/learn"
	"tripline/learn/source"
)

// scraped is a watching that is scraped, without a log.
func scraped(t *testing.T) *watching {
	t.Helper()
	o := &enforceOptions{input: input{follow: true}, service: learn.Daemon{Metrics: "127.0.0.1:0"}}
	a := &app{stdout: io.Discard, stderr: io.Discard}
	w := &watching{a: a, o: o, names: []string{"bot"}, tally: newTally(), src: source.Source{Name: "filterlog"}}
	p, err := newCounting(w)
	if err != nil {
		t.Fatal(err)
	}
	w.parts = append(w.parts, p)
	return w
}

// asked returns what a page says.
func asked(t *testing.T, w *watching, path string) (status int, body string) {
	t.Helper()
	out := httptest.NewRecorder()
	(&serving{w: w}).routes().ServeHTTP(out, httptest.NewRequest(http.MethodGet, path, nil))
	return out.Code, out.Body.String()
}

// Metrics are named as Prometheus wants them, and none has a label for a destination.
func TestMetricsAreNamedWell(t *testing.T) {
	w := scraped(t)
	if err := w.partsOf(&learn.Flow{Agent: "bot", Up: 7}, enforce.Allowed); err != nil {
		t.Fatal(err)
	}
	if err := w.tick(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	_, text := asked(t, w, "/metrics")
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("got %v, %v", problems, err)
	}
	for _, want := range []string{
		`tripline_flows_total{agent="bot",verdict="allowed"} 1`, `tripline_flows_total{agent="bot",verdict="forbidden"} 0`,
		`tripline_bytes_total{direction="up"} 7`, "tripline_build_info{goversion=", `tripline_parse_errors_total{source="filterlog"} 0`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "destination=") || strings.Contains(text, "dst=") {
		t.Errorf("a destination is a label in\n%s", text)
	}
}

// Health says which check failed, why, since when and what to do.
func TestHealthSaysWhatFailed(t *testing.T) {
	w, now := scraped(t), time.Now()
	for _, at := range []struct {
		name   string
		do     func()
		status int
		says   string
		ready  int
	}{
		{"before the first turn", func() {}, 503, "starting", 503},
		{"after it", func() { w.health.turn(now) }, 200, "ok", 200},
		{"a sink fails", func() { w.health.fails("sink x", now, "no route", "check the network") }, 503, "sink x", 200},
		{"and works again", func() { w.health.passes("sink x") }, 200, "ok", 200},
		{"the loop stands", func() { w.health.turn(now.Add(-time.Minute)) }, 503, "loop", 200},
		{"the end", func() { w.health.end() }, 503, "starting", 503},
	} {
		at.do()
		status, body := asked(t, w, "/healthz")
		var said struct {
			Status string
			Failed []trouble
		}
		if err := json.Unmarshal([]byte(body), &said); err != nil {
			t.Fatal(err)
		}
		says := said.Status
		if len(said.Failed) > 0 {
			says = said.Failed[0].Check
			if said.Failed[0].Why == "" || said.Failed[0].Do == "" {
				t.Errorf("%s: not said why or what to do: %s", at.name, body)
			}
		}
		ready, _ := asked(t, w, "/readyz")
		if status != at.status || says != at.says || ready != at.ready {
			t.Errorf("%s: got %d %q, ready %d; want %d %q, ready %d", at.name, status, says, ready, at.status, at.says, at.ready)
		}
	}
}

// Nothing can be changed over HTTP.
func TestServingOnlyAnswers(t *testing.T) {
	w := scraped(t)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		out := httptest.NewRecorder()
		(&serving{w: w}).routes().ServeHTTP(out, httptest.NewRequest(method, "/metrics", nil))
		if out.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: got %d", method, out.Code)
		}
	}
}

// What repeats at every tick is counted once.
func TestCountingAddsUp(t *testing.T) {
	w := scraped(t)
	c := w.parts[0].(*counting)
	for range 2 {
		c.read(readings{records: 5, unread: 1, stats: source.Stats{Lost: 2, Dropped: 3}})
	}
	c.read(readings{records: 6, unread: 1, stats: source.Stats{Lost: 1, Dropped: 3}}) // another stream
	_, text := asked(t, w, "/metrics")
	for _, want := range []string{
		`tripline_records_total{source="filterlog"} 6`, `tripline_parse_errors_total{source="filterlog"} 1`,
		`tripline_lost_total{reason="gap",source="filterlog"} 3`, `tripline_lost_total{reason="dropped",source="filterlog"} 3`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}
