package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"tripline/enforce"
	"tripline/learn"
	"tripline/learn/source"
	"tripline/store"
)

// A keeper does beside the watching what may take long: it writes how far a log
// was read with what was found up to there, reads what has changed in the database,
// and asks for the addresses of hosts. A slow disk, another process that holds the
// database or a resolver that does not answer hold up no flow.
type keeper struct {
	w       *watching
	key     string
	done    chan *round
	busy    bool
	dirty   bool // something was read since the place was last kept
	at      time.Time
	hits    []learn.Hits // that could not be kept yet
	pruned  time.Time    // when what is too old was last dropped
	failing time.Time    // since when nothing can be kept, zero if it can
	err     error        // why
}

// A round is one turn of it.
type round struct {
	batch *store.Batch // nil if there is nothing to write
	kept  []enforce.Kept
	state string // what the policy was compiled from
	hosts []string
	prune time.Time // what was last seen before it is dropped, zero for nothing

	wrote, read error
	looked      bool            // the last one only writes
	policy      *enforce.Policy // nil if it is the same
	said        []store.Said
	found       map[string][]netip.Addr
	unfound     []error
}

// mostCounted is how many findings that only repeat are written in one round: of
// those a crash may forget some counts.
const mostCounted = 256

func newKeeper(w *watching, key string) *keeper {
	return &keeper{w: w, key: key, done: make(chan *round, 1), at: w.a.now()}
}

// places says whether there is a place to go back to: standard input has none, and a
// command no log.
func (k *keeper) places(s source.Stream) bool { return s != nil && k.key != stdinKey }

// settle takes up what the last round brought, if it is over.
func (k *keeper) settle() error {
	select {
	case r := <-k.done:
		k.busy = false
		return k.take(r)
	default:
		return nil
	}
}

// step begins a round about every second, once the last one is settled.
func (k *keeper) step(ctx context.Context, s source.Stream) error {
	now := k.w.a.now()
	if k.busy || ctx.Err() != nil || now.Sub(k.at) < followAge {
		return nil
	}
	r, err := k.prepare(s, now)
	if err != nil {
		return err
	}
	k.busy, k.at = true, now
	go func() {
		r.write(k.w, false)
		r.look(ctx, k.w)
		k.done <- r
	}()
	return nil
}

// wait waits for a round that is under way, whose result nobody takes.
func (k *keeper) wait() {
	if k.busy {
		<-k.done
	}
}

// end waits for the round that is under way and keeps the rest.
func (k *keeper) end(s source.Stream) error {
	if k.busy {
		k.busy = false
		if err := k.take(<-k.done); err != nil {
			return err
		}
	}
	r, err := k.prepare(s, k.w.a.now())
	if err != nil {
		return err
	}
	r.write(k.w, k.w.o.runs)
	if err := k.take(r); err != nil {
		return err
	}
	return k.err
}

// prepare copies what is to be kept as it is now: the place in the log, and what
// was found up to there.
func (k *keeper) prepare(s source.Stream, now time.Time) (*round, error) {
	w := k.w
	r := &round{state: w.state}
	if now.Sub(k.pruned) >= pruneEvery {
		r.prune, k.pruned = now.Add(-cmp.Or(w.a.config.Findings.Keep, keepAlerts)), now
	}
	if now.Sub(w.lookups.last) >= time.Minute {
		r.hosts, w.lookups.last = w.agents.Hosts(), now
	}
	var err error
	ledger := w.watch.Ledger()
	if r.kept, err = ledger.Changed(mostCounted); err != nil {
		return nil, err
	}
	b := store.Batch{At: now, Hits: append(k.hits, w.watch.Hits()...)}
	if k.dirty && k.places(s) {
		cursor, err := s.Cursor()
		if err != nil {
			return nil, err
		}
		if cursor != nil { // what happens now happens once
			b.Cursors = map[string][]byte{k.key: cursor}
		}
	}
	if b.Watch, err = watchOf(k.key, ledger, r.kept); err != nil {
		return nil, err
	}
	for _, p := range w.savers() {
		if err := p.save(&b); err != nil {
			return nil, err
		}
	}
	if k.dirty || len(r.kept) > 0 || len(b.Hits) > 0 || len(b.Uses) > 0 || len(b.Checked)+len(b.Lasting)+len(b.Ended) > 0 {
		r.batch = &b
	}
	k.dirty, k.hits = false, nil
	w.watch.Noted()
	return r, nil
}

// watchOf is what is kept of a ledger.
func watchOf(key string, l *enforce.Ledger, list []enforce.Kept) (*store.Watch, error) {
	state, err := l.State()
	if err != nil {
		return nil, err
	}
	if key == stdinKey {
		key = ""
	}
	w := &store.Watch{Name: key, State: state}
	for _, kept := range list {
		w.Alerts = append(w.Alerts, store.Alert{ID: kept.ID, Watch: key, Open: kept.Open && key != "", Last: kept.Last, Data: kept.Data})
	}
	return w, nil
}

// write keeps a batch, once what it tells of is on its way. The last one of a command
// would be lost otherwise.
func (r *round) write(w *watching, last bool) {
	w.outbox.sync()
	if r.batch == nil {
		return
	}
	write := w.a.write
	if last {
		write = w.a.lastly
	}
	r.wrote = write("enforce", func(s *store.Store) error {
		if err := s.Commit(*r.batch); err != nil || r.prune.IsZero() {
			return err
		}
		_, err := pruneAlerts(s, r.prune, r.batch.At)
		return err
	})
}

// For how long alerts are kept, how many at most, and how often the others are
// dropped.
const (
	keepAlerts = 90 * 24 * time.Hour
	mostAlerts = 50_000
	pruneEvery = time.Hour
)

// pruneAlerts drops alerts last seen before a time, and mutes that are over.
func pruneAlerts(s *store.Store, before, now time.Time) (int, error) {
	said, err := s.Said()
	if err != nil {
		return 0, err
	}
	for _, one := range said {
		var m enforce.Mute
		if !strings.HasPrefix(one.Key, mutePrefix) || json.Unmarshal(one.Data, &m) != nil || now.Before(m.Until) {
			continue
		}
		if _, err := s.PutSaid(store.Said{Key: one.Key}); err != nil {
			return 0, err
		}
	}
	return s.PruneAlerts(before, mostAlerts)
}

// look reads what has changed, and finds hosts.
func (r *round) look(ctx context.Context, w *watching) {
	w.a.containers.keep()
	r.looked = true
	r.read = w.a.read(func(s *store.Store) (err error) {
		if r.said, err = s.Said(); err != nil {
			return err
		}
		state, err := w.a.fingerprint(s, w.names)
		if err != nil || state == r.state {
			return err
		}
		r.policy, err = w.a.policy(s, w.names)
		if err == nil {
			r.state = state
		}
		return err
	})
	r.found = map[string][]netip.Addr{}
	for _, host := range r.hosts {
		addrs, err := lookUpOnly(ctx, host)
		if err != nil && ctx.Err() == nil {
			r.unfound = append(r.unfound, err)
		}
		r.found[host] = addrs
	}
}

// lookUpOnly asks for the addresses of an agent's host.
func lookUpOnly(ctx context.Context, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("agent host name %s: %w", host, err)
	}
	return addrs, nil
}

// take takes up what a round brought.
func (k *keeper) take(r *round) error {
	if r.wrote != nil {
		k.w.watch.Ledger().Unkept(r.kept)
		k.dirty = k.dirty || r.batch.Cursors != nil
		k.hits = mergedHits(r.batch.Hits)
		for _, p := range k.w.savers() {
			p.unsaved(r.batch)
		}
	}
	if err := k.trouble(r); err != nil {
		return err
	}
	for host, addrs := range r.found {
		if err := k.w.agents.Resolve(host, addrs); err != nil {
			r.unfound = append(r.unfound, err)
		}
	}
	for _, err := range r.unfound {
		k.w.a.warn("%v; the addresses known before stay", err)
	}
	if r.read != nil || !r.looked {
		return nil
	}
	if k.w.exposed.Load() {
		k.w.ignore(r)
		return nil
	}
	k.w.heed(r.said)
	if r.policy == nil {
		return nil
	}
	k.w.state = r.state
	return k.w.replace(r.policy)
}

// ignore takes nothing up: the command may have written it.
func (w *watching) ignore(r *round) {
	if r.policy != nil && !w.ignored {
		w.ignored = true
		w.a.warn("what was approved meanwhile holds from the next command on: without namespaces this one may have written it itself")
	}
}

// mergedHits are the same hits, one entry for each agent: they wait until they can
// be kept.
func mergedHits(list []learn.Hits) (out []learn.Hits) {
	at := map[string]int{}
	for _, h := range list {
		i, ok := at[h.Agent]
		if !ok {
			at[h.Agent] = len(out)
			out = append(out, h)
			continue
		}
		out[i].Merge(h)
	}
	return out
}

// shortTrouble is for how long another process may have the database before that is
// more than waiting.
const shortTrouble = time.Minute

// trouble says, once, that nothing can be kept or taken up, and that it can be
// again. Watching goes on: what is found is told, and kept when there is room.
func (k *keeper) trouble(r *round) error {
	now, path := k.w.a.now(), k.w.a.path()
	if k.err = r.wrote; k.err == nil {
		k.err = r.read
	}
	switch {
	case k.err == nil && k.failing.IsZero():
		return nil
	case k.err == nil:
		k.failing = time.Time{}
		k.w.a.say("%s: can be used again; what was found meanwhile is kept", path)
		k.w.health.passes("database")
		return k.w.tellAll(k.w.watch.Ledger().Resolve(func(a *enforce.Alert) bool { return a.Kind == enforce.NotKept }))
	}
	if k.failing.IsZero() {
		k.failing = now
		k.w.a.warn("%v; watching goes on", k.err)
	}
	if errors.Is(k.err, store.ErrLocked) && now.Sub(k.failing) < shortTrouble {
		return nil
	}
	why := "what is found is told, but neither it nor the place in the log can be kept: "
	if r.wrote == nil {
		why = "what was approved or said of alerts since cannot be taken up: "
	}
	k.w.health.fails("database", now, why+k.err.Error(), learn.HintOf(k.err))
	return k.w.raise(enforce.Finding(enforce.NotKept, enforce.High, now, "", path, why+k.err.Error()))
}
