package main

import (
	"context"
	"fmt"
	"maps"
	"time"

	"tripline/learn"
	"tripline/learn/source"
)

// A pass is one reading of a file for one group of agents.
type pass struct {
	*learning
	group    *group
	stream   source.Stream
	rec      *recorder
	follow   bool
	bad      map[string]uint64 // unreadable records since the last commit
	progress *progress
	vigil    *vigil // while following
	lookups  lookups
	dirty    bool // something was read since the last commit
	moved    bool // something was read
	fresh    bool // the file is new to the group
	claimed  uint64
}

// ages between commits: while following, what was seen is on disk within a
// second.
const (
	batchAge  = 5 * time.Second
	followAge = time.Second
)

func (p *pass) loop(ctx context.Context) error {
	var r source.Record
	age := batchAge
	if p.follow {
		age = followAge
	}
	for n := 0; ; n++ {
		if n&0xfff == 0 {
			if ctx.Err() != nil || p.rec.failed() {
				return p.stop(ctx)
			}
			p.progress.show(p.stream, p.tally.claimed())
			if p.dirty && p.rec.due(age) {
				if err := p.commit(); err != nil {
					return err
				}
			}
		}
		err := p.stream.Next(&r)
		switch {
		case err == nil:
			p.dirty = true
			if err := p.record(&r); err != nil {
				return err
			}
		case exhausted(err):
			if more, err := p.idle(ctx, age); !more {
				return err
			}
			n = -1
		default:
			if err := p.unread(err); err != nil {
				return err
			}
		}
	}
}

func (p *pass) record(r *source.Record) error {
	p.names.note(r.Answer)
	if !p.tally.record(r) {
		return nil
	}
	both := p.tally.both
	r.Agent = p.owner(&r.Flow)
	if p.tally.both > both {
		return nil
	}
	p.tally.claim(&r.Flow)
	if r.Agent != "" {
		p.claimed++
		p.names.name(&r.Flow, r.Hidden)
		p.rec.add(&r.Flow)
	}
	return nil
}

// owner returns the agent of the group that a flow belongs to, "" if none. All
// known agents are asked: what is another one's too belongs to neither.
func (p *pass) owner(f *learn.Flow) string {
	own, err := p.a.ownerOf(p.group.agents, f)
	if own == "" && err == nil {
		return ""
	}
	return p.tally.owner(p.a, p.all, f)
}

// unread counts what could not be read; any other error ends the pass, with
// what was read before it kept.
func (p *pass) unread(err error) error {
	bad, ok := recordError(err)
	if !ok {
		return p.broken(err)
	}
	p.dirty = true
	p.bad[string(bad.Cause)]++
	p.tally.error(p.stream.File(), bad)
	return nil
}

// broken ends a pass whose file cannot be read to its end.
func (p *pass) broken(err error) error {
	if err := p.commit(); err != nil {
		return err
	}
	return cutShort(err, "what was read before that is kept; copy the file again, whole, and run the same command")
}

// idle is called at the end of what there is. It says whether to go on.
func (p *pass) idle(ctx context.Context, age time.Duration) (more bool, err error) {
	if p.dirty {
		if p.follow {
			p.vigil.heard(p.a.now())
		}
		if err := p.commit(); err != nil {
			return false, err
		}
	}
	if !p.follow {
		return false, nil
	}
	p.vigil.look(p.a.now(), p.tally, p.stream.Stats())
	p.vigil.rates(p.a.now(), source.Senders(p.stream))
	p.lookups.again(ctx, p.a, p.all)
	if err := p.stream.Wait(ctx, age); err != nil && ctx.Err() == nil {
		return false, err
	}
	return true, nil
}

func (p *pass) commit() error {
	var cursors map[string][]byte
	if p.path != "-" {
		cursor, err := p.stream.Cursor()
		if err != nil {
			return err
		}
		left, err := p.stream.Finished()
		if err != nil {
			return err
		}
		if p.group.cursor = cursor; cursor != nil {
			cursors = p.places(cursor, left)
		}
	}
	if p.fresh && p.claimed == 0 && !p.follow {
		maps.Copy(p.silent, cursors)
	} else {
		p.rec.commit(cursors, p.bad)
	}
	p.bad, p.dirty, p.moved = map[string]uint64{}, false, true
	return nil
}

// places returns what is to be kept for each agent of the group: the place in
// the file, and those in contents that were left.
func (p *pass) places(cursor []byte, left map[string][]byte) map[string][]byte {
	places := map[string][]byte{}
	for _, agent := range p.group.agents.List() {
		places[p.key(agent.Name)] = cursor
		for name, place := range left {
			places[p.under(content, agent.Name)+name] = place
		}
		for _, part := range p.src.Parts {
			if at := source.CursorOf(part, cursor); at != nil {
				alone := learning{src: part.Source, path: part.Path}
				places[alone.key(agent.Name)] = at
			}
		}
	}
	return places
}

// stop ends a pass that was interrupted, or whose writing failed.
func (p *pass) stop(ctx context.Context) error {
	if p.rec.failed() {
		return nil // close says why
	}
	if err := p.commit(); err != nil {
		return err
	}
	if p.o.follow {
		return nil
	}
	return learn.WithHint(fmt.Errorf("read %s: %w", p.path, context.Cause(ctx)), "what was read is kept; the same command goes on from there")
}
