package publish_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tripline/enforce/export/publish"
)

const token = "0123456789abcdef0123456789abcdef"

var noon = time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC)

func put(t *testing.T, dir, name, text string, at time.Time) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path+".new", at, at); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

const head = "# tripline: what agent bot may reach on tcp/443\n# alias tripline_bot_tcp443, baseline a\n"

func get(t *testing.T, h http.Handler, method, path string, with ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, "http://192.0.2.5:8080/", http.NoBody)
	r.URL.Path = path
	for i := 0; i < len(with); i += 2 {
		r.Header.Set(with[i], with[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func body(w *httptest.ResponseRecorder) string { return w.Body.String() }

// TestNothingIsSaidWithoutTheToken: every path without it gets the same answer.
func TestNothingIsSaidWithoutTheToken(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "tripline_bot_tcp443.txt", head+"192.0.2.1\n", noon)
	var s publish.Shelf
	if _, err := s.Load(dir); err != nil {
		t.Fatal(err)
	}
	h := publish.Handler(&s, token, func() time.Time { return noon })
	for _, path := range []string{
		"", "/", "//", "/tripline_bot_tcp443.txt", "/" + token, "/" + token[1:] + "/tripline_bot_tcp443.txt", "/" + strings.ToUpper(token) + "/",
		"/x/tripline_bot_tcp443.txt", "/" + token + "0/tripline_bot_tcp443.txt", "/../" + token + "/",
		"/" + token + "/nosuch.txt", "/" + token + "/../" + token + "/tripline_bot_tcp443.txt", "/" + token + "//tripline_bot_tcp443.txt",
	} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			if r := get(t, h, method, path); r.Code != 404 && !(method != "GET" && r.Code == 405 && strings.HasPrefix(path, "/"+token+"/")) {
				t.Errorf("%s %q: status %d", method, path, r.Code)
			} else if r.Code == 404 && (body(r) != "not found\n" || r.Header().Get("Etag") != "") {
				t.Errorf("%s %q says more than that nothing is there", method, path)
			}
		}
	}
}

func TestFetch(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "tripline_bot_tcp443.txt", head+"192.0.2.1\n", noon)
	put(t, dir, "tripline_bot_tcp443_ports.txt", "443\n", noon)
	put(t, dir, "README.txt", "for people\n", noon)
	put(t, dir, "tripline_bot_tcp443.import.txt", "192.0.2.1 x\n", noon)
	var s publish.Shelf
	if refused, err := s.Load(dir); err != nil || len(refused) > 0 {
		t.Fatal(refused, err)
	}
	h := publish.Handler(&s, token, func() time.Time { return noon })
	const path = "/" + token + "/tripline_bot_tcp443.txt"
	r := get(t, h, "GET", path)
	if text := body(r); r.Code != 200 || text != head+"192.0.2.1\n" || !strings.HasPrefix(r.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("got %d %q", r.Code, text)
	}
	etag, changed := r.Header().Get("Etag"), r.Header().Get("Last-Modified")
	if etag == "" || changed != noon.Format(http.TimeFormat) {
		t.Errorf("ETag %q, Last-Modified %q", etag, changed)
	}
	for _, c := range []struct {
		with   []string
		status int
	}{
		{[]string{"If-None-Match", etag}, 304},
		{[]string{"If-None-Match", `"other"`}, 200},
		{[]string{"If-Modified-Since", changed}, 304},
		{[]string{"Range", "bytes=0-4"}, 200}, // half a table is no table
	} {
		r := get(t, h, "GET", path, c.with...)
		if text := body(r); r.Code != c.status || c.status == 200 && text != head+"192.0.2.1\n" {
			t.Errorf("%v: got %d %q, want %d", c.with, r.Code, text, c.status)
		}
	}
	for _, name := range []string{"README.txt", "tripline_bot_tcp443.import.txt"} {
		if r := get(t, h, "GET", "/"+token+"/"+name); r.Code != 404 {
			t.Errorf("%s: got %d", name, r.Code)
		}
	}
	if r := get(t, h, "HEAD", path); r.Code != 200 || body(r) != "" {
		t.Errorf("HEAD: got %d", r.Code)
	}
	// written again with the same: no new version
	put(t, dir, "tripline_bot_tcp443.txt", head+"192.0.2.1\n", noon.Add(time.Hour))
	if _, err := s.Load(dir); err != nil {
		t.Fatal(err)
	}
	if r := get(t, h, "GET", path); r.Header().Get("Etag") != etag || r.Header().Get("Last-Modified") != changed {
		t.Errorf("the same again: got %d, %s", r.Code, r.Header().Get("Last-Modified"))
	}
	if text := body(get(t, h, "GET", "/"+token+"/")); !strings.Contains(text, "tripline_bot_tcp443.txt  1 prefix, 1 address, changed 2026-11-09 12:00:00, fetched 2026-11-09 12:00:00 by 192.0.2.1\n") {
		t.Errorf("got %q", text)
	}
}

// TestNeverEmptyByAccident: whatever happens to the file, the answer stays the last
// good table, or none at all.
func TestNeverEmptyByAccident(t *testing.T) {
	good := head + "198.51.100.0/24\n203.0.113.0/24\n"
	for name, c := range map[string]struct {
		text string
		told bool
	}{
		"empty":           {"", true},
		"comments":        {head, true},
		"an error page":   {"<html><h1>502</h1></html>\n", true},
		"torn":            {head + "198.51.100.0/26\n", true},
		"zeros of a disk": {strings.Repeat("\x00", 4096), true},
		"over, approved":  {strings.Replace(head, "baseline a", "baseline b", 1) + "# opens nothing: that baseline removed its last rule\n", false},
		"more":            {good + "192.0.2.0/24\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, "tripline_bot_tcp443.txt", good, noon)
			s := publish.Shelf{MaxShrink: 0.5}
			if _, err := s.Load(dir); err != nil {
				t.Fatal(err)
			}
			put(t, dir, "tripline_bot_tcp443.txt", c.text, noon.Add(time.Second))
			refused, err := s.Load(dir)
			again, err2 := s.Load(dir)
			if err != nil || err2 != nil || (len(refused) == 1) != c.told || len(again) > 0 {
				t.Fatalf("refused %v then %v, want told once: %v (%v %v)", refused, again, c.told, err, err2)
			}
			want := c.text
			if c.told {
				want = good
			}
			if v, ok := s.Get("tripline_bot_tcp443.txt"); !ok || string(v.Text) != want {
				t.Errorf("serves %q", v.Text)
			}
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Load(dir); err == nil {
				t.Error("a directory that is gone is no error")
			}
			if v, ok := s.Get("tripline_bot_tcp443.txt"); !ok || string(v.Text) != want {
				t.Errorf("without its directory it serves %q, %v", v.Text, ok)
			}
		})
	}
}

// A first table without an address is not served at all: an error leaves the
// firewall's table as it was.
func TestNothingBeforeTheFirstGoodOne(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "tripline_bot_tcp443.txt", head, noon)
	put(t, dir, "tripline_bot_tcp443_ports.txt", "\n", noon)
	var s publish.Shelf
	if refused, err := s.Load(dir); err != nil || len(refused) != 2 {
		t.Fatal(refused, err)
	}
	if list := s.List(); len(list) != 0 {
		t.Errorf("serves %v", list)
	}
}

func TestToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "serve.token")
	first, made, err := publish.Token(path)
	if err != nil || !made || len(first) != 64 {
		t.Fatal(first, made, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if again, made, err := publish.Token(path); err != nil || made || again != first {
		t.Errorf("the second time: %q, %v, %v", again, made, err)
	}
	if other, err := publish.NewToken(path); err != nil || other == first {
		t.Errorf("a new one: %q, %v", other, err)
	}
	for _, bad := range []string{"", "short", strings.Repeat("a", 40) + "/..", strings.Repeat("a", 200)} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, _, err := publish.Token(path); err == nil {
			t.Errorf("%q was taken as %q", bad, got)
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := publish.Token(path); err == nil || !strings.Contains(err.Error(), "others can read") {
		t.Errorf("a token that others can read: %v", err)
	}
}

// TestManyConnections: who opens connections and says nothing holds up others only
// until they time out, and never more than the limit are open.
func TestManyConnections(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put(t, dir, "tripline_bot_tcp443.txt", head+"192.0.2.1\n", noon)
	var s publish.Shelf
	if _, err := s.Load(dir); err != nil {
		t.Fatal(err)
	}
	server := publish.NewServer(publish.Handler(&s, token, time.Now), nil)
	server.ReadHeaderTimeout = 200 * time.Millisecond
	go server.Serve(publish.Limit(l))
	defer server.Close()
	for range 200 {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+"/"+token+"/tripline_bot_tcp443.txt", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{Timeout: 20 * time.Second}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || string(text) != head+"192.0.2.1\n" {
		t.Errorf("got %d %q, %v", answer.StatusCode, text, err)
	}
}
