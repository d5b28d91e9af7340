package feed

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// The address that is always called Latest may vanish; the page says what the
// file is called this week.
func TestAzureFollowsItsPage(t *testing.T) {
	raw, err := os.ReadFile("../../testdata/feed/azure-mini.json")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, href, want string }{
		{"the link", "HOST/7/1/D/ServiceTags_Public_20260622.json", ""},
		{"another host", "https://cdn.example/ServiceTags_Public_20260622.json", "no link to a file of service tags on 127.0.0.1"},
		{"user and host", "http://127.0.0.1@cdn.example/ServiceTags_Public_20260622.json", "no link"},
		{"another name", "HOST/ServiceTags_China_20260622.json", "no link"},
		{"a dead link", "HOST/gone/ServiceTags_Public_20260622.json", "status 404 Not Found"},
	}
	for _, tt := range tests {
		mux := http.NewServeMux()
		s := httptest.NewServer(mux)
		page := `<a href="https://example.com/ServiceTags_Public_1.json">x</a> <a href="` + strings.ReplaceAll(tt.href, "HOST", s.URL) + `">Download</a>`
		mux.HandleFunc("/details", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(page)) })
		mux.HandleFunc("/7/1/D/ServiceTags_Public_20260622.json", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(raw) })
		f := azure
		f.URL, f.page = s.URL+"/Latest.json", s.URL+"/details"
		snap, err := Fetch(t.Context(), s.Client(), f, Validators{})
		switch {
		case tt.want == "" && (err != nil || snap.URL != s.URL+"/7/1/D/ServiceTags_Public_20260622.json"):
			t.Errorf("%s: got %v", tt.name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: got %v, want %q in it", tt.name, err, tt.want)
		}
		s.Close()
	}
}

// Both the address and the page may vanish; then the names of the last Mondays
// are tried, newest first. 2026-06-24 is a Wednesday.
func TestAzureGuessesTheLastMondays(t *testing.T) {
	raw, err := os.ReadFile("../../testdata/feed/azure-mini.json")
	if err != nil {
		t.Fatal(err)
	}
	d, err := readAzure(raw)
	if err != nil {
		t.Fatal(err)
	}
	token := d.edition().Token
	good := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(raw) }
	html := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>sorry")) }
	now := time.Date(2026, 6, 24, 1, 0, 0, 0, time.FixedZone("", -5*3600))
	tests := []struct {
		name, want string // want is the day, or what the error has
		last       Validators
		files      map[string]http.HandlerFunc
	}{
		{"this week's", "20260622", Validators{Now: now}, map[string]http.HandlerFunc{"20260622": good, "20260615": good}},
		{"a skipped week", "20260615", Validators{Now: now}, map[string]http.HandlerFunc{"20260615": good}},
		{"a web page, then a server that is down", "20260608", Validators{Now: now}, map[string]http.HandlerFunc{
			"20260622": html, "20260615": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, "20260608": good,
		}},
		{"cut off", "20260615", Validators{Now: now}, map[string]http.HandlerFunc{
			"20260622": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(raw[:len(raw)/2]) }, "20260615": good,
		}},
		{"another day of the week", "no file of the last 6 Mondays", Validators{Now: now}, map[string]http.HandlerFunc{"20260623": good, "20260629": good}},
		{"too long ago", "no file of the last 6 Mondays", Validators{Now: now}, map[string]http.HandlerFunc{"20260511": good}},
		{"implausible", "not plausible", Validators{Now: now, Entries: 100000}, map[string]http.HandlerFunc{"20260622": good}},
		{"older than what is kept", "older than the list that is kept", Validators{Now: now, Token: token + "0"}, map[string]http.HandlerFunc{"20260622": good}},
		{"not modified", "not modified", Validators{Now: now}, map[string]http.HandlerFunc{
			"20260622": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) },
		}},
		{"nobody knows the day", "no day", Validators{}, map[string]http.HandlerFunc{"20260622": good}},
	}
	for _, tt := range tests {
		mux := http.NewServeMux()
		for day, h := range tt.files {
			mux.HandleFunc("/d/ServiceTags_Public_"+day+".json", h)
		}
		s := httptest.NewServer(mux)
		f := azure
		f.URL, f.page, f.dated = s.URL+"/Latest.json", s.URL+"/details", s.URL+"/d/ServiceTags_Public_YYYYMMDD.json"
		snap, err := Fetch(t.Context(), s.Client(), f, tt.last)
		if strings.HasPrefix(tt.want, "2026") {
			if err != nil || snap.URL != s.URL+"/d/ServiceTags_Public_"+tt.want+".json" {
				t.Errorf("%s: got %v, %v", tt.name, snap, err)
			}
		} else if err == nil || snap != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q in it", tt.name, err, tt.want)
		}
		s.Close()
	}
}
