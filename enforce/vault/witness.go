package vault

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"tripline/learn"
)

// A Verdict is what the audit log says of one connection.
type Verdict string

// Verdicts, what matters most first.
const (
	ForeignToken        Verdict = "foreign_token"        // the token is not this agent's
	NoAudit             Verdict = "no_audit"             // no request at all: a health probe, TLS alone, or the log is blind
	Denied              Verdict = "denied"               // its token, and the policy said no
	UnauthenticatedOnly Verdict = "unauthenticated_only" // no token, a bogus or an expired one, or a failed login
	Authorised          Verdict = "authorised"           // at least one request was allowed, with its token
)

// Verdicts are all of them.
var Verdicts = []Verdict{ForeignToken, NoAudit, Denied, UnauthenticatedOnly, Authorised}

// A Joined is a connection and what the audit log says of it.
type Joined struct {
	Flow     learn.Flow
	Verdict  Verdict
	Requests int
	Token    Token  // that decided
	Owner    string // the agent whose token it is, "" if nobody's that is known
	Path     string
	Silent   int // connections of the agent without any request, of the last ten minutes
}

const (
	// skew is by how much two clocks may differ.
	skew = 5 * time.Second
	// remembered is for how long requests and connections can be joined.
	remembered = time.Hour
	// mostHeld bounds both.
	mostHeld = 100_000
)

// A Witness joins connections to the vault with the requests in its audit log. Not
// safe for concurrent use.
type Witness struct {
	settle  time.Duration
	agents  map[string]learn.VaultIdentity
	asked   map[netip.AddrPort][]*request
	byID    map[string]*request
	waiting []*held
	begun   map[netip.AddrPort][]time.Time // by where from: when those that wait began
	silent  map[string][]time.Time         // by agent
	since   time.Time                      // the first entry
	latest  time.Time                      // the last one

	// Whole says that all connections are known before the log is read: requests of
	// others are only counted.
	Whole bool

	Entries  int // lines
	Requests int
	Before   int // connections from before the log begins
	Dropped  int // connections or requests beyond the bound
	Counts   map[Verdict]int
}

// A request is what is known of one, from its line and that of the response.
type request struct {
	Entry
}

// A held is a connection that waits to be settled.
type held struct {
	flow learn.Flow
	due  time.Time // on the clock of whoever watches
}

// New returns a witness for agents; connections are settled so long after they were
// seen.
func New(agents map[string]learn.VaultIdentity, settle time.Duration) *Witness {
	return &Witness{
		settle: settle, agents: agents, asked: map[netip.AddrPort][]*request{}, byID: map[string]*request{},
		begun: map[netip.AddrPort][]time.Time{}, silent: map[string][]time.Time{}, Counts: map[Verdict]int{},
	}
}

// Hear takes up an entry.
func (w *Witness) Hear(e Entry) {
	w.Entries++
	if !e.Response {
		w.Requests++
	}
	if w.since.IsZero() {
		w.since = e.Time
	}
	if e.Time.After(w.latest) {
		w.latest = e.Time
	}
	if r := w.byID[e.ID]; r != nil { // its other line
		if e.Response {
			path, at := r.Path, r.Time
			r.Entry = e
			r.Path, r.Time = cmp.Or(e.Path, path), at
		}
		return
	}
	if w.Whole && w.begun[e.Remote] == nil {
		return
	}
	if len(w.byID) >= mostHeld {
		w.forget()
	}
	r := &request{Entry: e}
	w.byID[e.ID] = r
	w.asked[e.Remote] = append(w.asked[e.Remote], r)
}

// forget makes room: the older half of the requests goes, and of connections from
// before that nothing is said.
func (w *Witness) forget() {
	all := make([]*request, 0, len(w.byID))
	for _, r := range w.byID {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *request) int { return a.Time.Compare(b.Time) })
	for _, r := range all[:len(all)/2] {
		w.drop(r)
	}
	w.Dropped += len(all) / 2
	w.since = all[len(all)/2].Time.Add(skew)
}

func (w *Witness) drop(r *request) {
	delete(w.byID, r.ID)
	rest := slices.DeleteFunc(w.asked[r.Remote], func(o *request) bool { return o == r })
	if w.asked[r.Remote] = rest; len(rest) == 0 {
		delete(w.asked, r.Remote)
	}
}

// Connect takes up a connection to the vault that was seen at now.
func (w *Witness) Connect(f *learn.Flow, now time.Time) {
	if len(w.waiting) >= mostHeld {
		w.Dropped++
		return
	}
	w.waiting = append(w.waiting, &held{*f, now.Add(w.settle)})
	from := netip.AddrPortFrom(f.Src, f.SrcPort)
	w.begun[from] = append(w.begun[from], f.Time)
}

// Settle returns what is known of connections that were seen long enough ago; with
// whole, of all: the log was read to its end.
func (w *Witness) Settle(now time.Time, whole bool) (out []Joined) {
	rest := w.waiting[:0]
	for _, h := range w.waiting {
		switch {
		case !whole && now.Before(h.due):
			rest = append(rest, h)
		case w.since.IsZero() || h.flow.Time.Before(w.since.Add(-skew)):
			w.Before++
		default:
			j := w.join(&h.flow)
			w.Counts[j.Verdict]++
			out = append(out, j)
		}
	}
	clear(w.waiting[len(rest):])
	w.waiting = rest
	clear(w.begun)
	for _, h := range rest {
		from := netip.AddrPortFrom(h.flow.Src, h.flow.SrcPort)
		w.begun[from] = append(w.begun[from], h.flow.Time)
	}
	if !whole {
		w.tidy()
	}
	return out
}

// Waiting is how many connections are not settled yet.
func (w *Witness) Waiting() int { return len(w.waiting) }

// tidy forgets requests that nothing will be joined with any more.
func (w *Witness) tidy() {
	for _, r := range w.byID {
		if w.latest.Sub(r.Time) > remembered {
			w.drop(r)
		}
	}
}

// join finds the requests of a connection: those of its address and port, from when
// it began to when the next one from there did.
func (w *Witness) join(f *learn.Flow) Joined {
	j := Joined{Flow: *f, Verdict: NoAudit}
	for _, r := range w.asked[netip.AddrPortFrom(f.Src, f.SrcPort)] {
		if r.Time.Before(f.Time.Add(-skew)) || r.Time.Sub(f.Time) > remembered || w.later(f, r) {
			continue
		}
		j.Requests++
		v, owner := w.judge(f.Agent, &r.Entry)
		if rank(v) < rank(j.Verdict) {
			j.Verdict, j.Token, j.Owner, j.Path = v, r.Token, owner, r.Path
		}
	}
	if j.Verdict == NoAudit {
		j.Silent = w.quiet(f)
	}
	return j
}

// rank orders verdicts of one connection: one foreign token outweighs all, one that
// was allowed outweighs others that were not.
func rank(v Verdict) int {
	return slices.Index([]Verdict{ForeignToken, Authorised, Denied, UnauthenticatedOnly, NoAudit}, v)
}

// later says whether a request belongs to a newer connection from the same port.
func (w *Witness) later(f *learn.Flow, r *request) bool {
	return slices.ContainsFunc(w.begun[r.Remote], func(t time.Time) bool {
		return t.After(f.Time.Add(skew)) && !r.Time.Before(t.Add(-skew))
	})
}

// quiet counts connections without any request.
func (w *Witness) quiet(f *learn.Flow) int {
	list := slices.DeleteFunc(w.silent[f.Agent], func(t time.Time) bool { return f.Time.Sub(t) > 10*time.Minute })
	list = append(list, f.Time)
	w.silent[f.Agent] = list[max(0, len(list)-1000):]
	return len(list)
}

// judge says what one request means for an agent, and whose token it has.
func (w *Witness) judge(agent string, e *Entry) (v Verdict, owner string) {
	if e.Token.Accessor == "" {
		return UnauthenticatedOnly, ""
	}
	own, known := w.agents[agent]
	for _, name := range w.names() {
		if is(w.agents[name], e.Token) {
			owner = name
			if name == agent {
				break
			}
		}
	}
	switch {
	case known && !is(own, e.Token), !known && owner != "":
		return ForeignToken, owner
	case e.Allowed:
		return Authorised, owner
	}
	return Denied, owner
}

func (w *Witness) names() []string {
	out := make([]string, 0, len(w.agents))
	for name := range w.agents {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// is says whether a token is that of an identity: all that the identity says must
// hold.
func is(id learn.VaultIdentity, t Token) bool {
	return (id.DisplayName == "" || id.DisplayName == t.DisplayName) &&
		(id.Role == "" || id.Role == t.Role) &&
		(id.EntityID == "" || id.EntityID == t.EntityID) &&
		(id.Accessor == "" || id.Accessor == t.Accessor)
}
