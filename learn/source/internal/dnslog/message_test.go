package dnslog_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"

	"tripline/learn"
	"tripline/learn/source/internal/dnslog"
)

var addrs = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

// A record of a message to build: an alias or an address.
type rr struct{ name, is string }

func build(t testing.TB, asked string, rcode dnsmessage.RCode, records ...rr) []byte {
	t.Helper()
	name := func(s string) dnsmessage.Name { return dnsmessage.MustNewName(s + ".") }
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{Response: true, RCode: rcode})
	b.EnableCompression()
	errs := []error{b.StartQuestions(), b.Question(dnsmessage.Question{Name: name(asked), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}), b.StartAnswers()}
	for i, r := range records {
		h := dnsmessage.ResourceHeader{Name: name(r.name), Class: dnsmessage.ClassINET, TTL: uint32(100 + i)}
		switch a, err := netip.ParseAddr(r.is); {
		case err != nil:
			errs = append(errs, b.CNAMEResource(h, dnsmessage.CNAMEResource{CNAME: name(r.is)}))
		case a.Is4():
			errs = append(errs, b.AResource(h, dnsmessage.AResource{A: a.As4()}))
		default:
			errs = append(errs, b.AAAAResource(h, dnsmessage.AAAAResource{AAAA: a.As16()}))
		}
	}
	wire, err := b.Finish()
	if err = errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
	return wire
}

func TestAnAnswerIsWhatTheAliasesLeadTo(t *testing.T) {
	for about, c := range map[string]struct {
		records []rr
		want    string
	}{
		"plain":          {[]rr{{"a.example", "203.0.113.1"}, {"a.example", "2001:db8::1"}}, "[] [203.0.113.1 2001:db8::1] 1m40s"},
		"nothing":        {nil, "[] [] -1ns"},
		"chain":          {[]rr{{"a.example", "b.example"}, {"b.example", "c.example"}, {"c.example", "203.0.113.1"}}, "[b.example c.example] [203.0.113.1] 1m40s"},
		"in disorder":    {[]rr{{"c.example", "203.0.113.1"}, {"B.example", "c.example"}, {"a.EXAMPLE", "b.example"}}, "[b.example c.example] [203.0.113.1] 1m40s"},
		"of another":     {[]rr{{"x.example", "203.0.113.1"}}, "[] [] -1ns"},
		"behind another": {[]rr{{"x.example", "y.example"}, {"y.example", "203.0.113.1"}}, "[] [] -1ns"},
		"half a chain":   {[]rr{{"a.example", "b.example"}, {"a.example", "203.0.113.1"}}, "[b.example] [] -1ns"},
		"a loop":         {[]rr{{"a.example", "b.example"}, {"b.example", "a.example"}, {"a.example", "203.0.113.1"}}, "[b.example a.example] [203.0.113.1] 1m40s"},
		"nowhere":        {[]rr{{"a.example", "0.0.0.0"}, {"a.example", "::"}}, "[] [] -1ns"},
		"mapped":         {[]rr{{"a.example", "::ffff:203.0.113.1"}}, "[] [203.0.113.1] 1m40s"},
	} {
		got, err := dnslog.Message(build(t, "a.example", dnsmessage.RCodeSuccess, c.records...))
		if text := fmt.Sprint(got.Chain, got.Addrs, got.TTL); err != nil || got.Name != "a.example" || text != c.want {
			t.Errorf("%s: got %q: %s, %v; want %s", about, got.Name, text, err, c.want)
		}
	}
}

func TestARefusalHasNoAddresses(t *testing.T) {
	got, err := dnslog.Message(build(t, "a.example", dnsmessage.RCodeServerFailure, rr{"a.example", "203.0.113.1"}))
	if want := (learn.Answer{Name: "a.example", TTL: -1}); err != nil || cmp.Diff(want, got, addrs) != "" {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

// A message may name as many aliases and addresses as it likes; what is taken of
// them is bounded.
func TestAMessageIsBounded(t *testing.T) {
	var records []rr
	for i := range 60 {
		records = append(records, rr{fmt.Sprintf("n%d.example", i), fmt.Sprintf("n%d.example", i+1)})
	}
	for i := range 900 {
		records = append(records, rr{"n0.example", fmt.Sprintf("203.0.%d.%d", i/250, i%250+1)})
	}
	got, err := dnslog.Message(build(t, "n0.example", dnsmessage.RCodeSuccess, records...))
	if err != nil || len(got.Chain) > 16 || len(got.Addrs) > 256 {
		t.Errorf("got %d aliases and %d addresses, %v", len(got.Chain), len(got.Addrs), err)
	}
}

// FuzzMessage holds what is promised of an answer, on any bytes.
func FuzzMessage(f *testing.F) {
	f.Add(build(f, "a.example", dnsmessage.RCodeSuccess, rr{"a.example", "b.example"}, rr{"b.example", "203.0.113.1"}))
	f.Add(build(f, "a.example", dnsmessage.RCodeNameError))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, wire []byte) {
		a, err := dnslog.Message(wire)
		if err != nil {
			if diff := cmp.Diff(learn.Answer{}, a, addrs); diff != "" {
				t.Errorf("got %v and an answer: %s", err, diff)
			}
			return
		}
		if name, ok := learn.CanonicalName(a.Name); a.Name != "" && (!ok || name != a.Name) {
			t.Errorf("got name %q, want it canonical", a.Name)
		}
		for _, addr := range a.Addrs {
			if !dnslog.Host(addr) || addr.Is4In6() {
				t.Errorf("got address %v", addr)
			}
		}
		if a.TTL < -1 || a.TTL > 1<<31*time.Second {
			t.Errorf("got a time to live of %v", a.TTL)
		}
	})
}
