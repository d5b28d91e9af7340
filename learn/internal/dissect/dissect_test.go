package dissect

import (
	"crypto/aes"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/net/dns/dnsmessage"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The keys of RFC 9001, appendix A.1, and of RFC 9369, appendix A.1.
func TestKeysAreThoseOfTheStandard(t *testing.T) {
	for _, tt := range []struct {
		version     uint32
		iv, protect string
	}{
		{1, "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2"},
		{0x6b3343cf, "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9"},
	} {
		k, ok := keysOf(tt.version, unhex(t, "8394c8f03e515708"))
		if !ok || hex.EncodeToString(k.iv[:]) != tt.iv {
			t.Errorf("version %x: got iv %x, want %s", tt.version, k.iv, tt.iv)
		}
		block, err := aes.NewCipher(unhex(t, tt.protect))
		if err != nil {
			t.Fatal(err)
		}
		var got, want [16]byte
		k.mask.Encrypt(got[:], got[:])
		block.Encrypt(want[:], want[:])
		if got != want {
			t.Errorf("version %x: the key of header protection is another", tt.version)
		}
	}
}

func TestHTTP(t *testing.T) {
	for text, want := range map[string]struct {
		host  string
		proxy bool
		state State
	}{
		"":                                      {"", false, Other},
		"\r\n":                                  {"", false, More},
		"G":                                     {"", false, More},
		"GET":                                   {"", false, More},
		"GET / HTTP/1.1\r\nHost: a.example\r\n": {"a.example", false, Done},
		"GET / HTTP/1.1\r\nHo":                  {"", false, More},
		"GET / HTTP/1.1\r\nhost:a.example:8080\r\n":                     {"a.example", false, Done},
		"GET / HTTP/1.1\nAccept: */*\nHOST: \t a.example \n":            {"a.example", false, Done},
		"GET / HTTP/1.0\r\n\r\n":                                        {"", false, Done},
		"CONNECT a.example:443 HTTP/1.1\r\nHost: b.example\r\n":         {"a.example", true, Done},
		"CONNECT [2001:db8::1]:443 HTTP/1.1\r\n":                        {"[2001:db8::1]", true, Done},
		"GET http://u:p@a.example:80/x HTTP/1.1\r\nHost: b.example\r\n": {"a.example", true, Done},
		"GET /?u=http://b.example/ HTTP/1.1\r\nHost: a.example\r\n":     {"a.example", false, Done},
		"GET   /x   HTTP/1.1\r\nHost: a.example\r\n":                    {"a.example", false, Done},

		"GET /\r\n":                    {"", false, Other},
		"SSH-2.0-x\r\n":                {"", false, Other},
		"PRI * HTTP/2.0\r\n\r\nSM\r\n": {"", false, Other},
		"HELO a.example\r\n":           {"", false, Other},
		"* OK\r\n":                     {"", false, Other},
		"A1\x00 / HTTP/1.1\r\n":        {"", false, Other},

		"PURGE / HTTP/1.1\r\nHost: a.example\r\n":                        {"a.example", false, Done},
		"get / HTTP/1.1\r\nHost: a.example\r\n":                          {"a.example", false, Done},
		"\r\n\nGET / HTTP/1.1\r\nHost: a.example\r\n":                    {"a.example", false, Done},
		"GET\t/\tHTTP/1.1\r\nHost: a.example\r\n":                        {"a.example", false, Done},
		"GET /a b HTTP/1.1\r\nHost: a.example\r\n":                       {"a.example", false, Done},
		"GET / HTTP/1.1\r\nHost : a.example\r\n":                         {"a.example", false, Done},
		"GET / HTTP/1.1\r\nHost:\r\n \r\n\ta.example\r\n":                {"a.example", false, Done},
		"GET / HTTP/1.1\r\nHost:\r\n":                                    {"", false, More},
		"GET / HTTP/1.1\r\nHost:\r\nA: b\r\n":                            {"", false, Done},
		"GET / HTTP/1.1\r\nX-Host: b.example\r\nHost: a.example\r\n\r\n": {"a.example", false, Done},
		"GET / HTTP/1.1\r\n" + strings.Repeat("a: b\r\n", 4000):          {"", false, Other},
	} {
		got, state := HTTP([]byte(text))
		if string(got.Host) != want.host || got.Proxy != want.proxy || state != want.state {
			t.Errorf("%.60q: got %q, proxy %v, state %d; want %+v", text, got.Host, got.Proxy, state, want)
		}
	}
}

// question builds a response by another implementation.
func question(t testing.TB, name string, build func(b *dnsmessage.Builder, name dnsmessage.Name) error) []byte {
	t.Helper()
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{Response: true})
	b.EnableCompression()
	n := dnsmessage.MustNewName(name)
	if err := b.StartQuestions(); err != nil {
		t.Fatal(err)
	}
	if err := b.Question(dnsmessage.Question{Name: n, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}); err != nil {
		t.Fatal(err)
	}
	if err := b.StartAnswers(); err != nil {
		t.Fatal(err)
	}
	if err := build(&b, n); err != nil {
		t.Fatal(err)
	}
	out, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnswersFollowTheChain(t *testing.T) {
	head := func(n dnsmessage.Name, ttl uint32) dnsmessage.ResourceHeader {
		return dnsmessage.ResourceHeader{Name: n, Class: dnsmessage.ClassINET, TTL: ttl}
	}
	b := question(t, "API.example.com.", func(b *dnsmessage.Builder, _ dnsmessage.Name) error {
		one, two := dnsmessage.MustNewName("one.example.net."), dnsmessage.MustNewName("two.example.net.")
		stray := dnsmessage.MustNewName("stray.example.org.")
		for _, err := range []error{
			b.CNAMEResource(head(dnsmessage.MustNewName("api.EXAMPLE.com."), 600), dnsmessage.CNAMEResource{CNAME: one}),
			b.CNAMEResource(head(one, 500), dnsmessage.CNAMEResource{CNAME: two}),
			b.AResource(head(stray, 1), dnsmessage.AResource{A: [4]byte{203, 0, 113, 66}}),
			b.AResource(head(two, 60), dnsmessage.AResource{A: [4]byte{198, 51, 100, 7}}),
			b.AAAAResource(head(two, 90), dnsmessage.AAAAResource{AAAA: netip.MustParseAddr("2001:db8::7").As16()}),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	want := Message{
		Response: true, Name: "API.example.com", Type: 1, TTL: time.Minute,
		Addrs: []netip.Addr{netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("2001:db8::7")},
		Chain: []string{"one.example.net", "two.example.net"},
	}
	got, ok := DNS(b)
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" || !ok {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// HTTPS records name a service with the addresses it has (RFC 9460).
func TestAnswersHaveHints(t *testing.T) {
	data := slices.Concat([]byte{0, 1, 0}, // priority 1, of the name itself
		[]byte{0, 1, 0, 3, 2, 'h', '2'}, // ALPN
		[]byte{0, 4, 0, 8, 198, 51, 100, 7, 198, 51, 100, 8},
		append([]byte{0, 6, 0, 16}, netip.MustParseAddr("2001:db8::7").AsSlice()...))
	b := question(t, "api.example.com.", func(b *dnsmessage.Builder, n dnsmessage.Name) error {
		return b.UnknownResource(dnsmessage.ResourceHeader{Name: n, Class: dnsmessage.ClassINET, TTL: 30},
			dnsmessage.UnknownResource{Type: 65, Data: data})
	})
	if m, ok := DNS(b); !ok || len(m.Addrs) != 3 || m.TTL != 30*time.Second {
		t.Errorf("got %+v, want three addresses", m)
	}
}

// A dot inside a label must not make another name of it.
func TestLabelsKeepTheirBorders(t *testing.T) {
	b := slices.Concat([]byte{0, 0, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, []byte("\x07a.b.c.d\x07example\x00\x00\x01\x00\x01"))
	if m, ok := DNS(b); !ok || strings.Count(m.Name, ".") != 1 {
		t.Errorf("got %q, want one dot", m.Name)
	}
}

// FuzzDNS compares with another implementation: where that one reads a message,
// the question is the same, and no address comes from nowhere.
func FuzzDNS(f *testing.F) {
	f.Add(question(f, "api.example.com.", func(b *dnsmessage.Builder, n dnsmessage.Name) error {
		return b.AResource(dnsmessage.ResourceHeader{Name: n, Class: dnsmessage.ClassINET}, dnsmessage.AResource{A: [4]byte{198, 51, 100, 7}})
	}))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, ok := DNS(b)
		if !ok {
			return
		}
		if len(m.Name) > 253 {
			t.Errorf("got a name of %d bytes", len(m.Name))
		}
		var other dnsmessage.Message
		if other.Unpack(b) != nil || strings.Contains(m.Name, " ") {
			return
		}
		if got := strings.TrimSuffix(other.Questions[0].Name.String(), "."); got != m.Name {
			t.Errorf("got the question %q, want %q", m.Name, got)
		}
		var all []netip.Addr
		for _, r := range other.Answers {
			switch body := r.Body.(type) {
			case *dnsmessage.AResource:
				all = append(all, netip.AddrFrom4(body.A))
			case *dnsmessage.AAAAResource:
				all = append(all, netip.AddrFrom16(body.AAAA).Unmap())
			}
		}
		for _, a := range m.Addrs {
			if !slices.Contains(all, a) && !hinted(&other) {
				t.Errorf("got the address %v, the message has %v", a, all)
			}
		}
	})
}

func hinted(m *dnsmessage.Message) bool {
	return slices.ContainsFunc(m.Answers, func(r dnsmessage.Resource) bool {
		return r.Header.Type == typeHTTPS || r.Header.Type == typeSVCB
	})
}

// FuzzHello: more of a hello never changes what was said, and what is short only
// asks for more.
func FuzzHello(f *testing.F) {
	f.Add([]byte("\x16\x03\x01\x00\x2e\x01\x00\x00\x2a\x03\x03"+strings.Repeat("r", 32)+"\x00\x00\x02\x13\x01\x01\x00\x00\x00"), 20)
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"), 9)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		n = min(max(0, n), len(b))
		h, state := TLS(b[:n])
		if all, s := TLS(b); state == Done && (s != Done || string(all.Name) != string(h.Name)) {
			t.Errorf("got %q at %d bytes, then %q in state %d", h.Name, n, all.Name, s)
		}
		r, state := HTTP(b[:n])
		if all, s := HTTP(b); state == Done && (s != Done || string(all.Host) != string(r.Host)) {
			t.Errorf("got %q at %d bytes, then %q in state %d", r.Host, n, all.Host, s)
		}
		var q QUIC
		q.Datagram(b)
		q.Datagram(b[n:])
	})
}

// FuzzStream compares with the simplest way to do the same.
func FuzzStream(f *testing.F) {
	f.Add([]byte{0, 3, 5, 2, 2, 9})
	f.Fuzz(func(t *testing.T, steps []byte) {
		var s Stream
		var want [1024]byte
		var there [1024]bool
		for i := 0; i+1 < len(steps); i += 2 {
			at, n := int(steps[i]), int(steps[i+1]%32)
			data := make([]byte, n)
			for j := range data {
				data[j] = byte(i)
			}
			if !s.Insert(at, data) {
				return
			}
			for j := range data {
				if !there[at+j] {
					want[at+j], there[at+j] = byte(i), true
				}
			}
		}
		n := 0
		for there[n] {
			n++
		}
		if got := s.Prefix(); string(got) != string(want[:n]) {
			t.Errorf("got %v, want %v", got, want[:n])
		}
	})
}
