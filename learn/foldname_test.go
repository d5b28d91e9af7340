package learn_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/learn"
)

// called returns a destination that was called by its name in the traffic.
func called(s learn.Service, addr, name string, hours int) learn.Destination {
	d := seen(s, addr, name, hours)
	d.Evidence = learn.SNI
	return d
}

// nodes returns n names below a domain, one new one after the other.
func nodes(n int, domain string, evidence learn.Evidence) []learn.Destination {
	var out []learn.Destination
	for i := range n {
		d := called(web, fmt.Sprintf("203.0.113.%d", i), fmt.Sprintf("s-%03x.%s", i*37, domain), 1+i*160/n)
		d.Evidence = evidence
		out = append(out, d)
	}
	return out
}

func TestNamesThatKeepComingBecomeAWildcard(t *testing.T) {
	ds := append(nodes(12, "edge.example.com", learn.SNI), called(web, "192.0.2.1", "api.example.org", 0), called(web, "192.0.2.2", "edge.example.com", 0))
	got := learn.Fold(ds, learn.FoldOptions{})
	want(t, got, "edge.example.com [tcp/443]", "*.edge.example.com [tcp/443]", "api.example.org [tcp/443]")
	w := got[1]
	if w.Seen.Names != 12 || !w.Seen.New.Equal(monday.AddDate(0, 0, 6)) {
		t.Errorf("%d names, last new on %s, want 12 and the last day", w.Seen.Names, w.Seen.New.Format(time.DateOnly))
	}
	if len(w.Addrs) != 12 || w.Admits.V4 != 12 {
		t.Errorf("%s: %d addresses, admits %v, want those of all its names", w.To, len(w.Addrs), w.Admits)
	}
	if got[2].Seen.Names != 0 {
		t.Errorf("%s says that %d names were seen below it", got[2].To, got[2].Seen.Names)
	}
}

func TestNamesThatStayAreNamed(t *testing.T) {
	ds := nodes(6, "example.com", learn.SNI)
	for i := range ds {
		ds[i] = called(web, ds[i].Addr.String(), ds[i].Name, i)
	}
	for _, r := range learn.Fold(ds, learn.FoldOptions{}) {
		if strings.Contains(r.To.Name, "*") {
			t.Errorf("%s for six names that stay", r.To)
		}
	}
}

// What only DNS answers tell may be another name at the same address.
func TestWeakNamesDoNotWiden(t *testing.T) {
	for _, e := range []learn.Evidence{learn.Unnamed, learn.DNS} {
		if got := learn.Fold(nodes(40, "edge.example.com", e), learn.FoldOptions{}); len(got) != 40 {
			t.Errorf("evidence %q: %v, want one rule for each name", e, words(got))
		}
	}
	ds := append(nodes(12, "edge.example.com", learn.SNI), seen(web, "192.0.2.1", "weak.edge.example.com", 3))
	want(t, learn.Fold(ds, learn.FoldOptions{}), "*.edge.example.com [tcp/443]")
}

// However many of their names come, owners are told apart.
func TestNoWildcardSpansOwners(t *testing.T) {
	for _, domain := range []string{
		"s3.amazonaws.com", "someone.co.uk", "github.io", "workers.dev", "sharepoint.com", "s3.eu-central-1.wasabisys.com",
		"local", "nas.lan", "home.arpa", "nas.home.arpa", "2.0.192.in-addr.arpa", "com",
	} {
		for _, r := range learn.Fold(nodes(40, domain, learn.SNI), learn.FoldOptions{}) {
			below, wildcard := learn.Below(r.To.Name)
			if owner, ok := learn.Registrable(below); wildcard && (!ok || owner != "someone.co.uk") {
				t.Errorf("%s was proposed for names below %s", r.To, domain)
			}
		}
	}
}

// One name is no reason for a wildcard, whatever it costs.
func TestOneNameIsNoWildcard(t *testing.T) {
	got := learn.Fold([]learn.Destination{called(web, "192.0.2.1", "a.b.c.example.com", 160)}, learn.FoldOptions{Wildcard: 1e-12})
	want(t, got, "a.b.c.example.com [tcp/443]")
}

// What is no host name goes by its address.
func TestOddNamesGoByAddress(t *testing.T) {
	for _, name := range []string{
		"192.0.2.7", "2001:db8::7", "[2001:db8::7]", "0x7f.1", "b\u00fccher.example", "a\nb.example", "*.example.com", "*", ".", "a..b",
		strings.Repeat("a.", 126) + "ab", strings.Repeat("a.", 127) + "a", strings.Repeat("a", 64) + ".example", "\x00\x00",
	} {
		want(t, learn.Fold([]learn.Destination{called(web, "192.0.2.1", name, 1)}, learn.FoldOptions{}), "192.0.2.1 [tcp/443]")
	}
	for name, rule := range map[string]string{
		"API.Example.COM.": "api.example.com", "_x._tcp.example.com": "_x._tcp.example.com",
		"xn--bcher-kva.example": "xn--bcher-kva.example", "nas": "nas", "com": "com",
		strings.Repeat("a.", 126) + "a": strings.Repeat("a.", 126) + "a",
	} {
		want(t, learn.Fold([]learn.Destination{called(web, "192.0.2.1", name, 1)}, learn.FoldOptions{}), rule+" [tcp/443]")
	}
}

// randomNames returns names below few domains, some without one, in random
// order of their days.
func randomNames(r *rand.Rand, n int) []learn.Destination {
	tops := []string{"example.com", "example.org", "b.s3.amazonaws.com", "s3.amazonaws.com", "example.co.uk", "nas.lan"}
	labels := []string{"a", "b", "c", "www", "xn--bcher-kva", "_dns", "0", "7f3a"}
	var out []learn.Destination
	for range n {
		name := tops[r.IntN(len(tops))]
		for range r.IntN(4) {
			name = labels[r.IntN(len(labels))] + "." + name
		}
		if r.IntN(5) == 0 {
			name = ""
		}
		d := seen([]learn.Service{web, quic}[r.IntN(2)], fmt.Sprintf("192.0.2.%d", r.IntN(60)), name, r.IntN(160))
		if r.IntN(3) > 0 {
			d.Evidence = learn.SNI
		}
		out = append(out, d)
	}
	return unlike(out)
}

// unlike drops destinations with the target of one before.
func unlike(ds []learn.Destination) []learn.Destination {
	known := map[learn.Target]bool{}
	return slices.DeleteFunc(ds, func(d learn.Destination) bool {
		again := known[d.Target]
		known[d.Target] = true
		return again
	})
}

func TestEveryNameIsAdmitted(t *testing.T) {
	r := rand.New(rand.NewPCG(seedOf(t).Uint64(), 7))
	wild := 0
	for range 60 {
		ds := randomNames(r, 1+r.IntN(80))
		rules := learn.Fold(ds, learn.FoldOptions{Wildcard: 0.1 + 3*r.Float64()})
		for i := range ds {
			if !slices.ContainsFunc(rules, func(rule learn.Rule) bool { return admitsNamed(&rule, &ds[i]) }) {
				t.Fatalf("%v %q at %v is in none of %v", ds[i].Service, ds[i].Name, ds[i].Addr, words(rules))
			}
		}
		for i := range rules {
			if rules[i].To.Name != "" && learn.CheckName(rules[i].To.Name) != nil {
				t.Fatalf("%s: %v", rules[i].To, learn.CheckName(rules[i].To.Name))
			}
			if _, ok := learn.Below(rules[i].To.Name); ok {
				wild++
			}
		}
	}
	if wild == 0 {
		t.Error("no wildcard was ever proposed: nothing was tested")
	}
}

// admitsNamed says whether a rule admits a destination, its address included.
func admitsNamed(r *learn.Rule, d *learn.Destination) bool {
	if !slices.Contains(r.Ports, d.Service) {
		return false
	}
	if r.To.Name == "" {
		return d.Name == "" && r.To.Prefix.Contains(d.Addr)
	}
	return (d.Name == "" || learn.AdmitsName(r.To.Name, d.Name)) && slices.Contains(r.Addrs, d.Addr)
}

func TestFoldOfNamesIgnoresOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(seedOf(t).Uint64(), 8))
	for range 30 {
		ds := randomNames(r, 60)
		o := learn.FoldOptions{Wildcard: 0.3}
		first := learn.Fold(ds, o)
		r.Shuffle(len(ds), func(i, j int) { ds[i], ds[j] = ds[j], ds[i] })
		if diff := cmp.Diff(first, learn.Fold(ds, o), compare); diff != "" {
			t.Fatalf("in another order (-first +then):\n%s", diff)
		}
	}
}

// A dearer wildcard never makes more of them.
func TestFewerWildcardsWhereTheyCostMore(t *testing.T) {
	r := rand.New(rand.NewPCG(seedOf(t).Uint64(), 9))
	for range 20 {
		ds := randomNames(r, 60)
		most := -1
		for _, price := range []float64{8, 2, 0.5, 0.1} {
			covered := 0
			for _, rule := range learn.Fold(ds, learn.FoldOptions{Wildcard: price}) {
				covered += rule.Seen.Names
			}
			if covered < most {
				t.Fatalf("wildcards at %v cover %d names, and %d where they cost more", price, covered, most)
			}
			most = covered
		}
	}
}
