package feed

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
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
