package store

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// Destinations returns what an agent talked to, by protocol, port, address and
// name; of all agents, by agent first, if agent is "".
func (s *Store) Destinations(agent string) (all []learn.Destination, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		if all, err = destinations(tx, agent); err != nil {
			return err
		}
		all, err = s.withLasting(tx, agent, all)
		return err
	})
	return all, err
}

// withLasting counts the connections that have not ended as well.
func (s *Store) withLasting(tx *bbolt.Tx, agent string, all []learn.Destination) ([]learn.Destination, error) {
	at := map[place]int{}
	err := learnedLasting(tx, &s.codec, agent, func(r *Recorded) {
		if len(at) == 0 {
			for i := range all {
				at[place{all[i].Agent, all[i].Target}] = i
			}
		}
		p := place{r.Agent, learn.Target{Service: r.Service(), Addr: r.Dst, Name: r.Name}}
		i, ok := at[p]
		if !ok {
			i = len(all)
			at[p] = i
			all = append(all, learn.Destination{Agent: p.agent, Target: p.Target})
		}
		all[i].Add(&r.Flow, r.Run)
	})
	if len(at) > 0 {
		slices.SortFunc(all, func(a, b learn.Destination) int {
			return cmp.Or(strings.Compare(a.Agent, b.Agent), bytes.Compare(appendTarget(nil, a.Target), appendTarget(nil, b.Target)))
		})
	}
	return all, err
}

func destinations(tx *bbolt.Tx, agent string) (all []learn.Destination, err error) {
	names, err := runNames(tx)
	if err != nil {
		return nil, err
	}
	err = eachAgent(tx.Bucket([]byte(bDestinations)), agent, func(name string, b *bbolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			d, err := destinationOf(k, v, names)
			if err != nil {
				return damaged(fmt.Sprintf("agent %q: %v", name, err))
			}
			d.Agent = name
			all = append(all, d)
			return nil
		})
	})
	return all, err
}

// eachAgent calls fn with the bucket of one agent, or of all.
func eachAgent(in *bbolt.Bucket, agent string, fn func(string, *bbolt.Bucket) error) error {
	if agent == "" {
		return in.ForEachBucket(func(k []byte) error { return fn(string(k), in.Bucket(k)) })
	}
	if b := in.Bucket([]byte(agent)); b != nil {
		return fn(agent, b)
	}
	return nil
}

func destinationOf(k, v []byte, runs map[uint32]string) (learn.Destination, error) {
	s, long, err := sumOf(v)
	if err != nil {
		return learn.Destination{}, err
	}
	t, err := targetOf(k, long)
	if err != nil {
		return learn.Destination{}, err
	}
	d := learn.Destination{
		Target: t, Evidence: s.evidence, First: s.first.time(), Last: s.last.time(),
		Flows: s.flows, Blocked: s.refused, Up: s.up, Down: s.down, Blocks: s.blocks,
		Runs: make([]string, len(s.runs)),
	}
	for i, id := range s.runs {
		name, ok := runs[id]
		if !ok {
			return learn.Destination{}, fmt.Errorf("destination %s %s: no run has number %d", t.Service, t.Addr, id)
		}
		d.Runs[i] = name
	}
	slices.Sort(d.Runs)
	return d, nil
}
