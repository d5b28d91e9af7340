package store_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/learn"
	"tripline/store"
)

var t0 = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

// equal compares times as instants and addresses as values.
var equal = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// opened opens a new store that is closed when the test ends.
func opened(t testing.TB) (*store.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "deep", "tripline.db")
	s, err := store.Open(path, store.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) }) // closing twice is fine
	return s, path
}

// flow returns an ordinary flow, the n-th of many.
func flow(n int) learn.Flow {
	return learn.Flow{
		Time: t0.Add(time.Duration(n) * time.Second), Agent: "bot", Proto: learn.TCP,
		Src: netip.MustParseAddr("192.0.2.50"), SrcPort: uint16(40000 + n%20000),
		Dst: netip.AddrFrom4([4]byte{203, 0, 113, byte(n)}), DstPort: 443, Up: 100, Down: uint64(n),
	}
}

func flowsUpTo(n int) (flows []learn.Flow) {
	for i := range n {
		flows = append(flows, flow(i))
	}
	return flows
}

// anyFlow returns a flow with everything a source could ever write into one.
func anyFlow(r *rand.Rand) learn.Flow {
	return learn.Flow{
		Time:      anyTime(r),
		Agent:     pick(r, "bot", "b", "an agent with a long name\x00\n"),
		Proto:     pick(r, learn.TCP, learn.UDP, learn.ICMP, learn.Proto(r.UintN(256))),
		Action:    pick(r, learn.Pass, learn.Refused, learn.Action(9)),
		Evidence:  learn.Evidence(r.UintN(7)),
		Resolved:  r.UintN(2) == 0,
		Src:       anyAddr(r),
		Dst:       anyAddr(r),
		SrcPort:   uint16(r.UintN(1 << 16)),
		DstPort:   pick(r, uint16(443), 53, uint16(r.UintN(1<<16))),
		Name:      anyName(r),
		Interface: pick(r, "", "igb0", "\xff\xfe"),
		Rule:      pick(r, "", "1000000103", "rule \"x\""),
		Up:        r.Uint64() >> r.UintN(64),
		Down:      r.Uint64() >> r.UintN(64),
		Process:   anyProcess(r),
	}
}

// someone is a process of many flows, which share the pointer.
var someone = &learn.Process{PID: 7, Exe: "/usr/bin/curl", Args: []string{"curl", "https://api.example.com/"}, UID: 1000}

func anyProcess(r *rand.Rand) *learn.Process {
	switch r.IntN(8) {
	case 0:
		return someone
	case 1:
		return &learn.Process{}
	case 2:
		return &learn.Process{
			PID: r.IntN(1 << 22), UID: -1, Exe: pick(r, "", "/usr/bin/python3", "\xff\n"), Args: []string{"", "\x00", "\xff"},
			Parents: []string{"/bin/sh", ""}, Cgroup: "/system.slice/bot.service", Container: "3f1c", Trace: "00-1-2-01",
		}
	}
	return nil
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func anyTime(r *rand.Rand) time.Time {
	switch r.IntN(20) {
	case 0:
		return time.Time{}
	case 1:
		return time.Unix(r.Int64N(1<<40)-1<<39, r.Int64N(1e9)).UTC()
	case 2:
		return time.Date(12345, 1, 1, 0, 0, 0, 1, time.UTC)
	}
	return t0.Add(time.Duration(r.Int64N(int64(400 * time.Hour)))).UTC()
}

func anyAddr(r *rand.Rand) netip.Addr {
	switch r.IntN(10) {
	case 0:
		return netip.Addr{}
	case 1, 2, 3:
		a := netip.MustParseAddr("2001:db8::").As16()
		a[15] = byte(r.UintN(20))
		return netip.AddrFrom16(a)
	}
	return netip.AddrFrom4([4]byte{198, 51, 100, byte(r.UintN(30))})
}

func anyName(r *rand.Rand) string {
	switch r.IntN(40) {
	case 0:
		return strings.Repeat("long.", 300) + strconv.Itoa(r.IntN(3))
	case 1:
		return "\x00" + strconv.Itoa(r.IntN(3))
	case 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13:
		return fmt.Sprintf("h%d.example.com", r.IntN(9))
	}
	return ""
}

// A twin is a store in memory, done the slow and obvious way.
type twin struct {
	flows   []learn.Flow
	seen    map[twinKey]*learn.Destination
	runs    map[string]uint64
	cursors map[string]string
}

type twinKey struct {
	agent string
	learn.Target
}

func newTwin() *twin {
	return &twin{seen: map[twinKey]*learn.Destination{}, runs: map[string]uint64{}, cursors: map[string]string{}}
}

func (w *twin) commit(b store.Batch) {
	w.flows = append(w.flows, b.Flows...)
	w.runs[b.Run] += uint64(len(b.Flows))
	for k, v := range b.Cursors {
		w.cursors[k] = string(v)
	}
	for i := range b.Flows {
		f := &b.Flows[i]
		k := twinKey{f.Agent, learn.Target{Service: f.Service(), Addr: f.Dst, Name: f.Name}}
		if w.seen[k] == nil {
			w.seen[k] = &learn.Destination{Agent: f.Agent, Target: k.Target}
		}
		w.seen[k].Add(f, b.Run)
	}
}

func (w *twin) destinations() map[twinKey]learn.Destination {
	all := map[twinKey]learn.Destination{}
	for k, d := range w.seen {
		all[k] = *d
	}
	return all
}

func sameFlow(a, b learn.Flow) bool {
	same := a.Time.Equal(b.Time) && b.Time.Location() == time.UTC
	same = same && reflect.DeepEqual(a.Process, b.Process)
	a.Time, b.Time, a.Process, b.Process = time.Time{}, time.Time{}, nil, nil
	return same && a == b
}

func sameDestination(a, b learn.Destination) bool {
	return a.Agent == b.Agent && a.Target == b.Target && a.Evidence == b.Evidence &&
		a.First.Equal(b.First) && a.Last.Equal(b.Last) && a.Flows == b.Flows && a.Blocked == b.Blocked &&
		a.Up == b.Up && a.Down == b.Down && slices.Equal(a.Blocks, b.Blocks) && slices.Equal(a.Runs, b.Runs)
}

// compare checks that a store holds exactly what its twin does.
func (w *twin) compare(t *testing.T, s *store.Store) {
	t.Helper()
	got := []learn.Flow{}
	for f, err := range s.Flows("") {
		must(t, err)
		got = append(got, f)
	}
	if !slices.EqualFunc(w.flows, got, sameFlow) { // cmp is too slow for what is mostly equal
		t.Errorf("flows differ (-want +got):\n%.2000s", cmp.Diff(w.flows, got, equal))
	}
	dests, err := s.Destinations("")
	must(t, err)
	have := map[twinKey]learn.Destination{}
	for _, d := range dests {
		have[twinKey{d.Agent, d.Target}] = d
	}
	if !maps.EqualFunc(w.destinations(), have, sameDestination) {
		t.Errorf("destinations differ (-want +got):\n%.2000s", cmp.Diff(w.destinations(), have, equal))
	}
	for k, want := range w.cursors {
		if c, err := s.Cursor(k); err != nil || string(c) != want {
			t.Errorf("cursor %q is %q, %v, want %q", k, c, err, want)
		}
	}
	runs, err := s.Runs()
	must(t, err)
	counts := map[string]uint64{}
	for _, r := range runs {
		counts[r.Name] = r.Flows
	}
	if !maps.Equal(counts, w.runs) {
		t.Errorf("runs %v, want %v", counts, w.runs)
	}
	must(t, s.Check())
}

func TestFlowsComeBackExactlyAndFoldToTheDestinations(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			s, path := opened(t)
			w := newTwin()
			for i := range 12 {
				b := store.Batch{Run: fmt.Sprintf("run%d", r.IntN(3)), At: t0, Cursors: map[string][]byte{"a": {byte(i)}}}
				for range r.IntN(120) {
					b.Flows = append(b.Flows, anyFlow(r))
				}
				must(t, s.Commit(b))
				w.commit(b)
				if i%5 == 4 { // close and open again
					must(t, s.Close())
					var err error
					s, err = store.Open(path, store.Options{})
					must(t, err)
				}
			}
			w.compare(t, s)
			must(t, s.Close())
		})
	}
}

func TestBigBatchIsSplitAndKeepsItsOrder(t *testing.T) {
	s, _ := opened(t)
	b := store.Batch{Run: "week", At: t0, Flows: flowsUpTo(150_000)}
	must(t, s.Commit(b))
	w := newTwin()
	w.commit(b)
	w.compare(t, s)
}

func TestFlowsOfOneAgent(t *testing.T) {
	s, _ := opened(t)
	flows := flowsUpTo(10)
	for i := range flows {
		flows[i].Agent = []string{"bot", "crawler"}[i%2]
	}
	must(t, s.Commit(store.Batch{Run: "r", Flows: flows}))
	n := 0
	for f, err := range s.Flows("crawler") {
		must(t, err)
		if f.Agent != "crawler" {
			t.Errorf("got a flow of %q", f.Agent)
		}
		n++
	}
	d, err := s.Destinations("crawler")
	must(t, err)
	if n != 5 || len(d) != 5 {
		t.Errorf("got %d flows and %d destinations, want 5 of each", n, len(d))
	}
}

func TestDestinationsAreSorted(t *testing.T) {
	s, _ := opened(t)
	r := rand.New(rand.NewPCG(3, 3))
	var flows []learn.Flow
	for range 500 {
		flows = append(flows, anyFlow(r))
	}
	must(t, s.Commit(store.Batch{Run: "r", Flows: flows}))
	all, err := s.Destinations("bot")
	must(t, err)
	if !slices.IsSortedFunc(all, func(a, b learn.Destination) int {
		if a.Proto != b.Proto {
			return int(a.Proto) - int(b.Proto)
		}
		if a.Port != b.Port {
			return int(a.Port) - int(b.Port)
		}
		return a.Addr.Compare(b.Addr)
	}) {
		t.Error("not in the order of protocol, port and address")
	}
}

func TestCommitWhileReadingFlows(t *testing.T) {
	s, _ := opened(t)
	must(t, s.Commit(store.Batch{Run: "r", Flows: flowsUpTo(3)}))
	n := 0
	for _, err := range s.Flows("") {
		must(t, err)
		must(t, s.Commit(store.Batch{Run: "r", Flows: flowsUpTo(5000)}))
		n++
	}
	if n != 3 {
		t.Errorf("saw %d flows, want the 3 that were there", n)
	}
}

func TestRunsCount(t *testing.T) {
	s, _ := opened(t)
	must(t, s.Commit(store.Batch{Run: "idle", At: t0, Counters: map[string]uint64{"no address": 2}}))
	must(t, s.Commit(store.Batch{Run: "work", At: t0, Flows: []learn.Flow{flow(9), flow(3)}}))
	must(t, s.Commit(store.Batch{
		Run: "work", At: t0.Add(time.Hour), Flows: []learn.Flow{flow(5)},
		Counters: map[string]uint64{"no address": 1},
	}))
	must(t, s.Commit(store.Batch{Run: "idle", At: t0, Counters: map[string]uint64{"no address": 3}}))
	got, err := s.Runs()
	must(t, err)
	want := []store.Run{
		{Name: "idle", Written: t0, Counters: map[string]uint64{"no address": 5}},
		{
			Name: "work", Started: flow(3).Time, Ended: flow(9).Time, Written: t0.Add(time.Hour), Flows: 3,
			Counters: map[string]uint64{"no address": 1},
		},
	}
	if diff := cmp.Diff(want, got, equal); diff != "" {
		t.Errorf("runs differ (-want +got):\n%s", diff)
	}
}

func TestCommitRefusesWhatItCouldNotGiveBack(t *testing.T) {
	noAgent, zone, long := flow(1), flow(1), flow(1)
	noAgent.Agent = ""
	zone.Dst = netip.MustParseAddr("fe80::1%em0")
	long.Name = strings.Repeat("x", 2<<20)
	for name, b := range map[string]store.Batch{
		"flow 1 of the batch: it has no agent":                 {Run: "r", Flows: []learn.Flow{flow(0), noAgent}},
		"flow 0 of the batch: one of its addresses has a zone": {Run: "r", Flows: []learn.Flow{zone}},
		"flow 0 of the batch: one of its texts is longer":      {Run: "r", Flows: []learn.Flow{long}},
		"commit: the batch has flows or counters and no run":   {Flows: []learn.Flow{flow(0)}},
		`cursor "": key required`:                              {Run: "r", Flows: []learn.Flow{flow(0)}, Cursors: map[string][]byte{"": {1}}},
	} {
		s, _ := opened(t)
		err := s.Commit(b)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %q", err, name)
		}
		newTwin().compare(t, s)
	}
}

func TestCursorsWithoutARun(t *testing.T) {
	s, _ := opened(t)
	if c, err := s.Cursor("filter.log"); c != nil || err != nil {
		t.Errorf("got %q, %v before anything was committed", c, err)
	}
	must(t, s.Commit(store.Batch{Cursors: map[string][]byte{"filter.log": []byte("17")}}))
	if c, err := s.Cursor("filter.log"); string(c) != "17" || err != nil {
		t.Errorf("got %q, %v", c, err)
	}
}

func TestAgents(t *testing.T) {
	s, _ := opened(t)
	must(t, s.PutAgent("crawler", []byte("192.0.2.51")))
	must(t, s.PutAgent("bot", []byte("old")))
	must(t, s.PutAgent("bot", []byte("192.0.2.50")))
	got, err := s.Agents()
	must(t, err)
	want := []store.Agent{{Name: "bot", Data: []byte("192.0.2.50")}, {Name: "crawler", Data: []byte("192.0.2.51")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := s.PutAgent("", nil); err == nil {
		t.Error("an agent without a name was kept")
	}
}

func TestConcurrentUse(t *testing.T) {
	s, _ := opened(t)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 5 {
				b := store.Batch{Run: strconv.Itoa(g), Flows: flowsUpTo(50 * i)}
				if err := s.Commit(b); err != nil {
					t.Error(err)
				}
				for _, err := range s.Flows("bot") {
					if err != nil {
						t.Error(err)
					}
				}
				if err := s.Check(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	runs, err := s.Runs()
	must(t, err)
	for _, r := range runs {
		if r.Flows != 500 {
			t.Errorf("run %s has %d flows, want 500", r.Name, r.Flows)
		}
	}
}
