package dissect

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// A speaker of HTTP/2 writes frames.
type speaker struct {
	out    strings.Builder
	fields *hpack.Encoder
	block  bytes.Buffer
}

func newSpeaker() *speaker {
	s := &speaker{}
	s.fields = hpack.NewEncoder(&s.block)
	s.out.WriteString("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	s.frame(4, 0, "\x00\x03\x00\x00\x00\x64") // SETTINGS
	return s
}

func (s *speaker) frame(kind, flags byte, data string) {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(data))<<8|uint32(kind))
	s.out.Write(append(head, flags, 0, 0, 0, 1))
	s.out.WriteString(data)
}

func (s *speaker) encode(list ...string) string {
	s.block.Reset()
	for i := 0; i < len(list); i += 2 {
		s.fields.WriteField(hpack.HeaderField{Name: list[i], Value: list[i+1]})
	}
	return s.block.String()
}

func TestRequestsOfHTTP2(t *testing.T) {
	s := newSpeaker()
	get := func(host string) string {
		return s.encode(":method", "GET", ":scheme", "http", ":path", "/", ":authority", host)
	}
	s.frame(1, 5, get("a.example:80"))
	s.frame(0, 1, "POST / HTTP/1.1\r\nHost: data.example\r\n\r\n") // DATA
	s.frame(1, 5, get("a.example:80"))                             // by its place in the table alone
	b := get("b.example")
	s.frame(1, 8|0x20, "\x03\x00\x00\x00\x00\x10"+b[:3]+"pad")
	s.frame(9, 4, b[3:])
	s.frame(1, 5, s.encode("grpc-status", "0")) // trailers
	s.frame(1, 4, s.encode(":method", "GET", ":path", "/", "host", "c.example"))
	s.frame(1, 4, s.encode(":method", "CONNECT", ":authority", "d.example:443"))
	text := s.out.String()
	want := []string{"a.example", "a.example", "b.example", "c.example", "d.example"}
	for _, size := range []int{1, 7, len(text)} {
		if got := hostsOf(text, size); !slices.Equal(got, want) {
			t.Errorf("in pieces of %d: got %q, want %q", size, got, want)
		}
	}
	upgraded := "GET / HTTP/1.1\r\nHost: up.example\r\nUpgrade: h2c\r\n\r\n" + text
	if got := hostsOf(upgraded, 5); !slices.Equal(got, append([]string{"up.example"}, want...)) {
		t.Errorf("behind an upgrade: got %q", got)
	}
}

// FuzzHTTP2: whatever the pieces, the same requests are found, in bounded memory.
func FuzzHTTP2(f *testing.F) {
	s := newSpeaker()
	s.frame(1, 5, s.encode(":method", "GET", ":authority", "a.example"))
	s.frame(9, 4, "x")
	f.Add(s.out.String()[len(preface):], 3)
	f.Fuzz(func(t *testing.T, text string, size int) {
		text = preface + text
		var q Requests
		var got []string
		for piece := range slices.Chunk([]byte(text), max(1, size)) {
			for _, r := range q.Feed(piece) {
				got = append(got, string(r.Host))
				if r.At > len(piece) {
					t.Errorf("a request begins at %d of %d", r.At, len(piece))
				}
			}
			if len(q.head) > mostHead+frameSize {
				t.Errorf("%d bytes are kept", len(q.head))
			}
		}
		if whole := hostsOf(text, len(text)); !slices.Equal(got, whole) {
			t.Errorf("got %q in pieces, %q at once", got, whole)
		}
	})
}
