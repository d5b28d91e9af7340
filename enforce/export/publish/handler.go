package publish

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"tripline/learn"
)

// What pfSense does to fetch a URL table (its download_file, with curl): one GET,
// redirects followed, no conditions. Only the status 200 counts, and whatever comes
// with it replaces the table, an empty body as well. Every other status leaves the
// table as it was. So there is nothing but 200 with a whole table, 304 for who asks
// with conditions, and an error.
type handler struct {
	shelf *Shelf
	token [sha256.Size]byte
	now   func() time.Time
}

// Handler answers GET and HEAD of /TOKEN/NAME.txt, and of /TOKEN/ with a list for
// a person. Everything else is not found, in the same words.
func Handler(s *Shelf, token string, now func() time.Time) http.Handler {
	return &handler{s, sha256.Sum256([]byte(token)), now}
}

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Type", "text/plain; charset=utf-8")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "no-cache")
	token, name, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	sum := sha256.Sum256([]byte(token))
	known := subtle.ConstantTimeCompare(sum[:], h.token[:]) == 1
	switch {
	case !known || !ok:
		missing(w)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		head.Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
	case name == "":
		h.list(w, r)
	default:
		h.table(w, r, name)
	}
}

func missing(w http.ResponseWriter) { http.Error(w, "not found", http.StatusNotFound) }

func (h *handler) table(w http.ResponseWriter, r *http.Request, name string) {
	v, ok := h.shelf.Get(name)
	if !ok {
		missing(w)
		return
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil && r.Method == http.MethodGet {
		h.shelf.fetched(name, host, h.now())
	}
	r.Header.Del("Range") // half a table is no table
	w.Header().Set("ETag", v.ETag)
	http.ServeContent(w, r, "", v.Changed, bytes.NewReader(v.Text))
}

// list says what there is, and who fetched it when.
func (h *handler) list(w http.ResponseWriter, r *http.Request) {
	var b strings.Builder
	for _, v := range h.shelf.List() {
		fetched := "never fetched"
		if !v.Fetched.IsZero() {
			fetched = "fetched " + v.Fetched.UTC().Format(time.DateTime) + " by " + learn.Printable(v.By)
		}
		fmt.Fprintf(&b, "%s  %s, changed %s, %s\n", v.Name, about(v), v.Changed.UTC().Format(time.DateTime), fetched)
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(b.String()))
}

func about(v Version) string {
	if strings.HasSuffix(v.Name, "_ports.txt") {
		return "ports"
	}
	return v.Held.String()
}
