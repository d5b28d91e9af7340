package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tripline/enforce"
	"tripline/enforce/export"
)

// maxShrink is how much of a table may go without a person, where the
// configuration says nothing.
const maxShrink = 0.5

// A refusal is a table that was not put in place.
type refusal struct {
	table, agent string
	why          error
}

// fresh writes the alias files of a policy again where they say something else
// than those that are there, and says of each table what becomes of it. What a
// table would lose too much by stays as it was, with all that goes with it.
func (o *exportOptions) fresh(p *enforce.Policy, most float64) (*turnover, error) {
	files, notes, err := o.files(p)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil { //nolint:gosec // a web server publishes them
		return nil, fmt.Errorf("write aliases: %w", err)
	}
	for _, f := range files {
		if path := filepath.Join(o.out, f.Name); same(path, o.merge) {
			return nil, fmt.Errorf("%s would be overwritten by its own merge", path)
		}
	}
	t := &turnover{dir: o.out, most: most, notes: notes}
	for _, f := range files {
		if err := t.take(f); err != nil {
			return nil, err
		}
	}
	if err := replaceFiles(o.out, t.kept()); err != nil {
		return nil, err
	}
	return t, nil
}

// A turnover is alias files on their way into a directory.
type turnover struct {
	dir     string
	most    float64
	changed []export.File
	told    []string
	news    bool // a table is new, or a person approved another baseline
	refused []refusal
	notes   []export.Note
}

// take looks at one file beside the one that is there.
func (t *turnover) take(f export.File) error {
	old, err := os.ReadFile(filepath.Join(t.dir, f.Name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		old = nil
	case err != nil:
		return fmt.Errorf("read earlier aliases: %w", err)
	}
	if bytes.Equal(old, f.Text) && (old == nil) == (f.Text == nil) {
		return nil
	}
	if name, ok := tableName(f); ok && old != nil {
		c := export.Compare(old, f.Text)
		if why := c.Refused(t.most); why != nil {
			t.refused = append(t.refused, refusal{name, export.ReadHeld(f.Text).Agent, why})
			return nil
		}
		t.told = append(t.told, name+": "+c.String())
		t.news = t.news || c.Approved
	} else if ok {
		t.news = true
		t.told = append(t.told, name+": new, "+export.ReadHeld(f.Text).String())
	}
	t.changed = append(t.changed, f)
	return nil
}

// tableName is the alias whose addresses a file has; ok is false for one of
// another kind.
func tableName(f export.File) (name string, ok bool) {
	name, ok = strings.CutSuffix(f.Name, ".txt")
	return name, ok && f.Text != nil && name != "README" && !strings.HasSuffix(name, "_ports") && !strings.HasSuffix(name, ".import")
}

// kept are the files to write. While a table is refused, what explains all of
// them and what repeats its addresses stays as well.
func (t *turnover) kept() []export.File {
	if len(t.refused) == 0 {
		return t.changed
	}
	return slices.DeleteFunc(t.changed, func(f export.File) bool {
		if f.Name == "README.txt" || strings.HasSuffix(f.Name, ".xml") {
			return true
		}
		return slices.ContainsFunc(t.refused, func(r refusal) bool { return strings.HasPrefix(f.Name, r.table+".") })
	})
}

// tell says what became of the tables.
func (t *turnover) tell(a *app) {
	switch {
	case len(t.changed) == 0 && len(t.refused) == 0:
		a.say("the alias files in %s are up to date", t.dir)
		return
	case len(t.changed) > 0:
		a.say("%d alias files written to %s", len(t.changed), t.dir)
	}
	for _, line := range t.told {
		a.say("  %s", line)
	}
	for _, n := range t.notes {
		if t.news { // what was told when it was approved stands in the files
			a.warn("%s", n)
		}
	}
}
