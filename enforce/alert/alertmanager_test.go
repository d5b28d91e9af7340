package alert_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

// TestAlertmanager posts to the Alertmanager of Debian, and asks it what it knows.
func TestAlertmanager(t *testing.T) {
	path, err := exec.LookPath("prometheus-alertmanager")
	if err != nil {
		t.Skip("prometheus-alertmanager is not installed")
	}
	dir, port := t.TempDir(), free(t)
	conf := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(conf, []byte("route: {receiver: none}\nreceivers: [{name: none}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program(t, port, path, "--config.file="+conf, "--storage.path="+dir, "--web.listen-address=127.0.0.1:"+port, "--cluster.listen-address=")
	r := sink(t, "alertmanager", map[string]string{"url": "http://127.0.0.1:" + port})
	a, b := spiteful(), spiteful()
	a.Time = time.Now().Add(-time.Minute)
	b.ID, b.Time = "other", time.Now().Add(time.Hour) // a clock that is wrong
	if answer, err := send(t, r, message(a, b)); err != nil || answer != "200 OK" {
		t.Fatalf("got %q, %v", answer, err)
	}
	got := firing(t, port)
	if len(got) != 2 {
		t.Fatalf("got %v, want two alerts", got)
	}
	l := got["3f9a2c"]
	if l["alertname"] != "TriplineUnexpected" || l["agent"] != "bot" || l["severity"] != "high" || l["destination"] != learn.Printable("203.0.113.9:443 "+spite+" (sni)") {
		t.Errorf("labels: got %v", l)
	}
	a.Status = enforce.StatusResolved
	if _, err := send(t, r, message(a)); err != nil {
		t.Fatal(err)
	}
	if got := firing(t, port); len(got) != 1 || got["other"] == nil {
		t.Errorf("after one was resolved: got %v", got)
	}
}

// firing returns the labels of active alerts by the finding they tell of.
func firing(t *testing.T, port string) map[string]map[string]string {
	t.Helper()
	resp, err := http.Get("http://127.0.0.1:" + port + "/api/v2/alerts?active=true")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	var list []struct {
		Labels map[string]string `json:"labels"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	got := map[string]map[string]string{}
	for _, a := range list {
		got[a.Labels["finding"]] = a.Labels
	}
	return got
}
