package main

import (
	"context"
	"slices"

	"tripline/learn"
	"tripline/learn/source"
)

// A learning is one file being learned.
type learning struct {
	a     *app
	o     *learnOptions
	src   source.Source
	path  string
	tally *tally
	names *naming
	all   *learn.Agents // also those that are not learned now: a flow may be theirs too

	// silent is how far files were read that say nothing of an agent. It is kept
	// only if another file of the command does: else something is wrong, and once
	// that is mended the file is to be read again.
	silent map[string][]byte
	over   int64 // lines of the file that were passed over: they were read by another name
}

// A group is agents that were read equally far in a file.
type group struct {
	agents *learn.Agents
	cursor []byte   // nil if the file is new to them by its name
	known  [][]byte // places in contents, by whatever name
}

// file learns one file, once for each group. It says whether the file was new
// to all of them.
func (l *learning) file(ctx context.Context, agents *learn.Agents) (fresh bool, err error) {
	l.over = 0
	groups, err := l.groups(agents)
	if err != nil {
		return false, err
	}
	fresh = !slices.ContainsFunc(groups, func(g group) bool { return g.cursor != nil })
	for l.o.follow && len(groups) > 1 && ctx.Err() == nil {
		moved, err := l.round(ctx, groups)
		if err != nil {
			return fresh, err
		}
		if !moved { // none found anything new: all are at the same place
			last := groups[len(groups)-1]
			groups = []group{{agents: agents, cursor: last.cursor, known: last.known}}
		}
	}
	if len(groups) == 1 {
		_, err = l.read(ctx, &groups[0], l.o.follow)
	} else {
		_, err = l.round(ctx, groups)
	}
	if fresh && l.over > 0 {
		l.a.say("%s: %s were read before, by another name", l.path, count(uint64(l.over), "line", "lines"))
	}
	return fresh && l.over == 0, err
}

// round reads what there is for each group, and says whether there was any.
func (l *learning) round(ctx context.Context, groups []group) (moved bool, err error) {
	for i := range groups {
		m, err := l.read(ctx, &groups[i], false)
		if err != nil {
			return moved, err
		}
		moved = moved || m
	}
	return moved, nil
}

// groups returns the agents by how far they were read, those that were not last.
// Standard input has no place to be kept.
func (l *learning) groups(agents *learn.Agents) ([]group, error) {
	if l.path == "-" {
		return []group{{agents: agents}}, nil
	}
	if err := l.waiting(agents); err != nil {
		return nil, err
	}
	all, err := l.reached(agents)
	if err != nil {
		return nil, err
	}
	relevant, err := l.relevant(all)
	if err != nil {
		return nil, err
	}
	lists := map[string][]reached{}
	var order []string
	for _, r := range all {
		at := r.where(relevant)
		if lists[at] == nil && at != "" {
			order = append(order, at)
		}
		lists[at] = append(lists[at], r)
	}
	if lists[""] != nil {
		order = append(order, "")
	}
	return l.grouped(order, lists)
}

func (l *learning) grouped(order []string, lists map[string][]reached) (groups []group, err error) {
	for _, at := range order {
		g := group{cursor: lists[at][0].cursor, known: common(lists[at])}
		var list []learn.Agent
		for _, r := range lists[at] {
			list = append(list, r.agent)
		}
		if g.agents, err = learn.NewAgents(list); err != nil {
			return nil, err
		}
		l.a.locate(g.agents)
		groups = append(groups, g)
	}
	return groups, nil
}

// read learns one file for a group, from its cursor to the end, or on and on.
// It moves the cursor, and says whether there was anything to read.
func (l *learning) read(ctx context.Context, g *group, follow bool) (moved bool, err error) {
	if err := resolve(ctx, g.agents); err != nil {
		return false, err
	}
	opts, err := l.o.options(l.a, g.agents)
	if err != nil {
		return false, err
	}
	opts.Follow, opts.Known, opts.Keep = follow, g.known, l.path != "-"
	s, err := source.Open(l.src, l.path, g.cursor, opts)
	if err != nil {
		return false, err
	}
	defer s.Close() //nolint:errcheck // it was only read
	over := s.Stats().Known
	l.over = max(l.over, over)
	rec := newRecorder(l.a, l.o.run)
	p := &pass{learning: l, group: g, stream: s, rec: rec, follow: follow, bad: map[string]uint64{}, progress: newProgress(l.a), fresh: g.cursor == nil && over == 0}
	if p.vigil = (&vigil{a: l.a, path: l.path}); follow {
		p.vigil = newVigil(l.a, l.src, l.path)
	}
	err = p.loop(ctx)
	if closing := rec.close(); closing != nil {
		return p.moved, closing
	}
	p.progress.clear()
	l.tally.lose(l.a, l.path, s.Stats())
	p.vigil.end(s.Stats())
	l.a.sightings(s)
	return p.moved, err
}
