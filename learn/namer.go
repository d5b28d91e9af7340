package learn

import (
	"net/netip"
	"slices"
	"time"
)

// How long an answer names connections. Clients keep addresses for longer than
// they were told to (connection pools, resolvers of their own, runtimes that
// never ask again): five minutes at least, and what has run out still names
// where nothing newer does, for a day.
const (
	leastTTL = 5 * time.Minute
	mostTTL  = 24 * time.Hour
)

// slack is how much earlier than the answer that led to it a connection may be
// stamped: resolvers' logs and NetFlow count in whole seconds, each its own.
const slack = 2 * time.Second

// Bounds of what a [Namer] keeps. A generation is dropped as a whole when the
// one after it is full or a day old, so that nothing is timed one by one, and a
// flood of answers to one client costs that client's names alone.
const (
	mostClients  = 1024    // in one generation of them
	mostTotal    = 1 << 19 // addresses, for all clients
	mostAnswers  = 1 << 14 // addresses, for one client and generation
	mostNames    = 8       // at one address
	generationOf = mostTTL
)

// A Namer gives flows the names that their clients were told. It knows what each
// client asked for and never lends a name to another client: at an address of a
// CDN there are thousands. Its time is that of the flows. Not safe for
// concurrent use.
//
// The order of trust is that of DN-Hunter (Bermudez et al., IMC 2012) and its
// successors: what the connection itself says (SNI, QUIC, HTTP), then the answer
// the same client got last for this address, then nothing.
type Namer struct {
	clients, earlier map[string]*memory // who was told something lately, and before that
	size             int                // addresses remembered
	dropped          uint64
}

// A memory is what one client was told, in two generations.
type memory struct {
	now, before map[netip.Addr][]told
	since       time.Time // of the first answer in now
}

// A told is one name at one address.
type told struct {
	name             string
	since, at, until int64 // told first and last, and how long it holds: seconds since 1970
}

// NewNamer returns a Namer that knows nothing.
func NewNamer() *Namer {
	return &Namer{clients: map[string]*memory{}, earlier: map[string]*memory{}}
}

// Dropped returns how many answers were forgotten for want of room.
func (n *Namer) Dropped() uint64 { return n.dropped }

// Note remembers an answer to client, which is an agent or an address.
func (n *Namer) Note(client string, a *Answer) {
	if a.Name == "" || len(a.Addrs) == 0 {
		return
	}
	m := n.memory(client, a.Time)
	if len(m.now) >= mostAnswers {
		n.dropped += uint64(len(m.before))
		n.turn(m, a.Time)
	} else if a.Time.Sub(m.since) >= generationOf {
		n.turn(m, a.Time)
	}
	t := told{a.Name, a.Time.Unix(), a.Time.Unix(), a.Time.Add(min(mostTTL, max(leastTTL, a.TTL))).Unix()}
	for _, addr := range a.Addrs {
		n.size -= len(m.now)
		m.now[addr] = remember(m.now[addr], t)
		n.size += len(m.now)
	}
	if n.size > mostTotal {
		n.relieve(a.Time)
	}
}

// memory returns what client was told, which keeps it among the lately told.
func (n *Namer) memory(client string, now time.Time) *memory {
	m := n.clients[client]
	if m != nil {
		return m
	}
	if m = n.earlier[client]; m == nil {
		m = &memory{now: map[netip.Addr][]told{}, since: now}
	}
	delete(n.earlier, client)
	if len(n.clients) >= mostClients {
		n.forget(n.earlier)
		n.clients, n.earlier = map[string]*memory{}, n.clients
	}
	n.clients[client] = m
	return m
}

func (n *Namer) forget(clients map[string]*memory) {
	for _, m := range clients {
		n.size -= len(m.now) + len(m.before)
		n.dropped += uint64(len(m.now) + len(m.before))
	}
}

// relieve drops the older half of what the client with the most answers was
// told.
func (n *Namer) relieve(now time.Time) {
	var most *memory
	for _, all := range []map[string]*memory{n.clients, n.earlier} {
		for _, m := range all {
			if most == nil || len(m.now)+len(m.before) > len(most.now)+len(most.before) {
				most = m
			}
		}
	}
	n.dropped += uint64(len(most.before))
	n.turn(most, now)
}

// turn drops the older generation of m.
func (n *Namer) turn(m *memory, now time.Time) {
	n.size -= len(m.before)
	m.before, m.now, m.since = m.now, map[netip.Addr][]told{}, now
}

// remember puts the newest answer last; there is one for each name. It says from
// when on the name was told: many sources hear of a connection when it ends, and
// its client may have asked again meanwhile.
func remember(all []told, t told) []told {
	if i := slices.IndexFunc(all, func(o told) bool { return o.name == t.name }); i >= 0 {
		t.until, t.since = max(t.until, all[i].until), min(t.since, all[i].since)
		all = slices.Delete(all, i, i+1)
	} else if len(all) == mostNames {
		all = slices.Delete(all, 0, 1)
	}
	return append(all, t)
}

// A Naming is how a flow came by its name.
type Naming struct {
	Resolved bool     // DNS told the client that the name is at this address
	Others   []string // other names that the client was told for it, while they held
	Stale    bool     // the answer had run out
	Hidden   bool     // the connection says that its true name is encrypted; who saw it says so
}

// Name gives f a name if it has none and one of the clients was told one; a
// flow's clients are its agent and its address. A name that the flow has stays:
// Others says what DNS had told instead.
func (n *Namer) Name(f *Flow, clients ...string) Naming {
	live, old := n.find(f, clients)
	if len(live) == 0 && len(old) == 0 {
		return Naming{}
	}
	if f.Name == "" {
		all := live
		if len(live) == 0 {
			all = old
		}
		f.Name, f.Evidence = all[len(all)-1].name, DNS
	}
	is := func(t told) bool { return t.name == f.Name }
	f.Resolved = slices.ContainsFunc(live, is) || slices.ContainsFunc(old, is)
	out := Naming{Resolved: f.Resolved, Stale: len(live) == 0}
	for _, t := range live {
		if t.name != f.Name {
			out.Others = append(out.Others, t.name)
		}
	}
	return out
}

// find returns what the clients were told for the address of f before it began,
// the newest last: what still held then, and what had run out. What they were told
// right after that counts where nothing else held.
func (n *Namer) find(f *Flow, clients []string) (live, old []told) {
	at := f.Time.Unix()
	var late []told
	for _, c := range clients {
		for _, t := range n.of(c, f.Dst) {
			switch {
			case t.since > at+int64(slack/time.Second) || at-t.until > int64(mostTTL/time.Second):
			case t.since > at:
				late = append(late, t)
			case t.until >= at:
				live = append(live, t)
			default:
				old = append(old, t)
			}
		}
	}
	byAge := func(a, b told) int { return int(a.at - b.at) }
	slices.SortStableFunc(live, byAge)
	slices.SortStableFunc(old, byAge)
	if len(live) == 0 {
		slices.SortStableFunc(late, byAge)
		live = late
	}
	return live, old
}

func (n *Namer) of(client string, a netip.Addr) []told {
	m := n.clients[client]
	if m == nil {
		m = n.earlier[client]
	}
	if m == nil {
		return nil
	}
	if len(m.before[a]) == 0 {
		return m.now[a]
	}
	return append(slices.Clone(m.before[a]), m.now[a]...)
}
