package learn_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tripline/ipranges"
	"tripline/learn"
)

var begin = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// sightedAt is a destination seen once on a day, in run "first".
func sightedAt(day int, addr, name string) learn.Destination {
	d := learn.Destination{Agent: "bot", Target: learn.Target{
		Service: learn.Service{Proto: learn.TCP, Port: 443}, Addr: netip.MustParseAddr(addr), Name: name,
	}}
	d.Add(&learn.Flow{Time: begin.AddDate(0, 0, day)}, "first")
	return d
}

// decided is a decision on a row for tcp/443, taken in the evening of day 1.
func decided(t *testing.T, verb learn.Verb, to, choice string) learn.Decision {
	t.Helper()
	d := learn.Decision{
		Verb: verb, Ports: []learn.Service{{Proto: learn.TCP, Port: 443}},
		At: begin.Add(36 * time.Hour), Until: begin.Add(24 * time.Hour), Runs: []string{"first"}, By: "Ada Example",
	}
	var err error
	if d.To, err = learn.ParseTo(to); err != nil {
		t.Fatal(err)
	}
	if choice != "" {
		if d.Choice, err = learn.ParseChoice(choice); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func settle(ds []learn.Destination, decisions ...learn.Decision) learn.Settled {
	s, _ := learn.Decide("bot", nil, ds, decisions, learn.NewNever(nil, nil), learn.FoldOptions{Space: ipranges.Space{Table: ipranges.NewTable(nil)}}, learn.Limits{})
	return s
}

func ruleLines(s learn.Settled) (out []string) {
	for _, r := range s.Proposal.Rules {
		out = append(out, fmt.Sprint(r.To, " ", r.Ports, " ", r.Seen.Destinations, " ", r.From))
	}
	slices.Sort(out)
	return out
}

func TestRejectedStaysRejectedUntilItIsSeenAgain(t *testing.T) {
	ds := []learn.Destination{sightedAt(0, "198.51.100.7", ""), sightedAt(1, "203.0.113.9", "")}
	no := decided(t, learn.Reject, "203.0.113.9", "")
	s := settle(ds, no)
	if got := ruleLines(s); !slices.Equal(got, []string{"198.51.100.7 [tcp/443] 1 learned"}) || len(s.Rejected) != 1 {
		t.Errorf("got %q and %d rejected", got, len(s.Rejected))
	}
	ds[1].Add(&learn.Flow{Time: begin.AddDate(0, 0, 1).Add(time.Hour)}, "first")
	if s := settle(ds, no); len(s.Proposal.Rules) != 1 || len(s.Again) != 0 {
		t.Errorf("more of the same day and run brought it back: %q", ruleLines(s))
	}
	for name, f := range map[string]func(*learn.Destination){
		"a later day": func(d *learn.Destination) { d.Add(&learn.Flow{Time: begin.AddDate(0, 0, 2)}, "first") },
		"another run": func(d *learn.Destination) { d.Add(&learn.Flow{Time: begin}, "second") },
	} {
		again := slices.Clone(ds)
		again[1].Blocks, again[1].Runs = slices.Clone(ds[1].Blocks), slices.Clone(ds[1].Runs)
		f(&again[1])
		if s := settle(again, no); len(s.Proposal.Rules) != 2 || len(s.Again) != 1 || len(s.Rejected) != 0 {
			t.Errorf("%s: got %q, %d again", name, ruleLines(s), len(s.Again))
		}
	}
}

func TestNarrowedStaysNarrow(t *testing.T) {
	ds := []learn.Destination{sightedAt(0, "198.51.100.7", ""), sightedAt(1, "198.51.100.200", "")}
	hosts := decided(t, learn.Narrow, "198.51.100.0/24", "hosts")
	want := []string{"198.51.100.200 [tcp/443] 1 edited", "198.51.100.7 [tcp/443] 1 edited"}
	if diff := cmp.Diff(want, ruleLines(settle(ds, hosts))); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
	ds = append(ds, sightedAt(5, "198.51.100.90", ""))
	want = append(want, "198.51.100.90 [tcp/443] 1 edited")
	if diff := cmp.Diff(want, ruleLines(settle(ds, hosts))); diff != "" {
		t.Errorf("a new one: differs (-want +got):\n%s", diff)
	}
	part := decided(t, learn.Narrow, "198.51.100.0/24", "198.51.100.0/25")
	want = []string{"198.51.100.0/25 [tcp/443] 2 edited", "198.51.100.200 [tcp/443] 1 edited"}
	if diff := cmp.Diff(want, ruleLines(settle(ds, part))); diff != "" {
		t.Errorf("to a part: differs (-want +got):\n%s", diff)
	}
}

func TestWidenedTakesInWhatIsInside(t *testing.T) {
	ds := []learn.Destination{sightedAt(0, "198.51.100.7", ""), sightedAt(1, "198.51.100.200", ""), sightedAt(1, "203.0.113.9", "")}
	wide := decided(t, learn.Widen, "198.51.100.7", "198.51.100.0/24")
	want := []string{"198.51.100.0/24 [tcp/443] 2 edited", "203.0.113.9 [tcp/443] 1 learned"}
	if diff := cmp.Diff(want, ruleLines(settle(ds, wide))); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
	undo := decided(t, learn.Accept, "198.51.100.7", "")
	if diff := cmp.Diff(ruleLines(settle(ds)), ruleLines(settle(ds, undo))); diff != "" {
		t.Errorf("once it was taken back: differs (-want +got):\n%s", diff)
	}
}

func TestNeverBindsThisAgentWhateverIsSeen(t *testing.T) {
	ds := []learn.Destination{sightedAt(0, "198.51.100.7", ""), sightedAt(9, "203.0.113.9", ""), sightedAt(9, "192.0.2.9", "bad.example")}
	s := settle(ds, decided(t, learn.Forbid, "203.0.113.0/24", ""), decided(t, learn.Forbid, "bad.example", ""))
	if got := ruleLines(s); !slices.Equal(got, []string{"198.51.100.7 [tcp/443] 1 learned"}) || len(s.Left.Forbidden) != 2 {
		t.Errorf("got %q and %d forbidden", got, len(s.Left.Forbidden))
	}
	if why, is := s.Never.Forbids(netip.MustParseAddr("203.0.113.200")); !is || why != "decided in a review" {
		t.Errorf("got %q, %v", why, is)
	}
	if !s.Never.ForbidsName("bad.example") || s.Never.ForbidsName("good.example") {
		t.Error("the name is not in the bounding set, or too much is")
	}
	other := learn.NewNever(nil, nil)
	if _, is := other.Forbids(netip.MustParseAddr("203.0.113.9")); is || other.ForbidsName("bad.example") {
		t.Error("another bounding set was changed")
	}
}

func TestSkippedStaysAsItWasApproved(t *testing.T) {
	ds := []learn.Destination{sightedAt(0, "198.51.100.7", ""), sightedAt(1, "203.0.113.9", "")}
	port80 := learn.Rule{To: learn.To{Prefix: netip.MustParsePrefix("203.0.113.9/32")}, Ports: []learn.Service{{Proto: learn.TCP, Port: 80}}, From: learn.Learned}
	gone := learn.Rule{To: learn.To{Prefix: netip.MustParsePrefix("192.0.2.200/32")}, Ports: []learn.Service{{Proto: learn.TCP, Port: 80}}, From: learn.Learned}
	approved := &learn.Baseline{Agent: "bot", Digest: "d", Rules: []learn.Rule{port80, gone}, Approved: &learn.Approval{At: begin}}
	o := learn.FoldOptions{Space: ipranges.Space{Table: ipranges.NewTable(nil)}}
	skips := []learn.Decision{decided(t, learn.Skip, "203.0.113.9", ""), decided(t, learn.Skip, "198.51.100.7", ""), decided(t, learn.Skip, "192.0.2.200", "")}
	s, err := learn.Decide("bot", approved, ds, skips, learn.NewNever(nil, nil), o, learn.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"192.0.2.200 [tcp/80] 0 learned", "203.0.113.9 [tcp/80] 0 learned"}
	if diff := cmp.Diff(want, ruleLines(s)); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
}

func TestRejectedAfterApprovalGoesThoughAPersonWroteIt(t *testing.T) {
	rule := learn.Rule{To: learn.To{Prefix: netip.MustParsePrefix("203.0.113.9/32")}, Ports: []learn.Service{{Proto: learn.TCP, Port: 443}}, From: learn.Allowed}
	o := learn.FoldOptions{Space: ipranges.Space{Table: ipranges.NewTable(nil)}}
	no := decided(t, learn.Reject, "203.0.113.9", "")
	for at, want := range map[time.Time]int{no.At.Add(-time.Hour): 0, no.At.Add(time.Hour): 1} {
		approved := &learn.Baseline{Agent: "bot", Rules: []learn.Rule{rule}, Approved: &learn.Approval{At: at}}
		s, err := learn.Decide("bot", approved, nil, []learn.Decision{no}, learn.NewNever(nil, nil), o, learn.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Proposal.Rules) != want {
			t.Errorf("approved at %v, rejected at %v: got %q", at, no.At, ruleLines(s))
		}
	}
}

// TestDecidedProposalsAdmitAllThatIsNotRejected is of random destinations and
// random decisions: each is in the proposal, left out, or rejected, whatever
// the order.
func TestDecidedProposalsAdmitAllThatIsNotRejected(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		ds, decisions := randomDecided(t, rnd)
		s := settle(ds, decisions...)
		out := map[learn.Target]bool{}
		for _, d := range slices.Concat(s.Rejected, s.Left.Forbidden, s.Left.Refused) {
			out[d.Target] = true
		}
		for _, d := range ds {
			if !out[d.Target] && !admitted(s.Proposal.Rules, &d) {
				t.Fatalf("seed %d: %v %q is in none of\n%q", seed, d.Addr, d.Name, ruleLines(s))
			}
		}
		rnd.Shuffle(len(decisions), func(i, j int) { decisions[i], decisions[j] = decisions[j], decisions[i] })
		again := settle(ds, decisions...)
		if diff := cmp.Diff(ruleLines(s), ruleLines(again)); diff != "" {
			t.Fatalf("seed %d: another order of decisions: (-want +got):\n%s", seed, diff)
		}
	}
}

func admitted(rules []learn.Rule, d *learn.Destination) bool {
	for i := range rules {
		if len(learn.Members(&rules[i], []learn.Destination{*d}, ipranges.Space{Table: ipranges.NewTable(nil)})) > 0 {
			return true
		}
	}
	return false
}

func randomDecided(t *testing.T, rnd *rand.Rand) (ds []learn.Destination, decisions []learn.Decision) {
	names := []string{"", "", "", "a.example.com", "b.example.com", "api.example.org"}
	seen := map[learn.Target]bool{}
	for range 30 {
		d := sightedAt(rnd.IntN(9), fmt.Sprintf("198.51.%d.%d", 100+rnd.IntN(2), rnd.IntN(256)), names[rnd.IntN(len(names))])
		if !seen[d.Target] {
			seen[d.Target] = true
			ds = append(ds, d)
		}
	}
	tos := []string{"198.51.100.0/24", "198.51.101.0/25", "198.51.100.64/26", "a.example.com", ds[0].Addr.String()}
	choices := []string{"hosts", "/28", "/20", "198.51.100.0/25", "198.51.0.0/16", "*.example.com"}
	for i := range 3 {
		verb := []learn.Verb{learn.Reject, learn.Narrow, learn.Widen, learn.Forbid, learn.Accept}[rnd.IntN(5)]
		d := decided(t, verb, tos[rnd.IntN(len(tos))], choices[rnd.IntN(len(choices))])
		d.At = d.At.Add(time.Duration(i) * time.Minute)
		decisions = append(decisions, d)
	}
	return ds, decisions
}

func TestDecisionsReadBack(t *testing.T) {
	for _, to := range []string{"203.0.113.9", "2001:db8::/32", "aws/S3/us-east-1", "AS64500", "api.example.com"} {
		for _, choice := range []string{"hosts", "/24", "203.0.113.0/24", "*.example.com", "aws/S3", "AS64501"} {
			d := decided(t, learn.Narrow, to, choice)
			d.Addrs = []netip.Addr{netip.MustParseAddr("203.0.113.9")}
			text, err := learn.EncodeDecision(d)
			if err != nil {
				t.Fatal(err)
			}
			got, err := learn.DecodeDecision(text)
			if diff := cmp.Diff(d, got, cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", text, err, diff)
			}
		}
	}
	for _, text := range []string{"", "{}", `{"verb":"maybe"}`, `{"verb":"reject"}`, `{"verb":"reject","prefix":"203.0.113.9/32","ports":["tcp"]}`, `{"verb":"narrow","prefix":"203.0.113.9/32","choice":"/0"}`, `{"odd":1}`} {
		if _, err := learn.DecodeDecision([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestAlternativesOfNamesStayWithTheirOwner(t *testing.T) {
	ds := []learn.Destination{sightedAt(0, "198.51.100.7", "a.b.example.co.uk"), sightedAt(3, "198.51.100.8", "c.b.example.co.uk")}
	space := ipranges.Space{Table: ipranges.NewTable(nil)}
	r := learn.Rule{To: learn.To{Name: "a.b.example.co.uk"}, Ports: []learn.Service{{Proto: learn.TCP, Port: 443}}, Addrs: []netip.Addr{ds[0].Addr}}
	var got []string
	for _, a := range learn.Alternatives(&r, ds[:1], space, learn.NewNever(nil, nil), begin, begin.AddDate(0, 0, 4)) {
		got = append(got, a.Choice.String())
	}
	slices.Sort(got)
	if want := []string{"*.b.example.co.uk", "*.example.co.uk"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	wide := decided(t, learn.Widen, "a.b.example.co.uk", "*.b.example.co.uk")
	if diff := cmp.Diff([]string{"*.b.example.co.uk [tcp/443] 2 edited"}, ruleLines(settle(ds, wide))); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
}

func TestChoiceNeverSpansOwners(t *testing.T) {
	for _, text := range []string{"*.co.uk", "*.com", "*.github.io"} {
		if c, err := learn.ParseChoice(text); err == nil {
			t.Errorf("%s was read as %s", text, c)
		}
	}
}

func FuzzChoice(f *testing.F) {
	for _, text := range []string{"hosts", "/24", "/129", "*.example.com", "*.198.51.100.1", "aws/S3", "AS1", "2001:db8::/32", "*.", "", "x01.", "*.x."} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := learn.ParseChoice(text)
		if err != nil {
			return
		}
		again, err := learn.ParseChoice(c.String())
		if err != nil || again.String() != c.String() {
			t.Errorf("%q reads as %q and that as %q, %v", text, c, again, err)
		}
	})
}

func TestLimitsAreKeptOrRefused(t *testing.T) {
	var ds []learn.Destination
	for i := range 12 {
		ds = append(ds, sightedAt(i%6, fmt.Sprintf("198.51.%d.7", 100+i), ""))
	}
	o := learn.FoldOptions{Space: ipranges.Space{Table: ipranges.NewTable(nil)}}
	for _, most := range []int{1, 3, 12} {
		s, err := learn.Decide("bot", nil, ds, nil, learn.NewNever(nil, nil), o, learn.Limits{Rules: &most})
		if err != nil || len(s.Proposal.Rules) > most || s.Pick == nil || s.Pick.Rules != len(s.Proposal.Rules) {
			t.Errorf("at most %d: got %d rules, %v", most, len(s.Proposal.Rules), err)
		}
	}
	none := 0
	if _, err := learn.Decide("bot", nil, ds, nil, learn.NewNever(nil, nil), o, learn.Limits{Rules: &none}); !errors.Is(err, learn.ErrLimits) {
		t.Errorf("got %v, want ErrLimits", err)
	}
}

// TestNarrowingOneRuleLeavesTheOthers is of many destinations in several places.
func TestNarrowingOneRuleLeavesTheOthers(t *testing.T) {
	var ds []learn.Destination
	for i := range 12 {
		ds = append(ds, sightedAt(i, fmt.Sprintf("198.51.100.%d", 20*i), ""), sightedAt(i, fmt.Sprintf("203.0.113.%d", 9*i), ""), sightedAt(i%3, fmt.Sprintf("192.0.2.%d", 3*i), ""))
	}
	before := ruleLines(settle(ds))
	i := slices.IndexFunc(before, func(line string) bool { return strings.HasPrefix(line, "198.") && strings.Contains(line, "/") })
	if i < 0 {
		t.Fatalf("nothing was folded: %q", before)
	}
	to, _, _ := strings.Cut(before[i], " ")
	after := ruleLines(settle(ds, decided(t, learn.Narrow, to, "hosts")))
	for j, line := range before {
		if j != i && !slices.Contains(after, line) {
			t.Errorf("%q is not there any more after %s was narrowed:\n%q", line, to, after)
		}
	}
}

// TestNarrowedIsNotOpenedFromBeside narrows the half of a network, in which more
// is seen later on both sides.
func TestNarrowedIsNotOpenedFromBeside(t *testing.T) {
	var ds []learn.Destination
	for i := range 40 {
		ds = append(ds, sightedAt(i%9, fmt.Sprintf("198.51.100.%d", 6*i), ""))
	}
	for _, r := range settle(ds, decided(t, learn.Narrow, "198.51.100.0/25", "hosts")).Proposal.Rules {
		if p := r.To.Prefix; !p.IsSingleIP() && p.Overlaps(netip.MustParsePrefix("198.51.100.0/25")) {
			t.Errorf("%s opens what was narrowed", r.To)
		}
	}
}

// What a person approved though it was only ever refused stays, with its evidence, until
// a person rejects it, or the name is let through; what is refused beside it opens nothing.
func TestApprovedThoughRefusedStays(t *testing.T) {
	space := ipranges.Space{Table: ipranges.NewTable(nil)}
	refused := func(d learn.Destination) learn.Destination { d.Blocked = d.Flows; return d }
	tried := []learn.Destination{
		sightedAt(0, "198.51.100.7", ""), sightedAt(0, "203.0.113.9", ""), sightedAt(0, "192.0.2.1", "a.example.com"), sightedAt(0, "192.0.2.2", "b.example.com"),
	}
	head := settle(tried).Proposal
	var seen []learn.Destination
	for _, d := range tried {
		seen = append(seen, refused(d))
	}
	seen = append(seen, refused(sightedAt(1, "203.0.113.99", "")), sightedAt(1, "192.0.2.1", "a.example.com"), refused(sightedAt(1, "192.0.2.3", "a.example.com")))
	decide := func(decisions ...learn.Decision) (marks []string, s learn.Settled) {
		s, err := learn.Decide("bot", head, seen, decisions, learn.NewNever(nil, nil), learn.FoldOptions{Space: space}, learn.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range learn.Diff(head, s.Proposal) {
			marks = append(marks, fmt.Sprint(c.Mark, c.Rule().To, c.Rule().Seen.Destinations))
		}
		slices.Sort(marks)
		return marks, s
	}
	marks, s := decide()
	if want := []string{" 198.51.100.7 1", " 203.0.113.9 1", " a.example.com 1", " b.example.com 1"}; !slices.Equal(marks, want) {
		t.Errorf("got %q, want %q", marks, want)
	}
	if len(s.Left.Refused) != 1 || s.Left.Refused[0].Addr != netip.MustParseAddr("203.0.113.99") {
		t.Errorf("left out as refused: %+v", s.Left.Refused)
	}
	if marks, _ = decide(decided(t, learn.Reject, "198.51.100.7", "")); !slices.Contains(marks, "-198.51.100.7 1") {
		t.Errorf("rejected: got %q", marks)
	}
}
