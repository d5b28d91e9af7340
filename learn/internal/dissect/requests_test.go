package dissect

import (
	"bufio"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// hostsOf feeds a text in pieces, and skips what need not be fed in every second one.
func hostsOf(text string, size int) (hosts []string) {
	var q Requests
	for i, piece := range slices.Collect(slices.Chunk([]byte(text), size)) {
		if i%2 == 0 {
			n := min(q.Unread(), uint64(len(piece)))
			q.Skip(n)
			piece = piece[n:]
		}
		for _, r := range q.Feed(piece) {
			hosts = append(hosts, string(r.Host))
		}
	}
	return hosts
}

func TestRequestsFollowEachOther(t *testing.T) {
	const get = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
	for text, want := range map[string][]string{
		get + strings.ReplaceAll(get, "a.", "b."):                                                                                {"a.example", "b.example"},
		"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nabc" + get:                                               {"a.example", "a.example"},
		"POST / HTTP/1.1\r\nHost: c.example\r\nContent-Length: 35\r\n\r\n" + get + get:                                           {"c.example", "a.example"},
		"POST / HTTP/1.1\r\nHost: c.example\r\nTransfer-Encoding: Chunked\r\n\r\n4;x=y\r\nab\r\n\r\n0\r\nA: b\r\n\r\n\r\n" + get: {"c.example", "a.example"},
		"GET http://d.example/ HTTP/1.1\r\n\r\n" + get:                                                                           {"d.example", "a.example"},
		"CONNECT e.example:443 HTTP/1.1\r\n\r\n\x16\x03\x01\x02\x00\x01\n" + get:                                                 {"e.example"},
		"POST / HTTP/1.1\r\nHost: f.example\r\nContent-Length: -1\r\n\r\n" + get:                                                 {"f.example"},
		"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab" + get:                                              {""},
		"GET / HTTP/1.1\r\nA: " + strings.Repeat("a", 20000) + "\r\n\r\n" + get:                                                  nil,
	} {
		for _, size := range []int{1, 7, len(text)} {
			if got := hostsOf(text, size); !slices.Equal(got, want) {
				t.Errorf("%.80q in pieces of %d: got %q, want %q", text, size, got, want)
			}
		}
	}
}

// FuzzRequests: what net/http finds in a connection is found, whatever the pieces.
func FuzzRequests(f *testing.F) {
	f.Add("POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: b.example\r\n\r\n", 5)
	f.Add("GET / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nabGET / HTTP/1.1\r\nHost:\r\n b.example\r\n\r\n", 1)
	f.Fuzz(func(t *testing.T, text string, size int) {
		if len(text) > mostHead || strings.Contains(text, "HTTP/2") { // what that begins with is a request to net/http
			return
		}
		got := hostsOf(text, max(1, size))
		if whole := hostsOf(text, max(1, len(text))); !slices.Equal(got, whole) {
			t.Errorf("got %q in pieces, %q at once", got, whole)
		}
		r := bufio.NewReader(strings.NewReader(text))
		for i := 0; ; i++ {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if len(got) <= i {
				t.Fatalf("request %d, of %q, is not found", i, req.Host)
			}
			if _, err := io.Copy(io.Discard, req.Body); err != nil {
				return
			}
		}
	})
}
