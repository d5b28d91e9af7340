package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tripline/enforce"
	"tripline/enforce/export"
	"tripline/learn"
	"tripline/store"
)

type exportOptions struct {
	to     string
	out    string
	agents []string
	prefix string
	merge  string
	url    string
	most   int
	whole  bool // no agent is left out
}

func newExportCommand(a *app) *cobra.Command {
	var o exportOptions
	c := &cobra.Command{
		Use:   "export --to FORMAT -o DIR",
		Short: "Write the approved baseline for a firewall",
		Long: `export writes the approved baselines in a firewall's language, as files in DIR. For
pfSense these are URL-table files, port files, text for bulk import and an aliases
section that merges into the firewall's own with --merge. What an address alias
cannot express stands in the comments of the files and on standard error.

With --max-entries a table that is larger is written with as many prefixes as that,
the ones that open least beyond the baseline; how much stands there as well. What is
never to be admitted stays closed: a limit that would need it is refused.

Exit status:
  0  written
  2  not written; standard error says why`,
		Example: `  tripline export --to pfsense -o aliases/
  tripline export --to pfsense -o aliases/ --merge aliases-config.xml --url http://192.0.2.5/aliases`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context(), a) },
	}
	o.flags(c)
	return c
}

// defaultExport is the format where none is named.
const defaultExport = "pfsense"

func (o *exportOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.to, "to", defaultExport, "`FORMAT`: "+formats())
	f.StringVarP(&o.out, "out", "o", "", "`DIR` for the files, made if it is missing")
	if f.Lookup("agent") == nil {
		f.StringArrayVar(&o.agents, "agent", nil, "only the agent `NAME`; repeatable")
	}
	f.StringVar(&o.prefix, "prefix", "", "`WORD` that the names of aliases begin with (default tripline)")
	f.StringVar(&o.merge, "merge", "", "the firewall's own downloaded aliases or config.xml, a `FILE` to merge into")
	f.IntVar(&o.most, "max-entries", 0, "write each table with at most `N` entries, and say what that opens (default 0, no limit)")
	f.StringVar(&o.url, "url", "", "where the firewall will fetch the files: `URL`; makes URL-table aliases")
}

func formats() string {
	names := make([]string, len(export.All))
	for i, f := range export.All {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}

func (o *exportOptions) run(_ context.Context, a *app) error {
	if o.out == "" {
		return learn.WithHint(errors.New("no directory to write to"), "tripline export --to pfsense -o aliases/")
	}
	var p *enforce.Policy
	err := a.read(func(s *store.Store) (err error) {
		p, err = a.filtered(s, o.agents)
		return err
	})
	if err != nil {
		return err
	}
	o.whole = len(o.agents) == 0
	n, err := o.write(a, p)
	if err != nil {
		return err
	}
	a.say("%s in %s; README.txt there says what each is for", count(uint64(n), "file", "files"), o.out)
	return nil
}

// write writes the files of a policy and says what they cannot express. It
// returns how many there are.
func (o *exportOptions) write(a *app, p *enforce.Policy) (int, error) {
	files, notes, err := o.files(p)
	if err != nil {
		return 0, err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil { //nolint:gosec // a web server publishes them
		return 0, fmt.Errorf("write aliases: %w", err)
	}
	for _, f := range files { // before anything is written
		if path := filepath.Join(o.out, f.Name); same(path, o.merge) {
			return 0, learn.WithHint(fmt.Errorf("%s would be overwritten by its own merge", path), "write to another directory with -o")
		}
	}
	if err := replaceFiles(o.out, files); err != nil {
		return 0, err
	}
	for _, n := range notes {
		a.warn("%s", n)
	}
	return len(slices.DeleteFunc(files, func(f export.File) bool { return f.Text == nil })), nil
}

// files returns what there is to write, which depends on what is there.
func (o *exportOptions) files(p *enforce.Policy) ([]export.File, []export.Note, error) {
	format, err := export.Find(o.to)
	if err != nil {
		return nil, nil, err
	}
	opts := export.Options{Agents: o.agents, Prefix: o.prefix, URL: o.url, Most: o.most, Whole: o.whole}
	if o.merge != "" {
		if opts.Merge, err = os.ReadFile(o.merge); err != nil {
			return nil, nil, fmt.Errorf("read the firewall's aliases: %w", err)
		}
	}
	if opts.Old, err = beginnings(o.out, ".txt"); err != nil {
		return nil, nil, fmt.Errorf("read earlier aliases: %w", err)
	}
	return format.Files(p, opts)
}

// same says whether two paths are one file.
func same(a, b string) bool {
	if b == "" {
		return false
	}
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}
