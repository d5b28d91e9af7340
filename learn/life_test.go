package learn_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"tripline/ipranges"
	"tripline/learn"
)

// epoch is when the lives of these tests begin.
var epoch = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// visited returns a destination that was seen at some hours after epoch, each in
// a run of its own day.
func visited(s learn.Service, addr, name string, hours ...int) learn.Destination {
	d := learn.Destination{Agent: "bot", Target: learn.Target{Service: s, Name: name}}
	if addr != "" {
		d.Addr = netip.MustParseAddr(addr)
	}
	for _, h := range hours {
		d.Add(&learn.Flow{Time: epoch.Add(time.Duration(h) * time.Hour)}, fmt.Sprint("day ", h/24))
	}
	return d
}

// published is what the addresses of [world] belong to.
var published = ipranges.Space{Table: ipranges.NewTable([]ipranges.Range{
	{Prefix: netip.MustParsePrefix("198.51.100.0/24"), Label: ipranges.Label{Provider: "aws", Service: "S3", Region: "us-east-1"}},
	{Prefix: netip.MustParsePrefix("192.0.2.0/25"), Label: ipranges.Label{Provider: "cdn", Service: "EDGE"}},
})}

// world returns random destinations, clustered as those of an agent are.
func world(r *rand.Rand) []learn.Destination {
	bases := []string{"198.51.100.%d", "192.0.2.%d", "203.0.113.%d", "2001:db8::%x", "10.0.0.%d"}
	services := []learn.Service{{Proto: learn.TCP, Port: 443}, {Proto: learn.UDP, Port: 53}}
	names := []string{"", "", "", "api.example.com", "cdn.example.com", "www.example.org"}
	at := map[learn.Target]int{}
	var out []learn.Destination
	for range 1 + r.IntN(60) {
		addr := fmt.Sprintf(bases[r.IntN(len(bases))], 1+r.IntN(1+r.IntN(200)))
		hours := make([]int, 1+r.IntN(6))
		for i := range hours {
			hours[i] = r.IntN(24 * 10)
		}
		d := visited(services[r.IntN(8)/7], addr, names[r.IntN(len(names))], hours...)
		if i, ok := at[d.Target]; ok {
			out[i].Merge(&d)
			continue
		}
		at[d.Target] = len(out)
		out = append(out, d)
	}
	return out
}

// until returns what was seen before a time.
func until(ds []learn.Destination, before time.Time) []learn.Destination {
	var out []learn.Destination
	for _, d := range ds {
		if d.First.After(before) {
			continue
		}
		at := slices.DeleteFunc(slices.Clone(d.Blocks), func(b learn.Block) bool { return b.Time().After(before) })
		early := learn.Destination{Agent: d.Agent, Target: d.Target}
		for _, b := range at {
			early.Add(&learn.Flow{Time: b.Time()}, "early")
		}
		out = append(out, early)
	}
	return out
}

// approve makes a proposal the approved baseline.
func approve(p *learn.Baseline) *learn.Baseline {
	b := *p
	b.Digest, b.Rules = "approved", slices.Clone(p.Rules)
	return &b
}

func lives(t *testing.T, check func(r *rand.Rand, ds []learn.Destination)) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 150 {
		check(r, world(r))
	}
}

func changes(old, is *learn.Baseline) (out []string) {
	for _, c := range learn.Diff(old, is) {
		if c.Mark != learn.Kept {
			out = append(out, fmt.Sprint(c.Mark, c.Rule().To, c.Rule().Ports))
		}
	}
	return out
}

var (
	anywhere = learn.NewNever(nil, nil)
	within   = learn.FoldOptions{Space: published}
)

func TestSameEvidenceOnTopChangesNothing(t *testing.T) {
	lives(t, func(_ *rand.Rand, ds []learn.Destination) {
		first, _ := learn.Propose("bot", nil, ds, anywhere, within)
		again, _ := learn.Propose("bot", approve(first), ds, anywhere, within)
		if got := changes(first, again); len(got) > 0 {
			t.Fatalf("changed %v\n%v", got, ds)
		}
		second, _ := learn.Propose("bot", approve(again), ds, anywhere, within)
		if a, b := fmt.Sprint(again.Rules), fmt.Sprint(second.Rules); a != b {
			t.Fatalf("not a fixed point:\n%s\n%s", a, b)
		}
	})
}

// TestLaterProposalAdmitsWhatWasLearned holds whatever was approved before, also
// at another price and with rules that a person wrote.
func TestLaterProposalAdmitsWhatWasLearned(t *testing.T) {
	lives(t, func(r *rand.Rand, ds []learn.Destination) {
		o := within
		o.Lambda = []float64{1e-7, 2e-6, 1e-3}[r.IntN(3)]
		first, _ := learn.Propose("bot", nil, until(ds, epoch.Add(time.Duration(r.IntN(240))*time.Hour)), anywhere, o)
		if len(first.Rules) > 0 && r.IntN(2) == 0 {
			first.Rules[r.IntN(len(first.Rules))].From = learn.Edited
		}
		later, left := learn.Propose("bot", approve(first), ds, anywhere, within)
		if n := len(left.Expired) + len(left.Quarantined); n > 0 {
			t.Fatalf("%d were left out unasked", n)
		}
		for _, d := range ds {
			if !slices.ContainsFunc(later.Rules, func(r learn.Rule) bool { return lets(&r, &d) }) {
				t.Fatalf("%v is not admitted by\n%v", d.Target, later.Rules)
			}
		}
	})
}

// lets says whether a rule admits a destination, by its name or address.
func lets(r *learn.Rule, d *learn.Destination) bool {
	if !slices.Contains(r.Ports, d.Service) {
		return false
	}
	set, err := r.To.Set(published, r.Addrs)
	return err == nil && set.Contains(d.Addr) && (d.Name == "" || r.To.Name == d.Name)
}

// TestLittleMoreRewritesLess compares with folding alone: what is approved may
// only make a later review shorter.
func TestLittleMoreRewritesLess(t *testing.T) {
	var settled, alone int
	lives(t, func(r *rand.Rand, ds []learn.Destination) {
		early := until(ds, epoch.Add(200*time.Hour))
		first, _ := learn.Propose("bot", nil, early, anywhere, within)
		more := slices.Clone(early) // the same again, later
		for range 3 {
			if len(more) > 0 {
				i := r.IntN(len(more))
				d := visited(more[i].Service, "", more[i].Name, 240+r.IntN(48))
				d.Target = more[i].Target
				d.Merge(&more[i])
				more[i] = d
			}
		}
		bare, _ := learn.Propose("bot", nil, more, anywhere, within)
		on, _ := learn.Propose("bot", approve(first), more, anywhere, within)
		alone += len(changes(first, bare))
		settled += len(changes(first, on))
	})
	if settled > alone {
		t.Errorf("%d rows change on top of what is approved, %d if all is folded anew", settled, alone)
	}
	t.Logf("%d rows change on top of what is approved, %d if all is folded anew", settled, alone)
}

// idleRules are those that were not hit for a number of observed days.
func idleRules(left learn.Left) (out []string) {
	for _, x := range left.Idle {
		out = append(out, fmt.Sprint(x.Rule.To, " ", x.Days))
	}
	return out
}

func TestRulesGoOnlyWhileTheirAgentIsObserved(t *testing.T) {
	old, busy := visited(https, "203.0.113.7", "", 0), []int{}
	for day := range 40 {
		busy = append(busy, 24*day)
	}
	first, _ := learn.Propose("bot", nil, []learn.Destination{old, visited(https, "198.51.100.1", "", 0)}, anywhere, within)
	for name, tt := range map[string]struct {
		hours []int
		hits  map[string]time.Time
		want  string
	}{
		"forty days":       {busy, nil, "[203.0.113.7 39]"},
		"silence":          {[]int{0, 24 * 39}, nil, "[]"},
		"a later hit":      {busy, map[string]time.Time{"203.0.113.7": epoch.AddDate(0, 0, 20)}, "[]"},
		"a hit of before":  {busy, map[string]time.Time{"203.0.113.7": epoch.AddDate(0, 0, 5)}, "[203.0.113.7 34]"},
		"a hit of nothing": {busy, map[string]time.Time{"203.0.113.9": epoch.AddDate(0, 0, 20)}, "[203.0.113.7 39]"},
	} {
		o := within
		o.Life.Hits = tt.hits
		ds := []learn.Destination{old, visited(https, "198.51.100.1", "", tt.hours...)}
		p, left := learn.Propose("bot", approve(first), ds, anywhere, o)
		if got := fmt.Sprint(idleRules(left)); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
		if got := changes(first, p); len(got) > 0 {
			t.Errorf("%s: changed unasked: %v", name, got)
		}
	}
}

// TestRuleThatWasNeverHit counts from when it was approved; where that is not
// known it stays.
func TestRuleThatWasNeverHit(t *testing.T) {
	b := &learn.Baseline{Agent: "bot", Rules: []learn.Rule{ruleTo("203.0.113.0/24", learn.Allowed, https)}}
	var busy []int
	for day := range 40 {
		busy = append(busy, 24*day)
	}
	o := within
	ds := []learn.Destination{visited(https, "198.51.100.1", "", busy...)}
	if _, left := learn.Propose("bot", b, ds, anywhere, o); len(left.Idle) > 0 {
		t.Errorf("got %v", idleRules(left))
	}
	o.Life = learn.Life{Expire: 30, Since: map[string]time.Time{"203.0.113.0/24": epoch.AddDate(0, 0, 3)}}
	p, left := learn.Propose("bot", b, ds, anywhere, o)
	if got := fmt.Sprint(idleRules(left), changes(b, p)); got != "[203.0.113.0/24 36] [+198.51.100.1 [tcp/443] -203.0.113.0/24 [tcp/443]]" {
		t.Errorf("got %s", got)
	}
}

func TestExpiredStayAwayUntilTheyAreSeenAgain(t *testing.T) {
	var busy []int
	for day := range 40 {
		busy = append(busy, 24*day)
	}
	ds := []learn.Destination{visited(https, "203.0.113.7", "", 0), visited(https, "198.51.100.1", "", busy...)}
	first, _ := learn.Propose("bot", nil, ds, anywhere, within)
	o := within
	o.Life.Expire = 30
	less, left := learn.Propose("bot", approve(first), ds, anywhere, o)
	if len(less.Rules) != 1 || len(less.Expired) != 1 || len(left.Expired) != 0 {
		t.Fatalf("got %v, %v", less.Rules, less.Expired)
	}
	text, err := learn.Encode([]*learn.Baseline{less})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := learn.Decode("kept", text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	p, left := learn.Propose("bot", approve(kept[0]), ds, anywhere, within)
	if got := changes(kept[0], p); len(got) > 0 || len(left.Expired) != 1 || len(p.Expired) != 1 {
		t.Errorf("changed %v, held back %v", got, left.Expired)
	}
	again := visited(https, "203.0.113.7", "", 0, 41*24)
	ds[0] = again
	p, left = learn.Propose("bot", approve(kept[0]), ds, anywhere, within)
	if got := changes(kept[0], p); len(got) != 1 || len(left.Expired) != 0 || len(p.Expired) != 0 {
		t.Errorf("seen again: changed %v, held back %v", got, left.Expired)
	}
}

func TestQuarantineCountsNamesAsOne(t *testing.T) {
	ds := []learn.Destination{
		visited(https, "203.0.113.1", "", 1),                                     // once
		visited(https, "203.0.113.2", "", 1, 30),                                 // twice
		visited(https, "198.51.100.1", "cdn.example.com", 1),                     // a name whose addresses rotate
		visited(https, "198.51.100.2", "cdn.example.com", 50),                    //
		visited(https, "198.51.100.3", "once.example.org", 7),                    //
		visited(learn.Service{Proto: learn.TCP, Port: 22}, "203.0.113.2", "", 1), // the same host, once on this port
	}
	o := within
	o.Life.Quarantine = learn.Quarantine{Hours: 2, Runs: 2}
	p, left := learn.Propose("bot", nil, ds, anywhere, o)
	if got := fmt.Sprint(words(p.Rules)); got != "[cdn.example.com [tcp/443] 203.0.113.2 [tcp/443]]" || len(left.Quarantined) != 3 {
		t.Errorf("got %s, in quarantine %v", got, left.Quarantined)
	}
	all, _ := learn.Propose("bot", nil, ds, anywhere, within)
	p, left = learn.Propose("bot", approve(all), ds, anywhere, o)
	if got := changes(all, p); len(got) > 0 || len(left.Quarantined) > 0 {
		t.Errorf("what is approved went into quarantine: %v", got)
	}
}

// TestPriceHasToDoubleBeforeRulesChange approves rules at one price and proposes
// at others: near it they stay, far from it they are what folding alone yields.
func TestPriceHasToDoubleBeforeRulesChange(t *testing.T) {
	var ds []learn.Destination
	for i := range 30 {
		ds = append(ds, visited(https, fmt.Sprintf("203.0.113.%d", 1+i*8), "", i*8))
	}
	at := func(lambda float64) learn.FoldOptions { return learn.FoldOptions{Lambda: lambda} }
	edge := 1e-6 // from here on, folding yields other rules than before
	narrow, _ := learn.Propose("bot", nil, ds, anywhere, at(edge*1.01))
	wide, _ := learn.Propose("bot", nil, ds, anywhere, at(edge))
	for ; fmt.Sprint(words(narrow.Rules)) == fmt.Sprint(words(wide.Rules)); edge *= 1.01 {
		if edge > 1 {
			t.Fatal("folding yields the same at any price")
		}
		narrow, _ = learn.Propose("bot", nil, ds, anywhere, at(edge*1.01))
		wide, _ = learn.Propose("bot", nil, ds, anywhere, at(edge))
	}
	for _, tt := range []struct {
		approved *learn.Baseline
		factor   float64
		stays    bool
	}{{wide, 1.5, true}, {narrow, 1 / 1.5, true}, {wide, 1e5, false}, {narrow, 1e-5, false}} {
		alone, _ := learn.Propose("bot", nil, ds, anywhere, at(edge*tt.factor))
		if fmt.Sprint(words(alone.Rules)) == fmt.Sprint(words(tt.approved.Rules)) {
			t.Fatalf("at %g times the price nothing is to be decided", tt.factor)
		}
		is, _ := learn.Propose("bot", approve(tt.approved), ds, anywhere, at(edge*tt.factor))
		if stays := len(changes(tt.approved, is)) == 0; stays != tt.stays {
			t.Errorf("at %g times the price: stays is %t, want %t:\n%v", tt.factor, stays, tt.stays, words(is.Rules))
		}
	}
}
