package sandbox

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tripline/learn"
)

// Requests over one connection are told by the name of each, and none that is not
// admitted leaves: behind others, at once or later, in pieces.
func TestEachRequestIsDecidedOn(t *testing.T) {
	s := server(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			n, _ := io.Copy(io.Discard, req.Body)
			answer := fmt.Sprintf("%s %d;", req.Host, n)
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
		}
	})
	request := func(host, body string) string {
		return fmt.Sprintf("POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", host, len(body), body)
	}
	good, also, evil := request("good.example", "body"), request("also.example", ""), request("evil.example", "data")
	for how, c := range map[string]struct {
		writes []string
		want   string // names and how they ended
	}{
		"one after the other": {[]string{good, also, good}, "good.example pass 62, also.example pass 58, good.example pass 62"},
		"at once":             {[]string{good + also}, "good.example pass 62, also.example pass 58"},
		"the same":            {[]string{good, good + good}, "good.example pass 186"},
		"a bad one later":     {[]string{good, evil}, "good.example pass 62, evil.example block 0"},
		"a bad one at once":   {[]string{good + evil}, "good.example pass 62, evil.example block 0"},
		"a bad one in pieces": {[]string{good, evil[:30], evil[30:]}, "good.example pass 92, evil.example block 0"},
		"in a body":           {[]string{request("good.example", evil), also}, "good.example pass 121, also.example pass 58"},
	} {
		t.Run(how, func(t *testing.T) {
			l := newLab(t, Options{Dial: dialTo(s), Decide: notEvil})
			c2, err := l.dial("203.0.113.5:80")
			if err != nil {
				t.Fatal(err)
			}
			defer c2.Close()
			r := bufio.NewReader(c2)
			c2.SetDeadline(time.Now().Add(10 * time.Second))
			for _, text := range c.writes {
				io.WriteString(c2, text)
				time.Sleep(20 * time.Millisecond) // so that it is read by itself
				if strings.HasSuffix(text, good) || strings.HasSuffix(text, also) {
					r.Peek(1)
				}
			}
			c2.CloseWrite()
			answers, _ := io.ReadAll(r)
			if strings.Contains(string(answers), "evil.example") {
				t.Errorf("the server answered for evil.example: %q", answers)
			}
			var got []string
			for _, f := range l.told(strings.Count(c.want, ",") + 1) {
				got = append(got, fmt.Sprintf("%s %s %d", f.Name, f.Action, f.Up))
				if f.Evidence != learn.HTTP {
					t.Errorf("got evidence %v", f.Evidence)
				}
			}
			if got := strings.Join(got, ", "); got != c.want {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
}

// So is each request of HTTP/2 without TLS, as net/http speaks it.
func TestEachRequestOfHTTP2IsDecidedOn(t *testing.T) {
	var both http.Protocols
	both.SetUnencryptedHTTP2(true)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto+" "+r.Host) }))
	s.Config.Protocols = &both
	s.Start()
	defer s.Close()
	l := newLab(t, Options{Dial: dialTo(netip.MustParseAddrPort(s.Listener.Addr().String())), Decide: notEvil})
	client := http.Client{Transport: &http.Transport{Protocols: &both, DialContext: func(context.Context, string, string) (net.Conn, error) { return l.dial("203.0.113.5:80") }}}
	for _, host := range []string{"good.example", "also.example", "evil.example"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://203.0.113.5/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		res, err := client.Do(req)
		if (err == nil) != (host != "evil.example") {
			t.Errorf("%s: %v", host, err)
		}
		if err == nil {
			if said, _ := io.ReadAll(res.Body); string(said) != "HTTP/2.0 "+host {
				t.Errorf("%s: got %q", host, said)
			}
			res.Body.Close()
		}
	}
	client.CloseIdleConnections()
	for _, f := range l.told(3) {
		if refused := f.Action == learn.Refused; refused != (f.Name == "evil.example") || f.Evidence != learn.HTTP {
			t.Errorf("got %+v", f)
		}
	}
}
