package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"tripline/ipranges"
	"tripline/learn"
)

// What folding must keep: it takes no longer than iprange, and no more memory.
const (
	foldMostMiB   = 200
	foldAddresses = 1_000_000
)

// reduceFile computes the whole frontier of the addresses in a file, one a line,
// and writes the prefixes that are exactly these addresses, as iprange does.
func reduceFile(path string, out io.Writer) error {
	set, err := readSet(path)
	if err != nil {
		return err
	}
	r := learn.Reduce(set, ipranges.Set{})
	all, _ := r.MaxRules(r.Most())
	w := bufio.NewWriterSize(out, 1<<16)
	var line []byte
	for _, p := range all.Prefixes {
		line = append(p.AppendTo(line[:0]), '\n')
		w.Write(line)
	}
	return w.Flush()
}

// readSet forgets the list, 32 MB, before anything is done with the set.
func readSet(path string) (ipranges.Set, error) {
	prefixes, err := readAddresses(path)
	return ipranges.NewSet(prefixes...), err
}

func readAddresses(path string) ([]netip.Prefix, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out := make([]netip.Prefix, 0, bytes.Count(data, []byte{'\n'}))
	for line := range strings.Lines(string(data)) {
		a, err := netip.ParseAddr(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		out = append(out, netip.PrefixFrom(a, a.BitLen()))
	}
	return out, nil
}

// runFold measures both kinds of input and compares what comes out. What takes
// memory is done by processes of their own: a child begins with the peak of its
// parent.
func runFold(rounds int, out io.Writer) error {
	if rounds < 1 {
		return fmt.Errorf("%d rounds: want at least one", rounds)
	}
	dir, err := os.MkdirTemp("", "tripline-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var failed []error
	for _, kind := range []string{"random", "clustered"} {
		path := filepath.Join(dir, kind)
		if err := ownProcess(kind, path, out); err != nil {
			return err
		}
		failed = append(failed, foldTimes(kind, path, rounds, out), ownProcess("compare", path, out))
	}
	return errors.Join(failed...)
}

func ownProcess(step, path string, out io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "-step", step, "-file", path)
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	return nil
}

// runStep is one of those processes.
func runStep(step, path string, out io.Writer) error {
	switch step {
	case "reduce":
		return reduceFile(path, out)
	case "compare":
		hosts, err := readAddresses(path)
		if err != nil {
			return err
		}
		return foldQuality(hosts, out)
	}
	next := foldKinds[step]
	if next == nil {
		return fmt.Errorf("no step called %q", step)
	}
	return writeAddresses(path, distinct(next))
}

func foldContenders(path string) (list []contender, absent string, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	list = []contender{{name: "tripline, whole frontier", args: []string{self, "-step", "reduce", "-file", path}}}
	if _, err := firstOf("iprange"); err != nil {
		return list, "iprange is not installed (apt-get install iprange): its rows are left out", nil
	}
	return append(list,
		contender{name: "iprange, lossless", args: []string{"iprange", path}},
		contender{name: "iprange --ipset-reduce 20", args: []string{"iprange", "--ipset-reduce", "20", path}},
	), "", nil
}

// foldTimes prints the table of one input, and says what was not kept.
func foldTimes(kind, path string, rounds int, out io.Writer) error {
	list, absent, err := foldContenders(path)
	if err != nil {
		return err
	}
	t := measureAll(list, rounds)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s %s addresses\tseconds\tcpu\tx iprange\tpeak MiB\t\n", thousands(foldAddresses), kind)
	for _, r := range t {
		ratio := ""
		if len(t) > 1 {
			ratio = fmt.Sprintf("%.2f", median(r.seconds)/median(t[1].seconds))
		}
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%s\t%d\t\n", r.name, median(r.seconds), median(r.cpu), ratio, r.peak>>10)
	}
	w.Flush()
	if absent != "" {
		fmt.Fprintln(out, absent)
	}
	return errors.Join(t.err(), t.keeps(kind))
}

// keeps compares the first row with the second, by the clock or, where other
// work ran beside it, by the work done.
func (t table) keeps(kind string) error {
	ours := t[0]
	if mib := ours.peak >> 10; mib >= foldMostMiB {
		return fmt.Errorf("%s: the whole frontier took %d MiB, want less than %d", kind, mib, foldMostMiB)
	}
	if len(t) > 1 && median(ours.seconds) > median(t[1].seconds) && median(ours.cpu) > median(t[1].cpu) {
		return fmt.Errorf("%s: the whole frontier took %.2f s, longer than iprange's %.2f s", kind, median(ours.seconds), median(t[1].seconds))
	}
	return nil
}
