// Command eval measures folding on observed traffic: it learns the first part
// of each data set, folds it, and asks how many of the later destinations the
// rules would have admitted, and how many IPv4 addresses they admit, beside
// uniform prefixes. It is run by "make eval".
//
// The data is not part of the project: -data says where it is.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"tripline/ipranges"
	"tripline/learn"
)

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "eval: %v\n", err)
		os.Exit(2)
	}
}

// An evaluation is where the data is and how to fold it.
type evaluation struct {
	out     io.Writer
	data    string
	options learn.FoldOptions
}

func run(out io.Writer, args []string) error {
	e := evaluation{out: out}
	flags := flag.NewFlagSet("eval", flag.ContinueOnError)
	flags.StringVar(&e.data, "data", "../shared/data", "folder with evaluation, feeds and asn")
	flags.Float64Var(&e.options.Lambda, "lambda", learn.DefaultLambda, "alarms a week that one address may cost")
	flags.Float64Var(&e.options.Beta, "beta", learn.DefaultBeta, "what a rule costs a reader")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if e.options.Space, err = readSpace(e.data); err != nil {
		return err
	}
	if err := e.homelab(); err != nil {
		return err
	}
	if err := e.flows(); err != nil {
		return err
	}
	return e.names()
}

// homelab prints the table of the homelab, with and without the one service
// whose addresses rotate most.
func (e *evaluation) homelab() error {
	s, err := readHomelab(filepath.Join(e.data, "evaluation/homelab-egress.csv"))
	if err != nil {
		return err
	}
	e.print("homelab, all services", s, nil)
	e.print("homelab without crowdsec", s, func(g string) bool { return g == "crowdsec" })
	return nil
}

// sets are the normalised flows: desktops, busy hosts, and devices with
// malware, none of which may be admitted. Sets of many short runs are left out:
// they have no first half.
var sets = []string{
	"ctu-normal-008", "ctu-normal-012", "rita-rolling-7h",
	"CTU-Honeypot-4-1", "CTU-Malware-34-1", "CTU-Malware-44-1",
}

// flows prints a table for each set of normalised flows.
func (e *evaluation) flows() error {
	for _, name := range sets {
		s, err := readFlows(filepath.Join(e.data, "evaluation/flows", name+".jsonl.gz"))
		if err != nil {
			return err
		}
		e.print(name, s, nil)
	}
	return nil
}

// levels are the uniform prefix lengths that folding is compared with.
var levels = []int{32, 26, 24, 22, 20, 18, 16, 15, 14, 13, 12}

// print writes one table. What was learned is folded whole, and what skip names
// is left out of the score.
func (e *evaluation) print(title string, s *sample, skip func(string) bool) {
	folded := s.fold(e.options)
	points := s.frontier(e.options, skip)
	fmt.Fprintf(e.out, "\n%s: %d learned, %d later, %.1f days\n", title, count(s.known, skip), count(s.later, skip), s.days())
	for _, l := range levels {
		u := s.score(s.uniform(l), skip)
		fmt.Fprintf(e.out, "   /%-6d %s%s\n", l, u, beside(u, points))
	}
	fmt.Fprintf(e.out, "   fold    %s\n", s.score(folded, skip))
	if s.bad != nil {
		fmt.Fprintf(e.out, "   malicious destinations admitted: %d of %d\n", s.malicious(folded), len(s.bad))
	}
}

// beside compares a uniform level with the frontier of folding: what it covers
// at no more addresses, and how many it needs for the same.
func beside(u score, points []score) string {
	var most score
	least := uint64(0)
	for _, p := range points {
		if float64(p.admitted) <= 1.02*float64(u.admitted) && p.hit > most.hit {
			most = p
		}
		if p.hit >= u.hit && (least == 0 || p.admitted < least) {
			least = p.admitted
		}
	}
	same := "never"
	if least > 0 {
		same = fmt.Sprintf("%s (%.2fx)", ipranges.Thousands(least), float64(least)/float64(u.admitted))
	}
	return fmt.Sprintf(" | no more: %s | same: %s", most, same)
}
