package enforce_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
)

var (
	metersBegin = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	usualHost   = netip.MustParseAddr("203.0.113.7")
	newHost     = netip.MustParseAddr("198.51.100.99")
)

func metersPolicy(t testing.TB) *enforce.Policy {
	never := learn.NewNever(nil, nil)
	b := &learn.Baseline{Agent: "bot", Rules: []learn.Rule{{To: learn.To{Prefix: netip.PrefixFrom(usualHost, 32)}, Ports: []learn.Service{{Proto: learn.TCP, Port: 443}}}}}
	p, err := enforce.Compile([]*learn.Baseline{b}, ipranges.Space{}, never)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func sent(at time.Time, to netip.Addr, up, down uint64) *learn.Flow {
	return &learn.Flow{Time: at, Agent: "bot", Proto: learn.TCP, DstPort: 443, Src: netip.MustParseAddr("192.0.2.50"), Dst: to, Up: up, Down: down}
}

// trained returns budgets of days of work: ten connections in each of eight hours,
// about 100 kB up and 2 MB down in an hour.
func trained(p *enforce.Policy, how learn.Budgeting, days int) []learn.Budget {
	var s learn.Usages
	r := rand.New(rand.NewPCG(1, 1))
	for day := range days {
		for hour := range 8 {
			for range 10 + r.IntN(3) {
				f := sent(metersBegin.Add(time.Duration(24*day+9+hour)*time.Hour+time.Duration(r.IntN(3600))*time.Second), usualHost,
					uint64(10_000*math.Exp(0.3*r.NormFloat64())), 200_000)
				s.Add(f, p.Place(f))
			}
		}
	}
	return how.Budgets(s.List())
}

func kinds(found []*enforce.Alert) (out []string) {
	for _, al := range found {
		out = append(out, string(al.Kind)+" "+al.Subject)
	}
	return out
}

func TestMeterFindings(t *testing.T) {
	p, how := metersPolicy(t), learn.DefaultBudgeting()
	how.Caps = []learn.Cap{{Agent: "bot", PerDay: 50_000_000}, {To: learn.To{Prefix: netip.MustParsePrefix("198.51.100.0/24")}}}
	budgets := trained(p, how, 20)
	when := metersBegin.AddDate(0, 0, 30).Add(10 * time.Hour)
	flow := func(n int, at time.Time, to netip.Addr, up, down uint64) (out []*learn.Flow) {
		for range n {
			out = append(out, sent(at, to, up, down))
		}
		return out
	}
	for _, c := range []struct {
		name  string
		flows []*learn.Flow
		want  []string
	}{
		{"as usual", flow(10, when, usualHost, 10_000, 200_000), nil},
		{"twice as much", flow(10, when, usualHost, 20_000, 400_000), nil},
		{"a lot", flow(3, when, usualHost, 500_000, 9_000_000), []string{"volume_budget 203.0.113.7"}},
		{"the other way round", flow(1, when, usualHost, 200_000, 5_000), []string{"direction_change 203.0.113.7"}},
		{"a storm of connections", flow(200, when, usualHost, 100, 100), []string{"connection_count 203.0.113.7"}},
		{"elsewhere, a lot", flow(1, when, netip.MustParseAddr("192.0.2.77"), 900_000, 1000), []string{"volume_budget all destinations", "direction_change all destinations"}},
		{"to what never gets anything", flow(1, when, newHost, 65_000, 0), []string{"volume_cap 198.51.100.0/24"}},
		{"a handshake there", flow(1, when, newHost, 3_000, 6_000), nil},
		{
			"over the cap of a day, hour by hour", slices.Concat(
				flow(1, when, usualHost, 24_000_000, 1e9),
				flow(1, when.Add(time.Hour), usualHost, 24_000_000, 1e9), flow(1, when.Add(2*time.Hour), usualHost, 24_000_000, 1e9)),
			[]string{"volume_budget 203.0.113.7", "volume_budget 203.0.113.7", "volume_budget 203.0.113.7", "volume_cap all destinations"},
		},
		{"refused", flow(1, when, newHost, 0, 0), nil},
	} {
		m := enforce.NewMeter(p, how, budgets, 0, when)
		var got []*enforce.Alert
		for _, f := range c.flows {
			got = append(got, m.Observe(f, p.Check(f))...)
		}
		if d := cmp.Diff(c.want, kinds(got)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		for _, al := range got {
			if al.Agent != "bot" || al.Why == "" || !al.Time.Equal(al.Last) {
				t.Errorf("%s: %+v", c.name, al)
			}
		}
	}
	how.Off = learn.BudgetKinds
	m := enforce.NewMeter(p, how, budgets, 0, when)
	if got := m.Observe(sent(when, newHost, 1e9, 0), enforce.Unexpected); got != nil {
		t.Errorf("with all kinds off: %v", kinds(got))
	}
}

// TestMeterRestored: stopped after each flow and restored from what was kept, a
// meter finds what one finds that was never stopped.
func TestMeterRestored(t *testing.T) {
	p, how := metersPolicy(t), learn.DefaultBudgeting()
	how.Caps = []learn.Cap{{PerDay: 3_000_000}}
	budgets := trained(p, how, 20)
	flows := hostileWeeks()
	whole := enforce.NewMeter(p, how, budgets, 0, flows[len(flows)-1].Time)
	stopped := enforce.NewMeter(p, how, budgets, 0, flows[len(flows)-1].Time)
	stored := map[string][]byte{}
	var a, b []*enforce.Alert
	for _, f := range flows {
		a = append(a, whole.Observe(f, p.Check(f))...)
		b = append(b, stopped.Observe(f, p.Check(f))...)
		changed, err := stopped.Changed()
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(stored, changed["bot"])
		stopped = enforce.NewMeter(p, how, budgets, 0, flows[len(flows)-1].Time)
		for to, text := range stored {
			if err := stopped.Restore("bot", to, text); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Without state in between the hour of another place is not known: only that
	// may be told beside it.
	without := func(list []*enforce.Alert) (out []string) {
		for _, k := range kinds(list) {
			if !strings.HasSuffix(k, learn.Everywhere) && !strings.HasPrefix(k, "beacon") {
				out = append(out, k)
			}
		}
		return out
	}
	if d := cmp.Diff(without(a), without(b)); d != "" || len(a) < 5 {
		t.Errorf("%d found; %s", len(a), d)
	}
}

// hostileWeeks are three weeks with a leak of 300 kB an hour, some days of a lot,
// and flows that come late.
func hostileWeeks() (flows []*learn.Flow) {
	r := rand.New(rand.NewPCG(2, 3))
	for hour := range 21 * 24 {
		at := metersBegin.AddDate(0, 0, 30).Add(time.Duration(hour) * time.Hour)
		up := uint64(30_000)
		if hour%50 == 0 {
			up = 3_000_000
		}
		flows = append(flows, sent(at, usualHost, up, 1_000_000), sent(at.Add(-time.Duration(r.IntN(20))*time.Hour), usualHost, up, 1_000_000))
	}
	return flows
}

// TestSlowLeakIsFoundByDay: a leak that no budget of an hour sees is found after
// the days that were foretold.
func TestSlowLeakIsFoundByDay(t *testing.T) {
	p, how := metersPolicy(t), learn.DefaultBudgeting()
	budgets := trained(p, how, 30)
	i := slices.IndexFunc(budgets, func(b learn.Budget) bool { return b.To == "203.0.113.7" })
	drift := budgets[i].Drift
	const leak = 200_000 // a day, beside 850 kB
	m := enforce.NewMeter(p, how, budgets, 0, metersBegin.AddDate(1, 0, 0))
	r := rand.New(rand.NewPCG(9, 9))
	for day := range 60 {
		for hour := range 8 {
			at := metersBegin.AddDate(0, 0, 40+day).Add(time.Duration(9+hour) * time.Hour)
			for _, al := range m.Observe(sent(at, usualHost, uint64(105_000*math.Exp(0.1*r.NormFloat64()))+leak/8, 2_000_000), enforce.Allowed) {
				if al.Kind != enforce.SlowLeak {
					t.Fatalf("day %d: %s: %s", day, al.Kind, al.Why)
				}
				t.Logf("a leak of %s a day is found after %d days, %d foretold: %s", learn.Size(leak), day-1, drift.DaysFor(leak), al.Why)
				if day-1 > 2*drift.DaysFor(leak) {
					t.Errorf("found after %d days, %d foretold", day-1, drift.DaysFor(leak))
				}
				return
			}
		}
	}
	t.Error("the leak is never found")
}

func TestBeaconsOutsideTheBaseline(t *testing.T) {
	p, how := metersPolicy(t), learn.DefaultBudgeting()
	budgets := trained(p, how, 20)
	for _, c := range []struct {
		name     string
		to       netip.Addr
		from     int // day
		severity enforce.Severity
	}{
		{"outside", newHost, 30, enforce.Critical},
		{"a rule that is two days old", usualHost, 2, enforce.Medium},
		{"a rule that is known", usualHost, 30, ""},
	} {
		m := enforce.NewMeter(p, how, budgets, 0, metersBegin.AddDate(1, 0, 0))
		worst := enforce.Severity("")
		for i := range 24 * 12 {
			f := sent(metersBegin.AddDate(0, 0, c.from).Add(time.Duration(i)*5*time.Minute), c.to, 320, 200)
			for _, al := range m.Observe(f, p.Check(f)) {
				if al.Kind == enforce.BeaconFound {
					worst = al.Severity
				}
			}
		}
		if worst != c.severity {
			t.Errorf("%s: got %q, want %q", c.name, worst, c.severity)
		}
	}
}

// TestMeterIsBounded: a scan of a million destinations, and clocks that are wrong.
func TestMeterIsBounded(t *testing.T) {
	p, how := metersPolicy(t), learn.DefaultBudgeting()
	m := enforce.NewMeter(p, how, nil, 0, metersBegin)
	for i := range 100_000 {
		f := sent(metersBegin.Add(time.Duration(i)*time.Millisecond), netip.AddrFrom4([4]byte{203, byte(i >> 16), byte(i >> 8), byte(i)}), 100, 100)
		m.Observe(f, enforce.Unexpected)
	}
	changed, err := m.Changed()
	if err != nil || len(changed["bot"]) > learn.MaxPlaces+2 {
		t.Errorf("%d places, %v", len(changed["bot"]), err)
	}
	m.Observe(sent(metersBegin.AddDate(1, 0, 0), usualHost, 1e9, 0), enforce.Allowed)
	m.Observe(sent(metersBegin.AddDate(-1, 0, 0), usualHost, math.MaxUint64, math.MaxUint64), enforce.Allowed)
	if m.Early != 1 || m.Late != 1 {
		t.Errorf("early %d, late %d, want 1 and 1", m.Early, m.Late)
	}
}

func BenchmarkMeter(b *testing.B) {
	p, how := metersPolicy(b), learn.DefaultBudgeting()
	m := enforce.NewMeter(p, how, trained(p, how, 20), 0, metersBegin.AddDate(0, 0, 40))
	f := sent(metersBegin.AddDate(0, 0, 30), usualHost, 100, 100)
	b.ReportAllocs()
	for b.Loop() {
		m.Observe(f, enforce.Allowed)
	}
}

func FuzzMeterRestore(f *testing.F) {
	f.Add("203.0.113.7", `{"first":"2026-03-02T00:00:00Z","hours":{"492000":{"up":1,"down":2,"flows":3}},"days":{"20500":{"up":1}}}`)
	f.Add(" beacon tcp/443 x", `{"proto":"tcp","port":443,"to":"x","times":[1,2],"sizes":[3,4]}`)
	f.Add("x", `{"hours":{"1":null},"days":null}`)
	p := metersPolicy(f)
	f.Fuzz(func(t *testing.T, to, text string) {
		m := enforce.NewMeter(p, learn.DefaultBudgeting(), nil, 0, metersBegin)
		if err := m.Restore("bot", to, []byte(text)); err != nil && !strings.Contains(err.Error(), "stored") {
			t.Errorf("an error without a place: %v", err)
		}
		m.Observe(sent(metersBegin, usualHost, 1, 1), enforce.Allowed)
		m.Tick(metersBegin.AddDate(0, 0, 9))
		if _, err := m.Changed(); err != nil && !strings.Contains(fmt.Sprint(err), "use of") {
			t.Error(err)
		}
	})
}
