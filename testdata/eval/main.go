// Command eval measures folding on observed traffic: it learns the first part
// of each data set, folds it, and asks how many of the later destinations the
// rules would have admitted, and how many IPv4 addresses they admit, beside
// uniform prefixes, whole published sets and whole autonomous systems. It is run
// by "make eval".
//
// The data is not part of the project: -data says where it is.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"tripline/learn"
)

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "eval: %v\n", err)
		os.Exit(2)
	}
}

// An evaluation is where the data is, how to fold it, and what came out.
type evaluation struct {
	out     io.Writer
	data    string
	options learn.FoldOptions
	results []result
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
	for _, read := range []func() error{e.homelab, e.flows, e.runs} {
		if err := read(); err != nil {
			return err
		}
	}
	e.summary()
	return e.names()
}

// homelab prints the table of the homelab, with and without the one service
// whose addresses rotate most.
func (e *evaluation) homelab() error {
	s, err := readHomelab(filepath.Join(e.data, "evaluation/homelab-egress.csv"))
	if err != nil {
		return err
	}
	f := s.frontier(e.options)
	e.print("homelab, all services", s, f, nil)
	e.print("homelab without crowdsec", s, f, func(g string) bool { return g == "crowdsec" })
	return nil
}

// names are the normalised flows: desktops, busy hosts, and devices with
// malware, none of which may be admitted.
var names = []string{
	"ctu-normal-008", "ctu-normal-012", "rita-rolling-7h",
	"CTU-Honeypot-4-1", "CTU-Malware-34-1", "CTU-Malware-44-1",
}

// flows prints a table for each set of normalised flows.
func (e *evaluation) flows() error {
	for _, name := range names {
		s, err := readFlows(filepath.Join(e.data, "evaluation/flows", name+".jsonl.gz"))
		if err != nil {
			return err
		}
		e.print(name, s, s.frontier(e.options), nil)
	}
	return nil
}

// runs prints the table of devices that were started again and again.
func (e *evaluation) runs() error {
	s, err := readRuns(filepath.Join(e.data, "evaluation/flows/iot-sentinel-runs.jsonl.gz"))
	if err != nil {
		return err
	}
	e.print("iot-sentinel-runs, a run a day", s, s.frontier(e.options), nil)
	return nil
}
