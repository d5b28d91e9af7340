package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"tripline/learn"
	"tripline/learn/container"
	"tripline/learn/source"
	"tripline/store"
)

// Containers are where the engine says that containers are and were. A source
// sees addresses; which container had one, and when, only the engine knows.
type containers struct {
	a     *app
	where learn.Whereabouts

	mu      sync.Mutex
	pending []learn.Stay // that are not in the database yet
	told    []error

	nets   map[netip.Prefix]bool    // of the engine; nil where it is not followed
	vainly map[netip.Addr]time.Time // was waited for whose address it is
}

// find asks the engine where containers are, if an agent is found by one, and
// says so where the source cannot tell them from their host. While following,
// it goes on asking until ctx ends.
func (in *input) find(ctx context.Context, a *app, src source.Source, agents *learn.Agents) error {
	if err := a.checkProcesses(src, agents); err != nil {
		return err
	}
	wanted := agents.Contained()
	if len(wanted) == 0 {
		return nil
	}
	c := &containers{a: a}
	if err := c.recall(); err != nil {
		return err
	}
	if err := c.watch(ctx, in); err != nil {
		if len(c.where.Known()) == 0 && !src.Sees.Process {
			return err
		}
		a.warn("%v; what was known of containers before is used", err)
	}
	a.containers = c
	return c.check(src, wanted)
}

// locate gives agents the means to find containers.
func (a *app) locate(list ...*learn.Agents) {
	for _, agents := range list {
		if agents == nil {
			continue
		}
		if a.containers != nil {
			agents.Locate(&a.containers.where)
		}
		a.follow(agents)
	}
}

// ownerOf returns whose a flow is, once the engine had time to say so.
func (a *app) ownerOf(agents *learn.Agents, f *learn.Flow) (string, error) {
	a.containers.await(f)
	return agents.Of(f)
}

// recall reads what was kept.
func (c *containers) recall() error {
	if _, err := os.Stat(c.a.path()); err != nil {
		return nil //nolint:nilerr // nothing was kept yet; who needs a database says so
	}
	var stays []learn.Stay
	err := c.a.read(func(s *store.Store) (err error) {
		stays, err = s.Stays()
		return err
	})
	for _, s := range stays {
		c.where.Note(s)
	}
	return err
}

func (c *containers) watch(ctx context.Context, in *input) error {
	if c.a.config.Kubernetes.Use && in.docker == "" {
		return c.pods(ctx, in)
	}
	engine, err := container.Open(in.docker)
	if err != nil {
		return err
	}
	w := &container.Watcher{Engine: engine, Note: c.note, Told: c.tell, Subnet: c.subnet}
	if err := w.Begin(ctx); err != nil {
		return err
	}
	if in.follow {
		c.vainly = map[netip.Addr]time.Time{}
		go w.Watch(ctx)
	}
	return nil
}

// pods watches those of a cluster.
func (c *containers) pods(ctx context.Context, in *input) error {
	cluster, err := container.OpenCluster(c.a.config.Kubernetes)
	if err != nil {
		return err
	}
	w := &container.Pods{Cluster: cluster, Note: c.note, Told: c.tell}
	if err := w.Begin(ctx); err != nil {
		return err
	}
	if in.follow {
		go w.Watch(ctx)
	}
	return nil
}

func (c *containers) note(s learn.Stay) {
	c.where.Note(s)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = append(c.pending, s)
}

func (c *containers) subnet(p netip.Prefix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nets == nil {
		c.nets = map[netip.Prefix]bool{}
	}
	c.nets[p] = true
}

// What the engine says of a container may come later than the container's first
// packet: how long is waited for it, and how long not again.
const (
	engineTime = 2 * time.Second
	vainTime   = 10 * time.Second
)

// await waits until the engine has said which container a new connection is of. It
// does so for addresses of its networks alone: who has one is a container.
func (c *containers) await(f *learn.Flow) {
	if c == nil || c.vainly == nil || c.settled(f) || !c.owns(f.Src) || c.a.now().Sub(f.Time) > vainTime {
		return
	}
	began := c.a.now()
	if began.Sub(c.vainly[f.Src]) < vainTime {
		return
	}
	for c.a.now().Sub(began) < engineTime {
		if c.settled(f) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	if len(c.vainly) >= mostOthers {
		clear(c.vainly)
	}
	c.vainly[f.Src] = c.a.now()
}

// settled says whether it is known which container had the source of a flow, and
// not only which one had it before.
func (c *containers) settled(f *learn.Flow) bool {
	s, known := c.where.Holder(f.Src, f.Time)
	return known && (s.To.IsZero() || !f.Time.After(s.To))
}

// owns says whether an address is of a network of the engine, and not that of the
// host in it, as far as that is the usual one.
func (c *containers) owns(addr netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := range c.nets {
		if p.Contains(addr) && addr != p.Addr().Next() {
			return true
		}
	}
	return false
}

func (c *containers) tell(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.ContainsFunc(c.told, func(e error) bool { return e.Error() == err.Error() }) {
		c.told = append(c.told, err)
		c.a.warn("%v%s", err, andHint(err))
	}
}

// andHint is the hint of a warning, in parentheses.
func andHint(err error) string {
	if hint := learn.HintOf(err); hint != "" {
		return " (" + hint + ")"
	}
	return ""
}

// keep writes what is new to the database; while another process writes, it
// waits for the next time.
func (c *containers) keep() {
	if c == nil {
		return
	}
	c.mu.Lock()
	stays := c.pending
	c.pending = nil
	c.mu.Unlock()
	if len(stays) == 0 {
		return
	}
	if err := c.a.write("containers", func(s *store.Store) error { return s.PutStays(stays) }); err != nil {
		c.mu.Lock()
		c.pending = append(stays, c.pending...)
		c.mu.Unlock()
	}
}

// sharing says whether a container that is looked for has only the address of the
// host: a source that sees processes tells it all the same.
func (c *containers) sharing(by learn.Criterion) bool {
	return slices.ContainsFunc(c.where.Known(), func(k learn.Container) bool { return by.Finds(&k) })
}

// check says whether the source can tell the containers from their host.
func (c *containers) check(src source.Source, wanted []learn.Criterion) error {
	for _, by := range wanted {
		var all, hidden []string
		for _, s := range c.where.Stays() {
			if !by.Finds(&s.Container) {
				continue
			}
			all = append(all, s.Name)
			if s.NAT {
				hidden = append(hidden, fmt.Sprintf("%s (%s)", learn.Printable(s.Name), s.Addr))
			}
		}
		switch {
		case len(all) == 0 && c.sharing(by):
		case len(all) == 0:
			c.a.warn("%s: no container matches it, now or in what was kept", learn.Printable(by.String()))
		case src.Sees.AfterNAT && len(hidden) == len(all):
			return learn.WithHint(fmt.Errorf("%s: %s is behind NAT: %s sees the address of the host, and other containers have the same",
				learn.Printable(by.String()), strings.Join(slices.Compact(hidden), ", "), src.Name),
				"read a source on the host itself (pcap, conntrack, eve, zeek: \"tripline sources\"), or give the container an address of its own (macvlan, or a bridge in routed mode)")
		}
	}
	return nil
}
