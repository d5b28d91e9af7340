package sandbox

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"tripline/learn"
)

// An asking is a name that was asked for. Who asks and never connects may have said
// all he wanted with the name itself (DNS tunnels work so).
type asking struct {
	time   time.Time
	name   string
	from   netip.AddrPort
	p      *learn.Process
	silent bool // nobody outside was asked
}

// questions are those to which nothing was said yet.
type questions struct {
	mu    sync.Mutex
	open  map[string]*asking
	spoke map[string]bool // names that were connected to
	only  map[string]bool // names that nothing has followed since they were told of
	more  uint64          // questions that there was no room for
}

// mostQuestions is how many names are kept that were connected to, and how many not.
const mostQuestions = 1 << 14

// followed is how soon a connection follows its question.
const followed = 5 * time.Second

func newQuestions() *questions {
	return &questions{open: map[string]*asking{}, spoke: map[string]bool{}, only: map[string]bool{}}
}

// telling says whether a name can carry something outside: single labels and addresses
// that are nobody's go nowhere.
func telling(name string) bool {
	if a := reversed(name); a.IsValid() {
		return a.IsGlobalUnicast() && !a.IsPrivate() && !ours(a)
	}
	return strings.Contains(name, ".") && !strings.HasSuffix(name, ".localhost") && name != "ipv4only.arpa" // RFC 7050
}

// asked takes a question down, with who asks where that is to be told.
func (b *box) asked(name string, by learn.Proto, from netip.AddrPort) {
	if !b.names.asked.fresh(name) {
		return
	}
	one := &asking{time: time.Now().UTC(), name: name, from: from, silent: b.names.silently(name)}
	if b.o.Asked != nil {
		gateway := gateway4
		if from.Addr().Is6() {
			gateway = gateway6
		}
		one.p, _ = b.owner.of(by, from, netip.AddrPortFrom(gateway, 53))
	}
	b.names.asked.note(one)
}

// fresh says whether a name was not asked for before.
func (q *questions) fresh(name string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return telling(name) && !q.spoke[name] && !q.only[name] && q.open[name] == nil
}

func (q *questions) note(one *asking) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.spoke[one.name] || q.open[one.name] != nil: // meanwhile
	case len(q.open)+len(q.only) >= mostQuestions:
		q.more++
	default:
		q.open[one.name] = one
	}
}

// connected closes the question for a name, also one that was told of: something
// followed, late.
func (q *questions) connected(name string) {
	if name == "" {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.open, name)
	delete(q.only, name)
	if len(q.spoke) < mostQuestions {
		q.spoke[name] = true
	}
}

// due takes those that were asked before a moment, in the order of asking.
func (q *questions) due(before time.Time) []*asking {
	q.mu.Lock()
	defer q.mu.Unlock()
	var list []*asking
	for name, one := range q.open {
		if one.time.Before(before) {
			list = append(list, one)
			delete(q.open, name)
			q.only[name] = true
		}
	}
	slices.SortFunc(list, func(a, b *asking) int { return a.time.Compare(b.time) })
	return list
}

// names are those that nothing followed, and how many more there were.
func (q *questions) names() ([]string, uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Sorted(maps.Keys(q.only)), q.more
}

// watch tells of questions that nothing follows, until ctx ends.
func (b *box) watch(ctx context.Context) {
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticks.C:
			b.tellAsked(now.Add(-followed))
		}
	}
}

// tellAsked tells of what was asked before a moment and came to nothing, where
// somebody wants to know.
func (b *box) tellAsked(before time.Time) {
	for _, one := range b.names.asked.due(before) {
		if b.o.Asked == nil || b.o.Flow == nil || !b.o.Asked(one.name) {
			continue
		}
		f := learn.Flow{
			Time: one.time, Proto: learn.UDP, Src: one.from.Addr().Unmap(), SrcPort: one.from.Port(), Dst: learn.StandIn(one.name), DstPort: 53,
			Name: one.name, Evidence: learn.DNS, Resolved: true, Interface: b.o.Label, Rule: learn.OnlyAsked, Process: one.p,
		}
		if one.silent {
			f.Action = learn.Refused
		}
		b.o.Flow(&Told{Flow: f, Number: b.lasting.last.Add(1)})
	}
}
