package learn_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
)

// traffic returns flows of about ten days: some hosts all the time, some from a
// day on, some once, some that the firewall refused, all the time or at first.
func traffic(r *rand.Rand) []learn.Flow {
	var flows []learn.Flow
	start := monday.Add(time.Duration(r.IntN(30)) * time.Hour)
	hours := 49 + r.IntN(240)
	for host := range 5 + r.IntN(60) {
		f := learn.Flow{Agent: "bot", Proto: learn.TCP, DstPort: 443, Dst: netip.AddrFrom4([4]byte{203, 0, 113, byte(host)})}
		if host%3 == 0 {
			f.Dst = netip.AddrFrom4([4]byte{198, 51, byte(r.IntN(256)), byte(host)})
		}
		if host%4 == 0 {
			f.Name, f.Evidence = fmt.Sprintf("h%d.example.com", host), learn.SNI
		}
		if host%7 == 0 {
			f.Proto, f.DstPort = learn.UDP, 53
		}
		refused := host % 6 // 0: all, 1: until it passed once
		first := r.IntN(hours)
		for n := range 1 + r.IntN(8) {
			f.Time = start.Add(time.Duration(first)*time.Hour + time.Duration(r.IntN(hours-first)*3600)*time.Second)
			f.Action = learn.Pass
			if refused == 0 || refused == 1 && n%2 == 0 {
				f.Action = learn.Refused
			}
			flows = append(flows, f)
		}
	}
	for _, edge := range []time.Duration{0, time.Duration(hours) * time.Hour} { // so that there is enough
		flows = append(flows, learn.Flow{Agent: "bot", Time: start.Add(edge), Proto: learn.TCP, DstPort: 443, Dst: netip.MustParseAddr("192.0.2.1")})
	}
	return flows
}

func historyOf(flows []learn.Flow, since learn.Block) *learn.History {
	h := learn.NewHistory("bot", since)
	for i := range flows {
		h.Add(&flows[i], runOf(&flows[i]))
	}
	return h
}

// policy proposes and compiles, as the program does, and notes what it was given.
func policy(t *testing.T, given *[]learn.Destination) learn.Trainer {
	never := learn.NewNever(nil, nil)
	return func(ds []learn.Destination) (learn.Judge, error) {
		*given = ds
		p, _ := learn.Propose("bot", nil, ds, never, learn.FoldOptions{})
		compiled, err := enforce.Compile([]*learn.Baseline{p}, ipranges.Space{}, never)
		if err != nil {
			t.Fatal(err)
		}
		return func(f *learn.Flow) bool { return compiled.Check(f) == enforce.Allowed }, nil
	}
}

// runOf deals flows out to runs, some of which span the days.
func runOf(f *learn.Flow) string { return fmt.Sprint("run", f.Time.Unix()/100_000, f.Time.Unix()%2) }

func addressed(f *learn.Flow) learn.Target {
	return learn.Target{Service: f.Service(), Addr: f.Dst, Name: f.Name}
}

// folded is [learn.Destination.Add] over the flows before a time.
func folded(flows []learn.Flow, before time.Time) map[learn.Target]*learn.Destination {
	out := map[learn.Target]*learn.Destination{}
	for i := range flows {
		f := &flows[i]
		if !f.Time.Before(before) {
			continue
		}
		if out[addressed(f)] == nil {
			out[addressed(f)] = &learn.Destination{Agent: "bot", Target: addressed(f)}
		}
		out[addressed(f)].Add(f, runOf(f))
	}
	return out
}

// naive replays flow by flow, with a watch.
func naive(t *testing.T, flows []learn.Flow, border, to learn.Block, train learn.Trainer) map[learn.Target]learn.Alarm {
	var ds []learn.Destination
	for _, d := range folded(flows, border.Time()) {
		// A back-test knows hours.
		d.First, d.Last = d.First.Truncate(time.Hour), d.Last.Truncate(time.Hour)
		ds = append(ds, *d)
	}
	slices.SortFunc(ds, func(a, b learn.Destination) int { return a.Addr.Compare(b.Addr) })
	judge, err := train(ds)
	if err != nil {
		t.Fatal(err)
	}
	out := map[learn.Target]learn.Alarm{}
	hours := map[learn.Target]map[learn.Block]bool{}
	for _, f := range flows {
		if f.Time.Before(border.Time()) || !f.Time.Before(to.Time()) || judge(&f) {
			continue
		}
		key, b := addressed(&f), learn.BlockOf(f.Time)
		a, again := out[key]
		if !again {
			hours[key] = map[learn.Block]bool{}
			a = learn.Alarm{Target: key, Evidence: f.Evidence, First: b}
		}
		hours[key][b] = true
		a.First, a.Hours = min(a.First, b), len(hours[key])
		out[key] = a
	}
	return out
}

func byTarget(alarms []learn.Alarm) map[learn.Target]learn.Alarm {
	out := map[learn.Target]learn.Alarm{}
	for _, a := range alarms {
		out[a.Target] = a
	}
	return out
}

// byPlace checks what a count of hours has in common with one of flows.
func byPlace(ds []learn.Destination) map[learn.Target]learn.Destination {
	out := map[learn.Target]learn.Destination{}
	for _, d := range ds {
		if d.Admissible() {
			out[d.Target] = d
		}
	}
	return out
}

// borders are those of the one line and of the table.
func borders(t *testing.T, h *learn.History) map[learn.Block]learn.Block {
	split, err := h.Split()
	if err != nil {
		t.Fatal(err)
	}
	out := map[learn.Block]learn.Block{split: h.All().To}
	rolling, err := h.Rolling(4)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range rolling {
		out[b] = max(out[b], b+24)
	}
	return out
}

func TestBacktestIsAPlainReplay(t *testing.T) {
	alarms := 0
	for seed := range uint64(60) {
		flows := traffic(rand.New(rand.NewPCG(seed, 1)))
		h := historyOf(flows, 0)
		for border, to := range borders(t, h) {
			var given, plain []learn.Destination
			got, err := h.Backtest(border, to, policy(t, &given))
			if err != nil {
				t.Fatal(err)
			}
			want := naive(t, flows, border, to, policy(t, &plain))
			if diff := cmp.Diff(want, byTarget(got.Alarms), compare); diff != "" {
				t.Errorf("seed %d, split at %s: %s", seed, border.Time(), diff)
			}
			if diff := cmp.Diff(byPlace(plain), byPlace(given), compare, cmpopts.IgnoreFields(learn.Destination{}, "Flows", "Blocked")); diff != "" {
				t.Errorf("seed %d, split at %s: learned %s", seed, border.Time(), diff)
			}
			alarms += len(want)
		}
	}
	if alarms == 0 {
		t.Error("no replay raised any alarm: nothing was compared")
	}
}

func TestBacktestDoesNotLookAhead(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 2))
		flows := traffic(r)
		border, err := historyOf(flows, 0).Split()
		if err != nil {
			t.Fatal(err)
		}
		past := slices.DeleteFunc(slices.Clone(flows), func(f learn.Flow) bool { return !f.Time.Before(border.Time()) })
		other := slices.Clone(flows)
		for i := range other {
			if f := &other[i]; !f.Time.Before(border.Time()) {
				f.Dst, f.Action, f.Evidence = netip.AddrFrom4([4]byte{203, 0, 113, byte(r.Uint32())}), learn.Action(r.IntN(2)), learn.Proxy
			}
		}
		want := historyOf(past, 0).Before(border)
		for what, h := range map[string]*learn.History{"all": historyOf(flows, 0), "another future": historyOf(other, 0)} {
			if diff := cmp.Diff(want, h.Before(border), compare); diff != "" {
				t.Errorf("seed %d, %s: what was learned depends on what came later: %s", seed, what, diff)
			}
		}
	}
}

func TestBacktestIgnoresOrder(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 3))
		flows := traffic(r)
		var want learn.Trial
		for round := range 3 {
			h := historyOf(flows, 0)
			border, err := h.Split()
			if err != nil {
				t.Fatal(err)
			}
			got, err := h.Backtest(border, h.All().To, policy(t, new([]learn.Destination)))
			if err != nil {
				t.Fatal(err)
			}
			if round == 0 {
				want = got
			}
			if diff := cmp.Diff(want, got, compare); diff != "" {
				t.Errorf("seed %d: %s", seed, diff)
			}
			r.Shuffle(len(flows), func(i, j int) { flows[i], flows[j] = flows[j], flows[i] })
		}
	}
}

// What destinations tell and what flows tell is the same, unless the history says
// that it is in doubt.
func TestBacktestOfDestinationsIsThatOfFlows(t *testing.T) {
	sure := 0
	for seed := range uint64(60) {
		flows := traffic(rand.New(rand.NewPCG(seed, 4)))
		if seed%2 == 0 {
			flows = slices.DeleteFunc(flows, func(f learn.Flow) bool { return f.Action == learn.Refused })
		}
		since := learn.BlockOf(monday) + learn.Block(seed%5)
		var ds []learn.Destination
		for _, d := range folded(flows, monday.AddDate(1, 0, 0)) {
			ds = append(ds, *d)
		}
		exact, fast := historyOf(flows, since), learn.HistoryOf("bot", since, ds)
		for border, to := range borders(t, exact) {
			if exact.Doubtful(border) {
				t.Errorf("seed %d: flows are in doubt", seed)
			}
			if fast.Doubtful(border) {
				continue
			}
			sure++
			var a, b []learn.Destination
			x, errX := exact.Backtest(border, to, policy(t, &a))
			y, errY := fast.Backtest(border, to, policy(t, &b))
			if diff := cmp.Diff(x, y, compare) + cmp.Diff(a, b, compare, cmpopts.IgnoreFields(learn.Destination{}, "Runs")); diff != "" || errX != nil || errY != nil {
				t.Errorf("seed %d, split at %s: %v, %v, %s", seed, border.Time(), errX, errY, diff)
			}
		}
	}
	if sure < 60 {
		t.Errorf("only %d splits were not in doubt", sure)
	}
}

// The last instant of a day is learned, the first one of the next is replayed.
func TestBacktestSplitsAtTheHour(t *testing.T) {
	at := func(d time.Duration, host byte) learn.Flow {
		return learn.Flow{Agent: "bot", Time: monday.Add(d), Proto: learn.TCP, DstPort: 443, Dst: netip.AddrFrom4([4]byte{203, 0, 113, host})}
	}
	day := 24 * time.Hour
	h := historyOf([]learn.Flow{at(0, 1), at(day-1, 2), at(day, 3), at(2*day-1, 4)}, 0)
	border, err := h.Split()
	if want := learn.BlockOf(monday) + 24; err != nil || border != want {
		t.Fatalf("got %s, %v, want %s", border.Time(), err, want.Time())
	}
	var learned []learn.Destination
	trial, err := h.Backtest(border, h.All().To, func(ds []learn.Destination) (learn.Judge, error) {
		learned = ds
		return func(*learn.Flow) bool { return false }, nil
	})
	if err != nil || len(learned) != 2 || len(trial.Alarms) != 2 || trial.Alarms[0].Addr != netip.MustParseAddr("203.0.113.3") {
		t.Errorf("learned %v, alarms %v, %v", learned, trial.Alarms, err)
	}
	want := learn.Trial{
		Learned:      learn.Stretch{From: border - 24, To: border, Days: 1, Hours: 24},
		Replayed:     learn.Stretch{From: border, To: border + 24, Days: 1, Hours: 24},
		Destinations: 2,
	}
	if diff := cmp.Diff(want, trial, cmpopts.IgnoreFields(learn.Trial{}, "Alarms")); diff != "" {
		t.Error(diff)
	}
	if trial.PerDay() != 2 {
		t.Errorf("got %g alarms a day, want 2", trial.PerDay())
	}
}

func TestBacktestOfTooLittle(t *testing.T) {
	one := func(hours ...int) []learn.Flow {
		var out []learn.Flow
		for _, n := range hours {
			out = append(out, learn.Flow{Time: monday.Add(time.Duration(n) * time.Hour), Proto: learn.TCP, DstPort: 443, Dst: netip.MustParseAddr("203.0.113.1")})
		}
		return out
	}
	for text, flows := range map[string][]learn.Flow{
		"no flow is recorded that could be replayed: a back-test needs 2 days":    nil,
		"1 of the 48 hours that a back-test needs were observed: observe 47 more": one(22),
		"5 of the 48 hours that a back-test needs were observed: observe 43 more": one(22, 26),
		"47 of the 48 hours that a back-test needs were observed: observe 1 more": one(3, 49),
		"": one(3, 50),
	} {
		for _, since := range []int{0, 3} {
			h := historyOf(flows, learn.BlockOf(monday)+learn.Block(since))
			_, err := h.Split()
			_, again := h.Rolling(3)
			if text == "" && err == nil && again == nil {
				continue
			}
			if short, ok := errors.AsType[*learn.ShortError](err); !ok || short.Error() != text || again == nil {
				t.Errorf("got %v and %v, want %q", err, again, text)
			}
		}
	}
}

// What was dropped of an hour leaves the hour half known: it is left out.
func TestHistoryBeginsWithAWholeHour(t *testing.T) {
	for dropped, want := range map[time.Time]learn.Block{
		{}: 0, monday: learn.BlockOf(monday), monday.Add(1): learn.BlockOf(monday) + 1, monday.Add(time.Hour): learn.BlockOf(monday) + 1,
	} {
		if got := learn.Since(dropped); got != want {
			t.Errorf("dropped before %s: got %s, want %s", dropped, got.Time(), want.Time())
		}
	}
	flows := traffic(rand.New(rand.NewPCG(9, 9)))
	whole := historyOf(flows, 0).All()
	if got := historyOf(flows, whole.From+30).All(); got.From < whole.From+30 || got.To != whole.To {
		t.Errorf("got %v of %v", got, whole)
	}
}

// A clock that jumped adds a day somewhere and takes none away.
func TestBacktestOfAClockThatJumped(t *testing.T) {
	flows := traffic(rand.New(rand.NewPCG(5, 5)))
	days := historyOf(flows, 0).All().Days
	for _, at := range []time.Time{time.Unix(0, 0), time.Date(2106, 1, 1, 0, 0, 0, 0, time.UTC)} {
		f := flows[0]
		f.Time = at
		h := historyOf(append(slices.Clone(flows), f), 0)
		if got := h.All(); got.Days != days+1 || got.Hours > 24*got.Days {
			t.Errorf("got %+v, want %d days", got, days+1)
		}
		border, err := h.Split()
		if err != nil {
			t.Fatal(err)
		}
		got, err := h.Backtest(border, h.All().To, policy(t, new([]learn.Destination)))
		if err != nil || got.Replayed.Days == 0 || got.Replayed.Days+got.Learned.Days != days+1 {
			t.Errorf("got %+v, %v", got, err)
		}
	}
}

// ExampleHistory_Backtest learns hosts on five days and replays the others.
func ExampleHistory_Backtest() {
	h := learn.NewHistory("bot", 0)
	for day := range 7 {
		for host := range 1 + day {
			h.Add(&learn.Flow{
				Time: monday.AddDate(0, 0, day), Proto: learn.TCP, DstPort: 443, Dst: netip.AddrFrom4([4]byte{203, 0, 113, byte(host)}),
			}, "week")
		}
	}
	h.Add(&learn.Flow{Time: monday.AddDate(0, 0, 7).Add(-1), Proto: learn.TCP, DstPort: 443, Dst: netip.MustParseAddr("203.0.113.0")}, "week")
	border, err := h.Split()
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := h.Backtest(border, h.All().To, func(ds []learn.Destination) (learn.Judge, error) {
		known := map[netip.Addr]bool{}
		for i := range ds {
			known[ds[i].Addr] = true
		}
		return func(f *learn.Flow) bool { return known[f.Dst] }, nil
	})
	fmt.Println(t.Learned.Days, t.Replayed.Days, len(t.Alarms), t.PerDay(), err)
	// Output: 5 2 2 1 <nil>
}
