package export

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tripline/enforce"
	"tripline/learn"
)

// A File is one text that an export produces.
type File struct {
	Name string // "tripline_bot_tcp443.txt"; never a path
	Text []byte // nil: a file of an earlier export that is to be removed
}

// A Note is something the format cannot express, or that a person has to know
// before using the files. It stands in the comments of the files as well. All
// fields are printable ASCII, whatever they were made from.
type Note struct {
	Agent string // "" if it concerns the whole export
	Rule  string // "" if it concerns no single rule
	Why   string
}

// String returns the note on one line: "bot: api.example.com tcp/443: ...".
func (n Note) String() string {
	parts := slices.DeleteFunc([]string{n.Agent, n.Rule, n.Why}, func(s string) bool { return s == "" })
	return strings.Join(parts, ": ")
}

// Options is what a policy does not say. The zero value is usable.
type Options struct {
	Agents []string // empty: all
	Prefix string   // of the names of tables; empty: "tripline"
	Merge  []byte   // the firewall's own configuration to merge into; nil: none
	URL    string   // where the files will be published; empty: entries stand inline
	Old    []File   // what is in the directory already; of each its first KiB will do
	Most   int      // entries of one table; 0: as many as it takes
	Whole  bool     // the policy has all agents there are: old files of others are over
}

// A Format writes a policy in a firewall's language. The files are in the order
// to put them in place, what explains them last. An error means that no file is
// to be written.
type Format struct {
	Name  string // what the command line calls it: "pfsense"
	Short string // one line of help, no full stop
	Files func(*enforce.Policy, Options) ([]File, []Note, error)
}

// All is every format, sorted by name.
var All = []Format{pfsense}

// Find returns the format called name. The error hints at those there are.
func Find(name string) (Format, error) {
	names := make([]string, len(All))
	for i, f := range All {
		if f.Name == name {
			return f, nil
		}
		names[i] = f.Name
	}
	return Format{}, learn.WithHint(fmt.Errorf("no export format called %q", name), "the formats are: %s", strings.Join(names, ", "))
}

// check refuses options that no policy like p can be exported with.
func (o *Options) check(p *enforce.Policy) error {
	if len(p.Agents) == 0 {
		return learn.WithHint(errors.New("no agent has an approved baseline, there is nothing to export"), "tripline review")
	}
	if o.Most < 0 {
		return fmt.Errorf("at most %d entries: want 1 or more", o.Most)
	}
	for _, name := range o.Agents {
		if p.Agent(name) == nil {
			return learn.WithHint(fmt.Errorf("agent %q has no approved baseline", name), "agents that have one: %s", agentList(p))
		}
	}
	return nil
}

func agentList(p *enforce.Policy) string {
	names := make([]string, len(p.Agents))
	for i, a := range p.Agents {
		names[i] = plain(a.Name)
	}
	return strings.Join(names, ", ")
}

// wants says whether the agent is to be exported.
func (o *Options) wants(agent string) bool {
	return len(o.Agents) == 0 || slices.Contains(o.Agents, agent)
}
