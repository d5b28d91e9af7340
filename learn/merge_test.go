package learn_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"tripline/ipranges"
	"tripline/learn"
)

// approvedBy returns a baseline as a part of a merge, without evidence.
func approvedBy(name string, rules ...learn.Rule) learn.Part {
	return learn.Part{Name: name, Baseline: &learn.Baseline{Agent: name, Rules: rules}}
}

func union(t *testing.T, parts ...learn.Part) *learn.Union {
	t.Helper()
	u, err := learn.Merge(parts, published, anywhere)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// mergedLines says of each rule who has it, then what was dropped.
func mergedLines(u *learn.Union) (out []string) {
	line := func(x *learn.Merging) string {
		var of []int
		for _, s := range x.Of {
			of = append(of, s.Part)
		}
		return fmt.Sprint(x.To, " ", x.Ports, " ", of, " ", x.Admits, x.Note)
	}
	for i := range u.Rules {
		out = append(out, line(&u.Rules[i]))
	}
	for i := range u.Dropped {
		out = append(out, "dropped: "+line(&u.Dropped[i]))
	}
	return out
}

func TestUnionSaysWhoHasWhat(t *testing.T) {
	udp := learn.Service{Proto: learn.UDP, Port: 443}
	cdn := ruleTo("cdn.example.com", learn.Learned, https)
	cdn.To.Name = "*.cdn.example.com"
	cdn.Addrs = []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	one := ruleTo("a.cdn.example.com", learn.Learned, https)
	one.Addrs = []netip.Addr{netip.MustParseAddr("192.0.2.2")}
	u := union(t,
		approvedBy("bot1", ruleTo("203.0.113.7", learn.Learned, https), ruleTo("198.51.100.0/24", learn.Edited, https), cdn, ruleTo("2001:db8::1", learn.Learned, https)),
		approvedBy("bot2", ruleTo("203.0.113.7", learn.Learned, udp), ruleTo("198.51.100.8", learn.Learned, https, udp), one, ruleTo("aws/S3/us-east-1", learn.Learned, udp)),
	)
	want := []string{
		"*.cdn.example.com [tcp/443] [0] 2",
		"aws/S3/us-east-1 [udp/443] [1] 256",
		"198.51.100.0/24 [tcp/443] [0] 256",
		"203.0.113.7 [tcp/443 udp/443] [0 1] 1",
		"2001:db8::1 [tcp/443] [0] 1 /64",
		"dropped: a.cdn.example.com [tcp/443] [1] 1inside *.cdn.example.com",
		"dropped: 198.51.100.8 [udp/443] [1] 1inside aws/S3/us-east-1",
		"dropped: 198.51.100.8 [tcp/443] [1] 1inside 198.51.100.0/24",
	}
	if got := mergedLines(u); !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// TestPrivateHostStaysBesideWhatHoldsIt because a wide rule admits none of it.
func TestPrivateHostStaysBesideWhatHoldsIt(t *testing.T) {
	u := union(t, approvedBy("bot1", ruleTo("10.0.0.5", learn.Learned, https)), approvedBy("bot2", ruleTo("0.0.0.0/1", learn.Edited, https)))
	if len(u.Rules) != 2 || len(u.Dropped) != 0 {
		t.Errorf("got %q", mergedLines(u))
	}
}

func TestEvidenceOfAUnionIsNotCountedTwice(t *testing.T) {
	label := ruleTo("aws/S3/us-east-1", learn.Learned, https)
	label.Seen = learn.Seen{Destinations: 2, Blocks: 2, Runs: 1, First: epoch, Last: epoch}
	seen := func(p learn.Part, ds ...learn.Destination) learn.Part {
		p.Seen = ds
		return p
	}
	a := seen(approvedBy("bot1", label), visited(https, "198.51.100.1", "", 1, 2), visited(https, "198.51.100.2", "", 2))
	b := seen(approvedBy("bot2", label), visited(https, "198.51.100.2", "", 2, 30), visited(https, "198.51.100.3", "", 3))
	s := union(t, a, b).Rules[0].Seen
	if got := fmt.Sprint(s.Destinations, s.Blocks, s.Runs); got != "3 4 2" {
		t.Errorf("got %s, want 3 destinations in 4 hours and 2 runs", got)
	}
	if n := len(a.Seen[1].Blocks); n != 1 {
		t.Errorf("merging changed the evidence it was given: %d hours", n)
	}
	// Of a file only figures are known: at least the most that one had.
	label.Seen = learn.Seen{Destinations: 9, Blocks: 1, Runs: 1, First: epoch.AddDate(0, 0, -3), Last: epoch}
	s = union(t, a, approvedBy("file.yaml", label)).Rules[0].Seen
	if got := fmt.Sprint(s.Destinations, s.Blocks, s.Runs, " ", s.First.Format(time.DateOnly)); got != "9 2 1 2026-02-27" {
		t.Errorf("with a file: got %s", got)
	}
}

func TestUnionNeedsItsRanges(t *testing.T) {
	_, err := learn.Merge([]learn.Part{approvedBy("bot1", ruleTo("oracle/OCI/eu", learn.Learned, https)), approvedBy("bot2")}, published, anywhere)
	if !errors.Is(err, learn.ErrNoRanges) || learn.HintOf(err) == "" {
		t.Errorf("got %v, hint %q", err, learn.HintOf(err))
	}
}

// TestUnionAdmitsWhatItsPartsDo and nothing else, address by address; and merging
// the result again changes nothing.
func TestUnionAdmitsWhatItsPartsDo(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 200 {
		parts := []learn.Part{approvedBy("a", randomRules(r)...), approvedBy("b", randomRules(r)...), approvedBy("c", randomRules(r)...)}
		u := union(t, parts...)
		var is []learn.Rule
		for _, x := range u.Rules {
			is = append(is, x.Rule)
		}
		var was []learn.Rule
		for _, p := range parts {
			was = append(was, p.Baseline.Rules...)
		}
		for _, s := range []learn.Service{https, vault} {
			if a, b := opening(was, s), opening(is, s); !a.Equal(b) {
				t.Fatalf("%s: parts %v\nadmit %v\nthe union %v", s, was, a.Prefixes(), b.Prefixes())
			}
		}
		again := union(t, approvedBy("u", is...), parts[0])
		if got, want := words(rulesOf(again)), words(is); !slices.Equal(got, want) {
			t.Fatalf("again: got %q, want %q", got, want)
		}
	}
}

func rulesOf(u *learn.Union) (out []learn.Rule) {
	for _, x := range u.Rules {
		out = append(out, x.Rule)
	}
	return out
}

// randomRules returns rules of which many are inside others.
func randomRules(r *rand.Rand) []learn.Rule {
	kinds := []string{"198.51.100.%d", "198.51.100.0/%d", "aws/S3/us-east-1", "aws/S3", "cdn/EDGE", "10.0.0.%d", "10.0.0.0/%d", "192.0.2.0/%d"}
	known := map[string]bool{}
	var out []learn.Rule
	for range r.IntN(8) {
		text := kinds[r.IntN(len(kinds))]
		switch text[len(text)-3:] {
		case "/%d":
			text = fmt.Sprintf(text, 24+r.IntN(8))
		case ".%d":
			text = fmt.Sprintf(text, r.IntN(16))
		}
		if known[text] {
			continue
		}
		known[text] = true
		ports := [][]learn.Service{{https}, {vault}, {https, vault}}[r.IntN(3)]
		out = append(out, ruleTo(text, learn.Learned, ports...))
	}
	return out
}

// opening returns what rules admit for one service.
func opening(rules []learn.Rule, s learn.Service) (all ipranges.Set) {
	for i := range rules {
		if slices.Contains(rules[i].Ports, s) {
			set, err := rules[i].To.Set(published, rules[i].Addrs)
			if err == nil {
				all = all.Union(anywhere.Bound(set, rules[i].To.Single()))
			}
		}
	}
	return all
}
