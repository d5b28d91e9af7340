package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/source"
	"tripline/store"
)

var sourcesCheck = check{name: "sources", short: "the logs can be read, and tell of the agents", look: lookSources}

// sourcesJoined stands between paths that are read as one.
const sourcesJoined = " + "

// tailSize is how much of the end of a log is looked at.
const tailSize = 1 << 20

// logSilent is when nothing more is written to a log that is followed.
const logSilent = time.Hour

// A looked is the end of one log.
type looked struct {
	src     source.Source
	path    string
	info    fs.FileInfo
	tally   *tally
	agents  []learn.Agent
	newest  time.Time // stamp of the newest record
	assumed bool      // that carries no zone
	err     error
}

// logs reads the end of the logs that were named, or else of those that were read
// before: once for all checks.
func (d *doctor) logs(context.Context) ([]*looked, error) {
	if d.read != nil {
		return d.read, nil
	}
	list, err := d.inputs()
	if err != nil {
		return nil, err
	}
	d.read = []*looked{}
	for _, in := range list {
		l := &looked{src: in.Source, path: in.Path, tally: newTally()}
		l.tally.src = in.Source
		l.err = d.tail(l)
		d.read = append(d.read, l)
	}
	return d.read, nil
}

// inputs are the logs to look at.
func (d *doctor) inputs() (list []source.Input, err error) {
	for _, text := range d.from {
		name, path, ok := strings.Cut(text, "=")
		if !ok {
			return nil, learn.WithHint(fmt.Errorf("--from %s: which file?", learn.Printable(text)), "--from %s=/var/log/filter.log", learn.Printable(text))
		}
		s, err := source.Find(name)
		if err != nil {
			return nil, err
		}
		list = append(list, source.Input{Source: s, Path: path})
	}
	if len(list) > 0 {
		return list, nil
	}
	return d.readBefore()
}

// readBefore are the logs that learn and enforce keep a place in.
func (d *doctor) readBefore() (list []source.Input, err error) {
	err = d.a.withStore(func(s *store.Store) error {
		keys, err := s.Cursors("")
		for key := range keys {
			key = strings.TrimPrefix(key, "enforce\x00")
			parts := strings.Split(key, "\x00")
			if len(parts) < 2 || parts[1] == content {
				continue
			}
			for _, in := range inputsOf(parts[0], parts[1]) {
				if !slices.ContainsFunc(list, in.Is) {
					list = append(list, in)
				}
			}
		}
		return err
	})
	slices.SortFunc(list, func(a, b source.Input) int {
		return cmp.Or(strings.Compare(a.Source.Name, b.Source.Name), strings.Compare(a.Path, b.Path))
	})
	return list, err
}

// inputsOf are the single logs of what was read as one. Where it cannot be told
// which source wrote which of them, there are none.
func inputsOf(name, path string) (list []source.Input) {
	names, paths := strings.Split(name, "+"), strings.Split(path, sourcesJoined)
	if _, err := os.Stat(path); err == nil || len(names) == 1 && len(paths) == 1 {
		names, paths = []string{name}, []string{path}
	}
	for i, p := range paths {
		if len(names) != 1 && len(names) != len(paths) {
			return nil
		}
		src, err := source.Find(names[min(i, len(names)-1)])
		if err != nil {
			return nil
		}
		list = append(list, source.Input{Source: src, Path: p})
	}
	return list
}

// tail reads the end of one log.
func (d *doctor) tail(l *looked) error {
	if source.IsAddress(l.path) || l.src.Lines == nil {
		return nil
	}
	text, err := d.end(l)
	if err != nil {
		return err
	}
	known := []learn.Agent{}
	err = d.a.withStore(func(s *store.Store) (err error) { known, err = storedAgents(s); return err })
	if err != nil {
		return err
	}
	if l.agents, err = d.selected(d.a, known); err != nil {
		return err
	}
	agents, err := learn.NewAgents(l.agents)
	if err != nil {
		return err
	}
	opts, err := d.options(d.a, agents)
	if err != nil {
		return err
	}
	opts.Stdin, opts.Whole = bytes.NewReader(text), true
	s, err := source.Open(l.src, "-", nil, opts)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // it was only read
	return l.records(d.a, s, agents)
}

func (l *looked) records(a *app, s source.Stream, agents *learn.Agents) error {
	var r source.Record
	for {
		err := s.Next(&r)
		if exhausted(err) {
			return nil
		}
		if bad, ok := recordError(err); ok {
			l.tally.error(l.path, bad)
			continue
		}
		if err != nil {
			return err
		}
		if r.Time.After(l.newest) && !r.TimeAssumed {
			l.newest, l.assumed = r.Time, r.ZoneAssumed
		}
		if l.tally.record(&r) {
			r.Agent = l.tally.owner(a, agents, &r.Flow)
			l.tally.claim(&r.Flow)
		}
	}
}

// end returns the last lines of a file.
func (d *doctor) end(l *looked) ([]byte, error) {
	f, err := os.Open(l.path)
	if err != nil {
		return nil, permitted(err, l.path)
	}
	defer f.Close() //nolint:errcheck // it was only read
	if l.info, err = f.Stat(); err != nil {
		return nil, err //nolint:wrapcheck // names the file
	}
	if !l.info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", l.path)
	}
	from := max(0, l.info.Size()-tailSize)
	text, err := io.ReadAll(io.NewSectionReader(f, from, tailSize))
	if from > 0 {
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			text = text[i+1:]
		}
	}
	return text, err //nolint:wrapcheck // names the file
}

func lookSources(ctx context.Context, d *doctor) error {
	list, err := d.logs(ctx)
	if err != nil {
		return err
	}
	switch boxed, err := d.boxed(); {
	case err != nil:
		return err
	case len(list) == 0 && boxed:
		d.ok("", "no log is read: what is known comes from commands in a sandbox, of which tripline doctor sandbox says more")
	case len(list) == 0:
		d.warn("", "tripline doctor sources --from filterlog=/var/log/filter.log --agent bot=192.0.2.50", "no log was read yet, and none is named: nothing to look at")
	}
	for _, l := range list {
		d.lookLog(l)
	}
	return nil
}

// boxed says whether anything was learned from a command in a sandbox.
func (d *doctor) boxed() (found bool, err error) {
	err = d.a.withStore(func(s *store.Store) error {
		runs, err := s.Runs()
		found = slices.ContainsFunc(runs, func(r store.Run) bool { return r.Counters[sandboxCounter] > 0 })
		return err
	})
	return found, err
}

func (d *doctor) lookLog(l *looked) {
	what := l.src.Name + " " + l.path
	switch {
	case l.err != nil && errors.Is(l.err, fs.ErrNotExist):
		d.fail(what, "ls -l "+quotedPath(filepath.Dir(l.path)), "it is not there")
		return
	case l.err != nil:
		d.failed(what, l.err)
		return
	case l.info == nil:
		d.ok(what, "no log of lines: not looked into")
		return
	case l.src.Sees.Evidence:
		d.lookNames(l, what)
		return
	}
	if err := l.tally.errNothing(l.path, l.agents); err != nil {
		if l.tally.counted > 0 { // others speak: the agent may be silent
			d.warn(l.src.Name, learn.HintOf(err), "%v", err)
		} else {
			d.fail(l.src.Name, learn.HintOf(err), "%v", err)
		}
		return
	}
	if age := d.a.now().Sub(l.info.ModTime()); age > logSilent {
		d.warn(what, "ls -l "+quotedPath(l.path)+"; is the firewall still logging, and to here?", "nothing was written to it for %s", age.Round(time.Minute))
	}
	bad := ""
	if n := l.tally.unread(); n > 0 {
		bad = "; " + count(n, "record", "records") + " unreadable"
	}
	d.ok(what, "%s of %s among the last %s, the newest at %s%s", count(l.tally.claimed(), "connection", "connections"), agentNamesOf(l.agents),
		count(l.tally.records, "record", "records"), l.newest.Format(time.DateTime), bad)
	d.exposed(l.path)
}

// lookNames is about a log that has no connections, but names.
func (d *doctor) lookNames(l *looked, what string) {
	if l.tally.readable() == 0 {
		d.warn(what, l.tally.speaks().How, "nothing could be read in its end: %s", count(l.tally.records, "record", "records"))
		return
	}
	d.ok(what, "%s readable in its end", ipranges.Thousands(l.tally.readable()))
}

// exposed notes who else can change what is believed.
func (d *doctor) exposed(path string) {
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o002 != 0 {
		d.warn(path, "chmod o-w "+quotedPath(path), "anybody on this machine can write what the firewall is said to have seen")
	}
}

func agentNamesOf(list []learn.Agent) string {
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = a.Name
	}
	return strings.Join(names, ", ")
}
