package feed_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"tripline/ipranges/feed"
)

// serve answers every request with h and returns the aws feed moved there.
func serve(t *testing.T, h http.HandlerFunc) (feed.Feed, *http.Client) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	f := find(t, "aws")
	f.URL = s.URL + "/ip-ranges.json"
	return f, s.Client()
}

func zip(t *testing.T, write func(io.Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	write(z)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func put(t *testing.T, w io.Writer, b []byte) {
	t.Helper()
	if _, err := w.Write(b); err != nil {
		t.Logf("the client has gone: %v", err)
	}
}

func TestFetch(t *testing.T) {
	raw := fixture(t, "aws")
	plain := func(w http.ResponseWriter, _ *http.Request) { put(t, w, raw) }
	zipped := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		put(t, w, zip(t, func(z io.Writer) { put(t, z, raw) }))
	}
	for name, h := range map[string]http.HandlerFunc{"plain": plain, "gzip": zipped} {
		for _, raw := range []bool{false, true} {
			f, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"abc"`)
				w.Header().Set("Last-Modified", "Sat, 22 Aug 2026 15:17:05 GMT")
				h(w, r)
			})
			client.Transport = &http.Transport{DisableCompression: raw}
			s, err := feed.Fetch(t.Context(), client, f, feed.Validators{})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want := read(t, "aws")
			if s.Content != want.Content || s.SHA256 != want.SHA256 || s.URL != f.URL || len(s.Ranges) != len(want.Ranges) {
				t.Errorf("%s: got another file, of %d ranges from %s", name, len(s.Ranges), s.URL)
			}
			if s.ETag != `"abc"` || s.LastModified == "" || !s.Fetched.IsZero() {
				t.Errorf("%s: got ETag %q, Last-Modified %q, fetched %v", name, s.ETag, s.LastModified, s.Fetched)
			}
		}
	}
}

func TestFetchSaysWhatItHas(t *testing.T) {
	f, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == `"abc"` && r.Header.Get("If-Modified-Since") == "then" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		put(t, w, fixture(t, "aws"))
	})
	s, err := feed.Fetch(t.Context(), client, f, feed.Validators{ETag: `"abc"`, LastModified: "then"})
	if !errors.Is(err, feed.ErrNotModified) || s != nil {
		t.Errorf("got %v, want ErrNotModified", err)
	}
	if _, err := feed.Fetch(t.Context(), client, f, feed.Validators{ETag: `"other"`, Entries: 20}); err != nil {
		t.Errorf("a server that sends everything all the same: %v", err)
	}
}

// Each of these servers must lead to an error in good time, and to no snapshot.
func TestFetchRefuses(t *testing.T) {
	raw := fixture(t, "aws")
	bomb := zip(t, func(z io.Writer) {
		spaces := bytes.Repeat([]byte(" "), 1<<20)
		for range feed.MaxBytes>>20 + 1 {
			put(t, z, spaces)
		}
	})
	tests := []struct {
		name, want string
		last       feed.Validators
		serve      http.HandlerFunc
	}{
		{"an error", "status 500 Internal Server Error", feed.Validators{}, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
		}},
		{"an odd status", "status 799", feed.Validators{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(799) }},
		{"no content", "status 204 No Content", feed.Validators{}, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
		}},
		{"an empty answer", "nothing in it", feed.Validators{}, func(http.ResponseWriter, *http.Request) {}},
		{"a web page with 200", "a web page", feed.Validators{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			put(t, w, []byte("<html>please log in</html>"))
		}},
		{"a picture", "want a JSON object", feed.Validators{}, func(w http.ResponseWriter, _ *http.Request) {
			put(t, w, []byte("\x89PNG\r\n"))
		}},
		{"another feed", `no "prefixes" or no "ipv6_prefixes"`, feed.Validators{}, func(w http.ResponseWriter, _ *http.Request) {
			put(t, w, fixture(t, "gcp"))
		}},
		{"cut off", "cut off after", feed.Validators{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
			put(t, w, raw[:len(raw)/2])
		}},
		{"cut off without a length", "the JSON document is cut off", feed.Validators{}, func(w http.ResponseWriter, _ *http.Request) {
			put(t, w, raw[:len(raw)/2])
		}},
		{"cut off gzip", "unexpected EOF", feed.Validators{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			put(t, w, bomb[:len(bomb)/100])
		}},
		{"gzip that is none", "gzip: invalid header", feed.Validators{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			put(t, w, raw)
		}},
		{"a bomb", "more than 64 MiB", feed.Validators{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			put(t, w, bomb)
		}},
		{"a circle", "redirected 5 times", feed.Validators{}, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/again", http.StatusFound)
		}},
		{"a list of somebody else", "52.216.10.1 is missing, which every list of aws has", feed.Validators{}, func(w http.ResponseWriter, _ *http.Request) {
			put(t, w, []byte(`{"prefixes": [{"ip_prefix": "192.0.2.0/24", "region": "x", "service": "S3"}], "ipv6_prefixes": []}`))
		}},
		{"half of what was", "entries, 1000 before: not plausible", feed.Validators{Entries: 1000}, func(w http.ResponseWriter, _ *http.Request) {
			put(t, w, raw)
		}},
		{"twice what was", "entries, 10 before: not plausible", feed.Validators{Entries: 10}, func(w http.ResponseWriter, _ *http.Request) {
			put(t, w, raw)
		}},
	}
	for _, tt := range tests {
		f, client := serve(t, tt.serve)
		s, err := feed.Fetch(t.Context(), client, f, tt.last)
		if err == nil || s != nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "fetch aws: ") {
			t.Errorf("%s: got %v, want %q in it", tt.name, err, tt.want)
		}
	}
}

func TestFetchEndsWithItsContext(t *testing.T) {
	f, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		put(t, w, []byte("{"))
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := feed.Fetch(ctx, client, f, feed.Validators{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want a deadline", err)
	}
}

func TestFetchStaysEncrypted(t *testing.T) {
	plain, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { put(t, w, fixture(t, "aws")) })
	s := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer s.Close()
	f := find(t, "aws")
	f.URL = s.URL
	if _, err := feed.Fetch(t.Context(), s.Client(), f, feed.Validators{}); err == nil || !strings.Contains(err.Error(), "redirected from https to http") {
		t.Errorf("got %v", err)
	}
}
