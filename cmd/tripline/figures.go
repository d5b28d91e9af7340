package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

// A figuring is the part of enforce that keeps figures of what was seen in a file:
// alerts say what was found, and this what it was found in.
type figuring struct {
	w       *watching
	path    string
	written time.Time
}

// figuresEvery is how often the file is written while following.
const figuresEvery = time.Minute

// figuresJSON is the file: one schema, only ever extended.
type figuresJSON struct {
	At         time.Time         `json:"at"`
	Records    uint64            `json:"records"`
	Unreadable uint64            `json:"unreadable"`
	Agents     []agentFigures    `json:"agents"`
	Sources    []sourceFigures   `json:"sources,omitempty"` // where there are several of connections
	Flows      map[string]uint64 `json:"flows"`             // by verdict
}

type agentFigures struct {
	Agent string     `json:"agent"`
	Flows uint64     `json:"flows"`
	Names *namesJSON `json:"names"`
}

// A sourceFigures is what one of several sources saw of all connections, and how
// much later than the one beside it, it stamps them.
type sourceFigures struct {
	Source      string  `json:"source"`
	Connections uint64  `json:"connections"`
	Alone       uint64  `json:"alone"`
	Later       float64 `json:"stamps_later_seconds"`
	Beside      string  `json:"beside,omitempty"`
}

func newFiguring(w *watching) (part, error) {
	if w.o.figures == "" {
		return nil, nil //nolint:nilnil // nobody asked for it
	}
	f := &figuring{w: w, path: w.o.figures}
	return f, f.write(w.a.now()) // what cannot be written is said at once
}

// flow implements [part].
func (*figuring) flow(*learn.Flow, enforce.Verdict) error { return nil }

// tick implements [part].
func (f *figuring) tick(_ context.Context, now time.Time) error {
	if now.Sub(f.written) < figuresEvery {
		return nil
	}
	if err := f.write(now); err != nil { // a full disk is no reason not to watch
		f.written = now
		f.w.a.warn("%v", err)
	}
	return nil
}

// close implements [part].
func (f *figuring) close() error { return f.write(f.w.a.now()) }

func (f *figuring) write(now time.Time) error {
	f.written = now
	var b bytes.Buffer
	enc := json.NewEncoder(learn.PrintableJSON(&b))
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(f.figures(now)); err != nil {
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	return writeFile(f.path, b.Bytes())
}

func (f *figuring) figures(now time.Time) figuresJSON {
	w := f.w
	out := figuresJSON{At: now.UTC(), Records: w.tally.records, Unreadable: w.tally.unread(), Flows: map[string]uint64{}}
	for v := enforce.Allowed; v <= enforce.Forbidden; v++ {
		out.Flows[v.String()] = w.watch.Flows(v)
	}
	for _, name := range w.names {
		c := w.naming.counts[name]
		if c == nil {
			c = &learn.Names{}
		}
		out.Agents = append(out.Agents, agentFigures{name, w.tally.agents[name], newNames(c)})
	}
	if s, ok := w.stream.(watched); ok {
		for _, c := range s.Sighted() {
			out.Sources = append(out.Sources, sourceFigures{c.Source, c.All, c.Alone, c.Later.Seconds(), c.Beside})
		}
	}
	return out
}
