package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// doc returns the path of a file in docs.
func doc(parts ...string) string {
	return filepath.Join(append([]string{"..", "..", "docs"}, parts...)...)
}

// tool skips where a program is not there.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

func ran(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// The units are without a fault, and what they may do is little: the bound is that of
// "OK", which 2.5 ends.
func TestSystemdUnits(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	dir := t.TempDir()
	for _, name := range []string{"tripline.service", "tripline-ranges.service", "tripline-ranges.timer"} {
		text, err := os.ReadFile(doc("systemd", name))
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.ReplaceAll(string(text), "/usr/local/bin/tripline", "/bin/true"))
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if out := ran(t, analyze, "verify", "--man=no", filepath.Join(dir, name)); strings.Contains(out, name) {
			t.Errorf("%s", out)
		}
	}
	for name, most := range map[string]int{"tripline.service": 15, "tripline-ranges.service": 15} {
		ran(t, analyze, "security", "--offline=true", fmt.Sprint("--threshold=", most), filepath.Join(dir, name))
	}
	dropIn := filepath.Join(dir, "live.service")
	unit, err := os.ReadFile(filepath.Join(dir, "tripline.service"))
	live, err2 := os.ReadFile(doc("systemd", "live-source.conf"))
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	before, install, _ := strings.Cut(string(unit), "[Install]")
	_, live2, _ := strings.Cut(string(live), "[Service]")
	if err := os.WriteFile(dropIn, []byte(before+live2+"\n[Install]"+install), 0o600); err != nil {
		t.Fatal(err)
	}
	ran(t, analyze, "verify", "--man=no", dropIn)
	ran(t, analyze, "security", "--offline=true", "--threshold=25", dropIn)
}

// rcStub is what the script needs of rc.subr: it prints what would be run.
const rcStub = `load_rc_config() { :; }
run_rc_command() {
	case "$1" in
	start) "$start_precmd" && echo "RUN $command $command_args" ;;
	reload) "$reload_cmd" ;;
	health) "$health_cmd" ;;
	*) echo "usage: $0 start|stop|$extra_commands"; return 1 ;;
	esac
}
`

// The rc script is sh, starts what it should, and hands on a reload.
func TestRCScript(t *testing.T) {
	script, dir := doc("freebsd", "tripline"), t.TempDir()
	ran(t, "sh", "-n", script)
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	stub := filepath.Join(dir, "rc.subr")
	changed := strings.NewReplacer("/etc/rc.subr", stub, "/var/run/tripline", filepath.Join(dir, "run")).Replace(string(text))
	here := filepath.Join(dir, "tripline")
	for path, text := range map[string]string{stub: rcStub, here: changed} {
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	rc := func(command string, env ...string) (string, error) {
		c := exec.CommandContext(t.Context(), "sh", here, command)
		c.Env = append(os.Environ(), "tripline_user="+whoRuns(t), "tripline_dir="+filepath.Join(dir, "state"))
		c.Env = append(c.Env, env...)
		out, err := c.CombinedOutput()
		return string(out), err
	}
	out, err := rc("start", "tripline_bin=/bin/true", "tripline_flags=-o /var/db/aliases")
	want := fmt.Sprintf("RUN /usr/sbin/daemon -f -r -R 10 -P %[1]s/run/supervisor.pid -S -T tripline /bin/true enforce --follow --from filterlog /var/log/filter.log"+
		" --db %[1]s/state/tripline.db --format json --log-format text --pidfile %[1]s/run/tripline.pid --metrics 127.0.0.1:9470 -o /var/db/aliases\n", dir)
	if err != nil || out != want {
		t.Errorf("got %v\n%swant\n%s", err, out, want)
	}
	if out, err := rc("start", "tripline_bin=/nowhere/tripline"); err == nil || !strings.Contains(out, "install -m 755 tripline") {
		t.Errorf("without a program: %v\n%s", err, out)
	}
	if out, err := rc("start", "tripline_bin=/bin/true", "tripline_metrics="); err != nil || strings.Contains(out, "--metrics") {
		t.Errorf("without metrics: %v\n%s", err, out)
	}
	if out, err := rc("reload"); err == nil || !strings.Contains(out, "not running") {
		t.Errorf("reload of nothing: %v\n%s", err, out)
	}
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("SIGHUP is ignored here (nohup), and would be by what is to get it")
	}
	sleeper := exec.CommandContext(t.Context(), "sleep", "60")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "run", "tripline.pid"), fmt.Appendln(nil, sleeper.Process.Pid), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := rc("reload"); err != nil {
		t.Errorf("reload: %v\n%s", err, out)
	}
	_ = sleeper.Wait()
	if status, ok := sleeper.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGHUP {
		t.Errorf("reload sent %v", sleeper.ProcessState)
	}
}

// whoRuns is who runs the test, by number.
func whoRuns(t *testing.T) string {
	t.Helper()
	return fmt.Sprint(os.Getuid())
}

// The rules that come with tripline are good, and ask for what there is.
func TestPrometheusRules(t *testing.T) {
	rules := doc("prometheus", "alerts.yml")
	text, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	exist(t, string(text), filled(t))
	ran(t, tool(t, "promtool"), "check", "rules", rules)
}

// filled is a watching each metric of which has a value.
func filled(t *testing.T) *watching {
	t.Helper()
	w := scraped(t)
	m := &w.metrics
	m.alerts.add(1, "sensor_silent", "high")
	m.reloads.add(1, "rejected")
	m.failures.add(1, "phone")
	m.sent.add(1, "phone")
	m.queue.set(2, "phone")
	m.lastEvent.set(float64(time.Now().Unix()), "filterlog")
	m.silence.set(600, "filterlog")
	m.named.set(0.5)
	m.rules.set(9, "bot")
	m.novelty.set(0.02, "bot")
	m.free.set(1<<30, "database")
	m.ranges.set(float64(time.Now().Unix()))
	m.bytes.add(7, "up")
	w.health.fails("disk", time.Now(), "full", "make room")
	return w
}

var metricName = regexp.MustCompile(`\btripline_[a-z_]+`)

// exist says which metrics a text asks for that there are not.
func exist(t *testing.T, text string, w *watching) {
	t.Helper()
	families, err := w.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, f := range families {
		known[f.GetName()] = true
	}
	asked := metricName.FindAllString(text, -1)
	if len(asked) == 0 {
		t.Error("it asks for nothing")
	}
	for _, name := range asked {
		if !known[name] {
			t.Errorf("there is no metric %s", name)
		}
	}
}

// expressions returns what the panels of the dashboard ask.
func expressions(t *testing.T) (list []string) {
	t.Helper()
	text, err := os.ReadFile(doc("grafana", "tripline.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("the panel %q asks nothing", p.Title)
		}
		for _, target := range p.Targets {
			list = append(list, strings.NewReplacer("$job", ".*", "$instance", ".*").Replace(target.Expr))
		}
	}
	return list
}

// Debian's Prometheus scrapes what tripline serves, and every panel of the dashboard
// and every rule gets an answer from it.
func TestDashboardWithPrometheus(t *testing.T) {
	prometheus := tool(t, "prometheus")
	w := filled(t)
	list := expressions(t)
	exist(t, strings.Join(list, "\n"), w)
	page := httptest.NewServer((&serving{w: w}).routes())
	defer page.Close()
	api := scrape(t, prometheus, strings.TrimPrefix(page.URL, "http://"))
	await(t, "two scrapes", func() bool { return len(query(t, api, "rate(process_cpu_seconds_total[5m])")) > 0 })
	for _, expr := range list {
		if rows := query(t, api, expr); len(rows) == 0 {
			t.Errorf("no data for %s", expr)
		}
	}
	if rows := query(t, api, `ALERTS{alertname="TriplineUnhealthy"}`); len(rows) == 0 {
		await(t, "a rule that is pending", func() bool { return len(query(t, api, `ALERTS{alertname="TriplineUnhealthy"}`)) > 0 })
	}
}

// scrape runs a Prometheus that scrapes a place every second, and returns its address.
func scrape(t *testing.T, prometheus, place string) string {
	t.Helper()
	dir := t.TempDir()
	rules, err := filepath.Abs(doc("prometheus", "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [%q]\nscrape_configs:\n- job_name: tripline\n  static_configs: [{targets: [%q]}]\n", rules, place)
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	_ = l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	c := exec.CommandContext(ctx, prometheus, "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+at, "--log.level=warn")
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 20 * time.Second
	var said strings.Builder
	c.Stderr = &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = c.Wait() // it was told to end
		if t.Failed() {
			t.Log(said.String())
		}
	})
	return "http://" + at
}

// await waits until something is so.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 600 {
		if is() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("waited in vain for %s", what)
}

// query returns the rows of an answer; none while there is no server.
func query(t *testing.T, api, expr string) []any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api+"/api/v1/query?query="+url.QueryEscape(expr), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil
	}
	defer answer.Body.Close()
	var got struct {
		Status, Error string
		Data          struct{ Result []any }
	}
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		return nil
	}
	if got.Status != "success" && answer.StatusCode == http.StatusBadRequest {
		t.Fatalf("%s: %s", expr, got.Error)
	}
	return got.Data.Result
}
