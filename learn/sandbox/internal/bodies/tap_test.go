package bodies

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"tripline/learn"
)

// body is what is to be told of one that was whole.
func body(text string, first int) *learn.Body {
	if text == "" {
		return nil
	}
	return &learn.Body{Bytes: uint64(len(text)), SHA256: sha256.Sum256([]byte(text[:min(first, len(text))]))}
}

func cut(text string, first int) *learn.Body {
	b := body(text, first)
	b.Cut = true
	return b
}

// said writes a payload so that two can be compared and read.
func said(p *learn.Payload) string {
	var b strings.Builder
	for _, x := range p.Exchanges {
		for _, one := range []*learn.Body{x.Up, x.Down} {
			if one == nil {
				b.WriteString(" -")
				continue
			}
			fmt.Fprintf(&b, " %d:%.8s", one.Bytes, one.SHA256)
			if one.Cut {
				b.WriteString(":cut")
			}
		}
		b.WriteString("\n")
	}
	return fmt.Sprintf("%smore %d, %q", b.String(), p.More, p.Stopped)
}

// A turn is what one side says next.
type turn struct {
	up   bool
	text string
}

func up(text string) turn   { return turn{true, text} }
func down(text string) turn { return turn{false, text} }

// play feeds turns, in pieces of a size.
func play(turns []turn, size int, first int64) *learn.Payload {
	t := New(first)
	for _, n := range turns {
		feed := t.Down
		if n.up {
			feed = t.Up
		}
		for text := []byte(n.text); len(text) > 0; {
			m := min(size, len(text))
			piece := bytes.Clone(text[:m])
			feed(piece)
			clear(piece) // it was only lent
			text = text[m:]
		}
	}
	return t.End()
}

const (
	get  = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
	post = "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello"
	ok   = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"
	none = "HTTP/1.1 204 No Content\r\n\r\n"
)

var dialogues = map[string]struct {
	turns []turn
	want  []*learn.Body // up, down, up, down, ...
	why   string
}{
	"a request and an answer": {turns: []turn{up(post), down(ok)}, want: []*learn.Body{body("hello", 8), body("yes", 8)}},
	"nothing but heads":       {turns: []turn{up(get), down(none)}, want: []*learn.Body{nil, nil}},
	"longer than what is hashed": {
		turns: []turn{up("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n0123456789ab"), down(none)}, want: []*learn.Body{body("0123456789ab", 8), nil},
	},
	"chunks, an extension and a trailer": {
		turns: []turn{
			up("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n"),
			down("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n"),
			up(post), down(ok),
		},
		want: []*learn.Body{body("abcde", 8), body("0123456789", 8), body("hello", 8), body("yes", 8)},
	},
	"one connection, several requests": {
		turns: []turn{up(post), down(ok), up(get), down(ok), up(post), down(none)},
		want:  []*learn.Body{body("hello", 8), body("yes", 8), nil, body("yes", 8), body("hello", 8), nil},
	},
	"requests before their answers": {
		turns: []turn{up(post + get + post), down(ok + ok + none)},
		want:  []*learn.Body{body("hello", 8), body("yes", 8), nil, body("yes", 8), body("hello", 8), nil},
	},
	"100 Continue, and 103": {
		turns: []turn{
			up("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"),
			down("HTTP/1.1 100 Continue\r\n\r\n"), up("hello"), down("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok),
		},
		want: []*learn.Body{body("hello", 8), body("yes", 8)},
	},
	"HEAD has no body, whatever it says": {
		turns: []turn{up("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), down("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"), up(get), down(ok)},
		want:  []*learn.Body{nil, nil, nil, body("yes", 8)},
	},
	"304 has none either": {
		turns: []turn{up(get), down("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"), up(get), down(ok)},
		want:  []*learn.Body{nil, nil, nil, body("yes", 8)},
	},
	"until the end": {turns: []turn{up("GET / HTTP/1.0\r\n\r\n"), down("HTTP/1.0 200 OK\r\n\r\nall of it")}, want: []*learn.Body{nil, body("all of it", 8)}},
	"compressed stays so": {
		turns: []turn{up(get), down("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00")},
		want:  []*learn.Body{nil, body("\x1f\x8b\x08\x00", 8)},
	},
	"cut off by the end": {
		turns: []turn{up("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nhalf"), down("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nnot all")},
		want:  []*learn.Body{cut("half", 8), cut("not all", 8)},
	},
	"cut off in a head": {turns: []turn{up(post), down("HTTP/1.1 200 OK\r\nContent-Le")}, want: []*learn.Body{body("hello", 8), nil}},
	"CONNECT": {
		turns: []turn{up("CONNECT b.example:443 HTTP/1.1\r\nHost: b.example\r\n\r\n"), down("HTTP/1.1 200 OK\r\n\r\n"), up(post), down(ok)},
		want:  []*learn.Body{nil, nil}, why: stoppedTunnel,
	},
	"CONNECT refused": {
		turns: []turn{up("CONNECT b.example:443 HTTP/1.1\r\nHost: b.example\r\n\r\n"), down("HTTP/1.1 407 No\r\nContent-Length: 3\r\n\r\npay"), up(post), down(ok)},
		want:  []*learn.Body{nil, body("pay", 8), body("hello", 8), body("yes", 8)},
	},
	"Upgrade": {
		turns: []turn{
			up("POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi"),
			down("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"), up(post), down(ok),
		},
		want: []*learn.Body{body("hi", 8), nil}, why: stoppedUpgrade,
	},
	"Upgrade that was not taken up": {
		turns: []turn{up("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"), down(ok), up(post), down(ok)},
		want:  []*learn.Body{nil, body("yes", 8), body("hello", 8), body("yes", 8)},
	},
	"Upgrade, and more before the answer": {
		turns: []turn{up("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n" + post), down(ok + ok)},
		want:  []*learn.Body{nil, body("yes", 8)}, why: stoppedLeft,
	},
	"an answer that nobody asked for": {
		turns: []turn{up(get), down(ok + ok)}, want: []*learn.Body{nil, body("yes", 8)}, why: stoppedAlone,
	},
	"no HTTP": {turns: []turn{up("GET lost\r\n\r\n"), down("what?\r\n")}, why: stoppedStrange},
	"no HTTP after a request": {
		turns: []turn{up(post + "\x16\x03\x01"), down(ok), up("\x00\r\n\r\n")}, want: []*learn.Body{body("hello", 8), body("yes", 8)}, why: stoppedStrange,
	},
	"two lengths": {
		turns: []turn{up("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"), down(ok)}, why: stoppedStrange,
	},
	"a head without an end": {turns: []turn{up("GET / HTTP/1.1\r\nA: " + strings.Repeat("a", 1<<20))}, why: stoppedStrange},
}

func TestDialogues(t *testing.T) {
	for name, d := range dialogues {
		p := &learn.Payload{Stopped: d.why}
		for i := 0; i < len(d.want); i += 2 {
			p.Exchanges = append(p.Exchanges, learn.Exchange{Up: d.want[i], Down: d.want[i+1]})
		}
		for _, size := range []int{1, 7, 4096, 1 << 30} {
			if got, want := said(play(d.turns, size, 8)), said(p); got != want {
				t.Errorf("%s, in pieces of %d: got\n%s\nwant\n%s", name, size, got, want)
			}
		}
	}
}

// TestSameAsBothEnds compares with what a client and a server of net/http sent and
// got themselves.
func TestSameAsBothEnds(t *testing.T) {
	const first = 1 << 16
	var want learn.Payload
	serve := func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		answer := strings.Repeat(r.URL.Path, len(got))
		want.Exchanges = append(want.Exchanges, learn.Exchange{Up: body(string(got), first), Down: body(answer, first)})
		if len(got)%2 == 0 { // one in two has a length, the others have chunks
			w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
		}
		io.WriteString(w, answer)
	}
	server := httptest.NewServer(http.HandlerFunc(serve))
	defer server.Close()
	tap := New(first)
	var mu sync.Mutex // the client may still read when all is over
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &tapped{Conn: c, tap: tap, mu: &mu}, err
	}}}
	for i := range 40 {
		var sent io.Reader = bytes.NewReader(bytes.Repeat([]byte("x"), i*i*100))
		if i%3 == 0 {
			sent = io.MultiReader(sent) // of no known length
		}
		res, err := client.Post(server.URL+"/answer", "text/plain", sent)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	client.CloseIdleConnections()
	server.Close()
	mu.Lock()
	defer mu.Unlock()
	if got := said(tap.End()); got != said(&want) {
		t.Errorf("got\n%s\nwant\n%s", got, said(&want))
	}
}

// tapped is a connection that is listened to.
type tapped struct {
	net.Conn
	tap *Tap
	mu  *sync.Mutex
}

func (c *tapped) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tap.Down(b[:n])
	return n, err
}

func (c *tapped) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.tap.Up(b)
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	tap := New(8)
	for range 2*mostExchanges + 5 {
		tap.Up([]byte(post))
		tap.Down([]byte(ok))
	}
	if p := tap.End(); len(p.Exchanges) != mostExchanges || p.More != mostExchanges+5 || p.Stopped != "" {
		t.Errorf("got %d exchanges, %d more, %q", len(p.Exchanges), p.More, p.Stopped)
	}
	tap = New(8)
	tap.Up([]byte(strings.Repeat(get, 2*mostAsked)))
	if p := tap.End(); p.Stopped != stoppedMany || len(tap.asked) != mostAsked {
		t.Errorf("got %q and %d that wait", p.Stopped, len(tap.asked))
	}
}

// twin reads both sides with net/http, one after the other, in the simplest way:
// it is right where every request is there before its answer.
func twin(sent, got string, first int) (list []learn.Exchange, fine bool) {
	var asked []*http.Request
	for r := bufio.NewReader(strings.NewReader(sent)); ; {
		if _, err := r.Peek(1); err != nil {
			break
		}
		q, err := http.ReadRequest(r)
		if err != nil {
			return nil, false
		}
		data, err := io.ReadAll(q.Body)
		if err != nil || leaves(q) {
			return nil, false
		}
		asked, list = append(asked, q), append(list, learn.Exchange{Up: body(string(data), first)})
	}
	n := 0
	for r := bufio.NewReader(strings.NewReader(got)); ; {
		if _, err := r.Peek(1); err != nil {
			return list, true
		}
		if n == len(asked) {
			return nil, false
		}
		a, err := http.ReadResponse(r, asked[n]) //nolint:bodyclose // there is nothing to close
		if err != nil || a.StatusCode == 101 {
			return nil, false
		}
		if a.StatusCode/100 == 1 {
			continue
		}
		data, err := io.ReadAll(a.Body)
		if err != nil {
			return nil, false
		}
		list[n].Down = body(string(data), first)
		n++
	}
}

// FuzzTap says that pieces of any size make no difference, and that net/http reads
// the same of what is whole.
func FuzzTap(f *testing.F) {
	for _, d := range dialogues {
		var sent, got string
		for _, n := range d.turns {
			if n.up {
				sent += n.text
			} else {
				got += n.text
			}
		}
		if len(sent) < 1<<12 {
			f.Add(sent, got, uint16(3), uint16(5))
		}
	}
	f.Fuzz(func(t *testing.T, sent, got string, size, first uint16) {
		turns := []turn{up(sent), down(got)}
		n := int64(first) + 1
		whole := play(turns, 1<<30, n)
		if pieces := play(turns, int(size)+1, n); said(pieces) != said(whole) {
			t.Fatalf("in pieces got\n%s\nat once\n%s", said(pieces), said(whole))
		}
		if list, fine := twin(sent, got, int(n)); fine && len(list) < mostExchanges {
			if want := (learn.Payload{Exchanges: list}); said(whole) != said(&want) {
				t.Fatalf("got\n%s\nwant\n%s", said(whole), said(&want))
			}
		}
	})
}

// BenchmarkTap is what listening costs: of a large body, of bodies that are hashed to
// their ends, and of small requests.
func BenchmarkTap(b *testing.B) {
	chunk := make([]byte, 256<<10)
	chunked := append([]byte("40000\r\n"), append(chunk[:256<<10:256<<10], "\r\n"...)...)
	for name, one := range map[string]struct {
		head string
		data []byte
	}{
		"length": {"HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\n", chunk},
		"chunks": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunked},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(one.data)))
			t := New(64 << 10)
			t.Up([]byte(get))
			t.Down([]byte(one.head))
			for b.Loop() {
				t.Down(one.data)
			}
			if p := t.End(); p.Exchanges[0].Down == nil {
				b.Fatal("there was no body")
			}
		})
	}
	b.Run("hashed", func(b *testing.B) {
		b.SetBytes(64 << 10)
		answer := append([]byte("HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n"), chunk[:64<<10]...)
		t := New(64 << 10)
		for b.Loop() {
			t.Up([]byte(get))
			t.Down(answer)
		}
		t.End()
	})
	b.Run("requests", func(b *testing.B) {
		b.ReportAllocs()
		t := New(64 << 10)
		for b.Loop() {
			t.Up([]byte(post))
			t.Down([]byte(ok))
		}
		t.End()
	})
}
