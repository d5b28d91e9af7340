package learn_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/ipranges"
	"tripline/learn"
)

var (
	web   = learn.Service{Proto: learn.TCP, Port: 443}
	quic  = learn.Service{Proto: learn.UDP, Port: 443}
	vault = learn.Service{Proto: learn.TCP, Port: 8200}
)

// monday is when the observations of these tests begin. They last a week.
var monday = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// seen returns a destination first seen some hours after monday, and then about
// twice a day.
func seen(s learn.Service, addr, name string, hours int) learn.Destination {
	d := learn.Destination{Target: learn.Target{Service: s, Name: name}}
	if addr != "" {
		d.Addr = netip.MustParseAddr(addr)
	}
	end := monday.Add(7*24*time.Hour - time.Minute)
	for t := monday.Add(time.Duration(hours) * time.Hour); t.Before(end); t = t.Add(11 * time.Hour) {
		d.Add(&learn.Flow{Time: t}, "week")
	}
	d.Add(&learn.Flow{Time: end}, "week")
	return d
}

// compare lets cmp look at addresses, which it cannot take apart.
var compare = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

// words returns what rules are for.
func words(rules []learn.Rule) []string {
	out := make([]string, len(rules))
	for i, r := range rules {
		out[i] = fmt.Sprint(r.To, " ", r.Ports)
	}
	return out
}

func want(t *testing.T, rules []learn.Rule, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(lines, words(rules)); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}

// storage publishes object storage in two regions, and machines around it.
func storage() ipranges.Space {
	label := func(service, region string) ipranges.Label {
		return ipranges.Label{Provider: "aws", Service: service, Region: region}
	}
	var ranges []ipranges.Range
	for _, p := range []string{"52.216.0.0/15", "54.231.0.0/16", "3.5.0.0/19", "2600:1fa0:8000::/39"} {
		ranges = append(ranges, ipranges.Range{Prefix: netip.MustParsePrefix(p), Label: label("S3", "us-east-1")})
		ranges = append(ranges, ipranges.Range{Prefix: netip.MustParsePrefix(p), Label: label("AMAZON", "us-east-1")})
	}
	for _, p := range []string{"3.5.128.0/22", "52.218.0.0/17"} {
		ranges = append(ranges, ipranges.Range{Prefix: netip.MustParsePrefix(p), Label: label("S3", "eu-west-1")})
	}
	return ipranges.Space{Table: ipranges.NewTable(ranges)}
}

// rotating returns n addresses spread over the storage of us-east-1, one new
// one after the other over the whole week.
func rotating(r *rand.Rand, n int) []learn.Destination {
	var out []learn.Destination
	for i := range n {
		addr := fmt.Sprintf("52.%d.%d.%d", 216+r.IntN(2), r.IntN(256), r.IntN(256))
		switch r.IntN(8) {
		case 0:
			addr = fmt.Sprintf("3.5.%d.%d", r.IntN(32), r.IntN(256))
		case 1, 2:
			addr = fmt.Sprintf("54.231.%d.%d", r.IntN(256), r.IntN(256))
		}
		out = append(out, seen(web, addr, "", 1+i*160/n))
	}
	return out
}

func TestFoldOfNothing(t *testing.T) {
	if got := learn.Fold(nil, learn.FoldOptions{}); len(got) != 0 {
		t.Errorf("got %v, want no rules", got)
	}
}

func TestFoldWithoutRanges(t *testing.T) {
	got := learn.Fold([]learn.Destination{
		seen(web, "192.0.2.7", "", 1), seen(web, "2001:db8::7", "", 1), seen(vault, "192.0.2.7", "", 1),
	}, learn.FoldOptions{})
	want(t, got, "192.0.2.7 [tcp/443 tcp/8200]", "2001:db8::7 [tcp/443]")
}

// What a first user has after a week: storage whose addresses rotate, a model
// API on a few addresses that stay, a vault at home, two mirrors.
func TestFoldOfAFirstWeek(t *testing.T) {
	for n := range 9 {
		r := rand.New(rand.NewPCG(uint64(n), 1))
		ds := rotating(r, 12+n)
		for range 6 {
			ds = append(ds, seen(web, fmt.Sprintf("104.18.%d.%d", r.IntN(256), r.IntN(256)), "", r.IntN(30)))
		}
		ds = append(ds, seen(vault, "192.168.1.20", "", 0),
			seen(web, "198.51.100.132", "", 2), seen(web, "203.0.113.132", "", 5))
		for _, rule := range learn.Fold(ds, learn.FoldOptions{Space: storage()}) {
			checkFirstWeek(t, n, rule)
		}
	}
}

func checkFirstWeek(t *testing.T, n int, r learn.Rule) {
	t.Helper()
	storage := ipranges.Label{Provider: "aws", Service: "S3", Region: "us-east-1"}
	cdn := netip.MustParsePrefix("104.18.0.0/15")
	switch p := r.To.Prefix; {
	case r.To.Label == storage:
		if r.Seen.Destinations != 12+n {
			t.Errorf("week %d: %v was seen with %d addresses, want all %d", n, r.To, r.Seen.Destinations, 12+n)
		}
	case !p.IsValid():
		t.Errorf("week %d: got %v", n, r.To)
	case cdn.Contains(p.Addr()):
		if p.Bits() < cdn.Bits() {
			t.Errorf("week %d: %v for six addresses that stay, want nothing wider than %v", n, p, cdn)
		}
	case !p.IsSingleIP():
		t.Errorf("week %d: %v for one address that stays, want the host", n, p)
	}
}

// A log of nine lines, one flow each: no address stands for its neighbours.
func TestOneSightingOpensOneAddress(t *testing.T) {
	r := rand.New(rand.NewPCG(seedOf(t).Uint64(), 1))
	for range 50 {
		ds := []learn.Destination{once("192.0.2.7", 0)}
		for i := range 8 {
			ds = append(ds, once(fmt.Sprintf("203.0.%d.%d", r.IntN(128), r.IntN(256)), time.Duration(i)*time.Minute))
		}
		for _, rule := range learn.Fold(ds, learn.FoldOptions{}) {
			if rule.Seen.Destinations == 1 && rule.Admits.V4 > 1 {
				t.Errorf("%s opens %s for one address", rule.To, rule.Admits)
			}
		}
	}
}

func once(addr string, after time.Duration) learn.Destination {
	d := learn.Destination{Target: learn.Target{Service: web, Addr: netip.MustParseAddr(addr)}}
	d.Add(&learn.Flow{Time: monday.Add(after)}, "first")
	return d
}

func TestNamesAreExact(t *testing.T) {
	got := learn.Fold([]learn.Destination{
		seen(web, "52.216.0.7", "files.example.com", 1),
		seen(web, "54.231.0.7", "files.example.com", 90),
		seen(quic, "52.216.0.7", "files.example.com", 1),
		seen(web, "192.0.2.7", "api.example.com", 1),
		seen(web, "", "proxied.example.org", 1),
		seen(web, "192.0.2.7", "", 1),   // behind a name
		seen(vault, "192.0.2.7", "", 1), // not on this port
	}, learn.FoldOptions{Space: storage()})
	want(t, got, "api.example.com [tcp/443]", "files.example.com [tcp/443 udp/443]",
		"proxied.example.org [tcp/443]", "192.0.2.7 [tcp/8200]")
	files := got[1]
	label := ipranges.Label{Provider: "aws", Service: "S3", Region: "us-east-1"}
	if !slices.Equal(files.To.Within, []ipranges.Label{label}) {
		t.Errorf("within %v, want %v", files.To.Within, label)
	}
	if len(files.Addrs) != 2 || files.Seen.Destinations != 2 {
		t.Errorf("addresses %v, destinations %d, want 2 of each", files.Addrs, files.Seen.Destinations)
	}
}

func TestWiderLabelWhereItsPartsAreAllUsed(t *testing.T) {
	regions := []string{"a", "b", "c", "d"}
	var ranges []ipranges.Range
	var ds []learn.Destination
	for i, region := range regions {
		p := netip.MustParsePrefix(fmt.Sprintf("203.0.113.%d/26", 64*i))
		ranges = append(ranges, ipranges.Range{Prefix: p, Label: ipranges.Label{Provider: "p", Service: "s", Region: region}})
		for k := range 8 {
			ds = append(ds, seen(web, fmt.Sprintf("203.0.113.%d", 64*i+7*k+k*k%5), "", 20*k))
		}
	}
	got := learn.Fold(ds, learn.FoldOptions{Space: ipranges.Space{Table: ipranges.NewTable(ranges)}})
	if len(got) != 1 || got[0].Admits.V4 != 256 || got[0].To.Label.Region != "" {
		t.Errorf("got %v, want the service or the provider as one rule", words(got))
	}
}

// Two systems announce one half each of what is in use.
type halves struct{}

func (halves) AS(a netip.Addr) (ipranges.AS, bool) {
	return ipranges.AS{Number: 64496 + uint32(a.As4()[3]>>7)}, true
}

func (halves) Announced(uint32) ipranges.Set {
	return ipranges.NewSet(netip.MustParsePrefix("203.0.113.0/24"))
}

func TestWholeSystemIsNeverProposed(t *testing.T) {
	var ds []learn.Destination
	for i := range 40 {
		ds = append(ds, seen(web, fmt.Sprintf("203.0.113.%d", 6*i), "", 4*i))
	}
	for _, r := range learn.Fold(ds, learn.FoldOptions{Space: ipranges.Space{ASNs: halves{}}}) {
		if !r.To.Prefix.IsValid() || r.To.Prefix.IsSingleIP() {
			t.Errorf("got %v, want a prefix of a service whose addresses rotate", r.To)
		}
	}
}

func TestSetThatReachesIntoPrivateSpaceIsNoCandidate(t *testing.T) {
	office := ipranges.Label{Provider: "office"}
	table := ipranges.NewTable([]ipranges.Range{
		{Prefix: netip.MustParsePrefix("203.0.113.0/24"), Label: office},
		{Prefix: netip.MustParsePrefix("192.168.0.0/24"), Label: office},
	})
	var ds []learn.Destination
	for i := range 40 {
		ds = append(ds, seen(web, fmt.Sprintf("203.0.113.%d", 6*i), "", 4*i))
	}
	for _, r := range learn.Fold(ds, learn.FoldOptions{Space: ipranges.Space{Table: table}}) {
		if !r.To.Prefix.IsValid() {
			t.Errorf("got %v, which opens 192.168.0.0/24", r.To)
		}
	}
}

func TestSeenIsCountedOnIncidence(t *testing.T) {
	a, b := seen(web, "192.0.2.7", "", 1), seen(quic, "192.0.2.7", "", 30)
	b.Runs = []string{"other", "week"}
	got := learn.Fold([]learn.Destination{a, b}, learn.FoldOptions{})
	hours := map[learn.Block]bool{}
	for _, h := range slices.Concat(a.Blocks, b.Blocks) {
		hours[h] = true
	}
	expected := learn.Rule{
		To:     learn.To{Prefix: netip.MustParsePrefix("192.0.2.7/32")},
		Ports:  []learn.Service{web, quic},
		Seen:   learn.Seen{Destinations: 1, Blocks: len(hours), Runs: 2, First: monday, Last: monday.AddDate(0, 0, 6)},
		Admits: ipranges.Exposure{V4: 1},
		From:   learn.Learned,
	}
	if diff := cmp.Diff([]learn.Rule{expected}, got, compare); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}

func seedOf(t *testing.T) *rand.Rand {
	t.Helper()
	s := rand.Uint64()
	if n, err := strconv.ParseUint(os.Getenv("TRIPLINE_SEED"), 10, 64); err == nil {
		s = n
	}
	t.Logf("TRIPLINE_SEED=%d", s)
	return rand.New(rand.NewPCG(s, 0))
}

// anything returns destinations of all kinds: in published sets and out of
// them, private, special, of both families, named and not.
func anything(r *rand.Rand) []learn.Destination {
	ds := rotating(r, r.IntN(20))
	services := []learn.Service{web, quic, vault, {Proto: learn.ICMP}}
	names := []string{"", "", "", "", "a.example.com", "b.example.com", "example.org"}
	forms := []string{
		"192.0.2.%d", "203.0.%d.7", "198.51.100.%d", "192.168.1.%d", "10.0.%d.1", "100.64.0.%d", "224.0.0.%d",
		"2001:db8::%x", "2001:db8:%x::1", "2001:db8:0:%x::2", "fd00::%x", "64:ff9b::c000:2%02x", "fe80::%x",
		"2600:1fa0:80%02x::1", "52.218.%d.3",
	}
	for range r.IntN(60) {
		addr := fmt.Sprintf(forms[r.IntN(len(forms))], r.IntN(100))
		ds = append(ds, seen(services[r.IntN(len(services))], addr, names[r.IntN(len(names))], r.IntN(160)))
	}
	return distinctTargets(ds)
}

func distinctTargets(ds []learn.Destination) []learn.Destination {
	known := map[learn.Target]bool{}
	return slices.DeleteFunc(ds, func(d learn.Destination) bool {
		again := known[d.Target]
		known[d.Target] = true
		return again
	})
}

// random returns options of all kinds.
func random(r *rand.Rand) learn.FoldOptions {
	o := learn.FoldOptions{Lambda: []float64{0, 1e-9, 1e-7, 1e-5, 1e-3}[r.IntN(5)], Beta: []float64{0, 1e-6, 1}[r.IntN(3)]}
	if r.IntN(3) > 0 {
		o.Space = storage()
	}
	return o
}

// each folds many random observations.
func each(t *testing.T, check func(t *testing.T, r *rand.Rand, ds []learn.Destination, o learn.FoldOptions)) {
	t.Helper()
	r := seedOf(t)
	for range 80 {
		check(t, r, anything(r), random(r))
		if t.Failed() {
			return
		}
	}
}

func TestFoldAdmitsWhatWasLearned(t *testing.T) {
	each(t, func(t *testing.T, _ *rand.Rand, ds []learn.Destination, o learn.FoldOptions) {
		rules := learn.Fold(ds, o)
		for _, d := range ds {
			if !slices.ContainsFunc(rules, func(r learn.Rule) bool { return admits(t, r, d, o) }) {
				t.Errorf("%v %v %q is admitted by none of %v", d.Service, d.Addr, d.Name, words(rules))
			}
		}
	})
}

func admits(t *testing.T, r learn.Rule, d learn.Destination, o learn.FoldOptions) bool {
	t.Helper()
	set, err := r.To.Set(o.Space, r.Addrs)
	if err != nil {
		t.Error(err)
	}
	named := d.Name == "" || r.To.Name == d.Name
	return named && slices.Contains(r.Ports, d.Service) && set.Contains(d.Addr)
}

func TestFoldIgnoresOrder(t *testing.T) {
	each(t, func(t *testing.T, r *rand.Rand, ds []learn.Destination, o learn.FoldOptions) {
		was := learn.Fold(ds, o)
		r.Shuffle(len(ds), func(i, j int) { ds[i], ds[j] = ds[j], ds[i] })
		if diff := cmp.Diff(was, learn.Fold(ds, o), compare); diff != "" {
			t.Errorf("in another order (-was +is):\n%s", diff)
		}
	})
}

func TestFoldingTwiceChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, _ *rand.Rand, ds []learn.Destination, o learn.FoldOptions) {
		was := learn.Fold(ds, o)
		twice := slices.Clone(ds)
		for i := range twice {
			twice[i].Merge(&ds[i])
		}
		if diff := cmp.Diff(was, learn.Fold(twice, o), compare); diff != "" {
			t.Errorf("merged with itself (-was +is):\n%s", diff)
		}
		if diff := cmp.Diff(was, learn.Fold(slices.Concat(ds, twice), o), compare); diff != "" {
			t.Errorf("given twice (-was +is):\n%s", diff)
		}
	})
}

func TestEqualEvidenceGivesEqualRules(t *testing.T) {
	each(t, func(t *testing.T, _ *rand.Rand, ds []learn.Destination, o learn.FoldOptions) {
		ds = slices.DeleteFunc(ds, func(d learn.Destination) bool { return d.Service != web })
		both := slices.Clone(ds)
		for _, d := range ds {
			d.Service = quic
			both = append(both, d)
		}
		for _, r := range learn.Fold(both, o) {
			if !slices.Equal(r.Ports, []learn.Service{web, quic}) {
				t.Errorf("%v has the ports %v, want both: the evidence is the same", r.To, r.Ports)
			}
		}
	})
}

func TestFoldDoesNotChangeItsInput(t *testing.T) {
	each(t, func(t *testing.T, _ *rand.Rand, ds []learn.Destination, o learn.FoldOptions) {
		was := slices.Clone(ds)
		learn.Fold(ds, o)
		if diff := cmp.Diff(was, ds, compare); diff != "" {
			t.Errorf("destinations (-was +is):\n%s", diff)
		}
	})
}

func TestPrivateSpaceIsAdmittedHostByHost(t *testing.T) {
	narrow := learn.NewNever(nil, nil).Hosts()
	each(t, func(t *testing.T, _ *rand.Rand, ds []learn.Destination, o learn.FoldOptions) {
		o.Hosts = ipranges.NewSet(netip.MustParsePrefix("203.0.0.0/18"))
		for _, r := range learn.Fold(ds, o) {
			set, _ := r.To.Set(o.Space, r.Addrs)
			if !r.To.Single() && !set.Intersect(narrow.Union(o.Hosts)).IsEmpty() {
				t.Errorf("%v reaches into space of which only hosts are admitted", r.To)
			}
		}
	})
}

func TestRulesDoNotNest(t *testing.T) {
	each(t, func(t *testing.T, _ *rand.Rand, ds []learn.Destination, o learn.FoldOptions) {
		rules := learn.Fold(ds, o)
		for i, a := range rules {
			for j, b := range rules {
				p, q := a.To.Prefix, b.To.Prefix
				shared := slices.ContainsFunc(a.Ports, func(s learn.Service) bool { return slices.Contains(b.Ports, s) })
				if i != j && shared && p.IsValid() && q.IsValid() && p.Overlaps(q) {
					t.Errorf("%v and %v overlap on the same port", p, q)
				}
			}
		}
	})
}

func TestNoPrefixIsWiderThanThePromise(t *testing.T) {
	each(t, func(t *testing.T, _ *rand.Rand, ds []learn.Destination, o learn.FoldOptions) {
		o.Lambda = 1e-18
		for _, r := range learn.Fold(ds, o) {
			if p := r.To.Prefix; p.IsValid() && (p.Addr().Is4() && p.Bits() < 8 || p.Addr().Is6() && p.Bits() < 32) {
				t.Errorf("%v is wider than /8 or /32", p)
			}
		}
	})
}

func TestNetworkOfIPv6WhereSeveralHostsWereSeen(t *testing.T) {
	got := learn.Fold([]learn.Destination{
		seen(web, "2001:db8:1:2::7", "", 1), seen(web, "2001:db8:1:2::8", "", 2), seen(web, "2001:db8:ffff::9", "", 2),
	}, learn.FoldOptions{Lambda: 1})
	want(t, got, "2001:db8:1:2::/64 [tcp/443]", "2001:db8:ffff::9 [tcp/443]")
}
