package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tripline/enforce/lock"
	"tripline/ipranges"
	"tripline/learn"
)

type lockCheckOptions struct {
	locks, logs []string
	format      string
	all         bool
}

func newLockCheckCommand(a *app) *cobra.Command {
	var o lockCheckOptions
	c := &cobra.Command{
		Use:   "lockcheck --lock FILE --proxylog FILE",
		Short: "Compare what a proxy handed out with a lock file",
		Long: `lockcheck compares the packages in the log of a proxy or a mirror with what lock files
fix, and says of each that was handed out:

  verified                 somebody hashed the bytes, and that hash is locked
  mismatch                 somebody hashed the bytes, and they are others
  not-verifiable           it is locked, and nobody hashed the bytes: no integrity
  fetched-not-locked       no package of that name is locked
  locked-version-mismatch  another version or file is locked

Lock files: Cargo.lock, go.sum, package-lock.json (2 and 3), pnpm-lock.yaml, poetry.lock,
pylock.toml, requirements.txt with hashes, uv.lock, yarn.lock. Logs, told apart line by
line: Squid (native, or JSON), the mitmproxy addon docs/mitmproxy_hashes.py, which alone
hashes bytes, Verdaccio, Athens, Artifactory's request log, nginx (combined); plain or
gzip, - is standard input. Both flags repeat.

Exit status:
  0  nothing but what is locked
  1  a mismatch, or something that is not locked
  2  it could not be told; standard error says why`,
		Example: `  tripline lockcheck --lock package-lock.json --proxylog /var/log/squid/access.log
  tripline lockcheck --lock uv.lock --lock Cargo.lock --proxylog hashes.jsonl --format json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return o.run(a) },
	}
	f := c.Flags()
	f.StringArrayVar(&o.locks, "lock", nil, "lock `FILE`; repeatable")
	f.StringArrayVar(&o.logs, "proxylog", nil, "log `FILE` of a proxy or mirror, - for standard input; repeatable")
	f.StringVar(&o.format, "format", "table", "`FORMAT` of what is shown: table or json (one object a line)")
	f.BoolVar(&o.all, "all", false, "also show what is verified or cannot be")
	return c
}

func (o *lockCheckOptions) run(a *app) error {
	switch {
	case o.format != "table" && o.format != "json":
		return fmt.Errorf("--format %q: want table or json", learn.Printable(o.format))
	case len(o.locks) == 0 || len(o.logs) == 0:
		return learn.WithHint(errors.New("want a lock file and a log"), "tripline lockcheck --lock package-lock.json --proxylog access.log")
	}
	var locks []*lock.Lock
	for _, path := range o.locks {
		l, err := readLock(path)
		if err != nil {
			return err
		}
		fixed := fmt.Sprintf("%s: %s, %s", learn.Printable(path), l.Format, count(uint64(len(l.Pins)), "artefact is fixed", "artefacts are fixed"))
		if l.Unfixed > 0 {
			fixed += fmt.Sprintf("; nothing is fixed by %s (the project itself, paths, git, ranges)", count(uint64(l.Unfixed), "entry", "entries"))
		}
		a.say("%s", fixed)
		locks = append(locks, l)
	}
	c := lock.NewChecker(locks...)
	for _, path := range o.logs {
		if err := readProxyLog(a, path, c); err != nil {
			return err
		}
	}
	if err := o.show(a, &c.Report); err != nil {
		return err
	}
	return told(a, &c.Report, strings.Join(o.logs, " "))
}

func readLock(path string) (*lock.Lock, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(f, lock.Largest+1))
	if err != nil {
		return nil, err
	}
	return lock.Read(path, text)
}

func readProxyLog(a *app, path string, c *lock.Checker) error {
	if path == "-" {
		return c.Read(a.stdin)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
	}
	if err := c.Read(r); err != nil {
		return cutShort(fmt.Errorf("read %s: %w", path, err), "copy the file again, whole")
	}
	return nil
}

func (o *lockCheckOptions) show(a *app, r *lock.Report) error {
	var list []lock.Result
	for _, x := range r.Sorted() {
		if o.all || x.State.Bad() || o.format == "json" {
			list = append(list, x)
		}
	}
	if o.format == "json" {
		return jsonLines(a, list)
	}
	if len(list) == 0 {
		return nil
	}
	g := &grid{header: []string{"state", "package", "version", "file", "times", "client", "why"}, right: map[int]bool{4: true}}
	for _, x := range list {
		g.rows = append(g.rows, []string{string(x.State), x.Ecosystem + " " + x.Name, x.Version, x.File, ipranges.Thousands(uint64(x.Count)), x.Client, x.Why})
	}
	g.dropEmpty("client")
	g.fit(width(a.stdout), "file", "client", "times")
	return g.write(a.stdout)
}

// told says what was counted, and whether that tells anything.
func told(a *app, r *lock.Report, what string) error {
	var parts, formats []string
	fetched := 0
	for _, s := range lock.States {
		parts = append(parts, fmt.Sprintf("%s %s", ipranges.Thousands(uint64(r.Counts[s])), s))
		fetched += r.Counts[s]
	}
	for _, f := range slices.Sorted(maps.Keys(r.Formats)) {
		formats = append(formats, fmt.Sprintf("%s of %s", ipranges.Thousands(uint64(r.Formats[f])), f))
	}
	if len(formats) == 0 {
		formats = []string{"of no log that is known"}
	}
	a.say("%s (%s): %s; %s of no package, %s of ecosystems that are not locked, %s that handed out nothing",
		count(uint64(r.Lines), "line", "lines"), strings.Join(formats, ", "), strings.Join(parts, ", "),
		ipranges.Thousands(uint64(r.Other)), ipranges.Thousands(uint64(r.Foreign)), ipranges.Thousands(uint64(r.Failed)))
	if r.Unread > 0 {
		a.warn("%s of %s could not be read, the first: %s", count(uint64(r.Unread), "line", "lines"), what, learn.Printable(r.First))
	}
	if r.Tunnels > 0 {
		a.warn("%s: what was fetched in them is not in the log. Only a proxy that ends TLS, or a mirror, sees it", count(uint64(r.Tunnels), "tunnel", "tunnels"))
	}
	if n := r.Counts[lock.NotVerifiable]; n > 0 {
		a.say("not-verifiable is no integrity: name and version are locked, the bytes may be any. docs/mitmproxy_hashes.py hashes them.")
	}
	switch bad := r.Counts[lock.Mismatch] + r.Counts[lock.NotLocked] + r.Counts[lock.OtherVersion]; {
	case bad > 0:
		return errFound
	case fetched == 0:
		return learn.WithHint(fmt.Errorf("%s: no package of what is locked was handed out: nothing can be told", learn.Printable(what)),
			"the log of the proxy or mirror that the agent's tools use, from the time they did")
	case r.Unread > 0:
		return fmt.Errorf("%s: nothing unexpected in what could be read", learn.Printable(what))
	}
	return nil
}
