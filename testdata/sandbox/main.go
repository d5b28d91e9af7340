// Command sandbox measures what a sandbox costs: the same client talks to the same
// server on the loopback of this host directly, out of tripline's sandbox over
// both of its links, and out of pasta and slirp4netns where those are installed.
// They take turns in every round, so that a busy machine is unfair to each of
// them alike; a figure is the median of the rounds, and ratios count more than
// figures.
//
//	go run ./testdata/sandbox
//	go run ./testdata/sandbox -only veth -figure up -profile cpu.pprof
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"tripline/learn/sandbox"
)

func main() {
	if status, entered := sandbox.Enter(os.Args); entered {
		os.Exit(status)
	}
	if len(os.Args) > 2 {
		var err error
		switch os.Args[1] {
		case roleClient:
			err = client(os.Args[2:])
		case roleSandbox:
			err = inSandbox(os.Args[2:])
		default:
			err = measure(os.Stdout)
		}
		exit(err)
	}
	exit(measure(os.Stdout))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "sandbox: error:", err)
		os.Exit(2)
	}
	os.Exit(0)
}

// First arguments of this program in other roles.
const (
	roleClient  = "__client"
	roleSandbox = "__sandbox"
)

// A bench is what the flags say, and the server.
type bench struct {
	rounds, connections int
	span                time.Duration
	only, figure        string
	profile             string

	server *server
	self   string
}

// figures are what -figure takes.
var figures = []string{"nothing", "down", "up", "latency", "at-once", "unread", "many"}

func measure(out io.Writer) (err error) {
	var b bench
	flag.IntVar(&b.rounds, "rounds", 3, "measure everything `N` times")
	flag.DurationVar(&b.span, "for", 2*time.Second, "how long each way of throughput is measured")
	flag.IntVar(&b.connections, "connections", 20000, "how many connections are made to be counted")
	flag.StringVar(&b.only, "only", "", "measure only what has `WORD` in its name, beside direct")
	flag.StringVar(&b.figure, "figure", "", "measure only `FIGURE`: "+strings.Join(figures, ", "))
	flag.StringVar(&b.profile, "profile", "", "write where time goes in the last sandbox to `FILE`")
	flag.Parse()
	if b.rounds < 1 || b.connections < 1 || b.span <= 0 {
		return fmt.Errorf("%d rounds of %s, %d connections: want some of each", b.rounds, b.span, b.connections)
	}
	if b.figure != "" && !slices.Contains(figures, b.figure) {
		return fmt.Errorf("-figure %q: want one of %s", b.figure, strings.Join(figures, ", "))
	}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.server, err = serve(); err != nil {
		return err
	}
	defer b.server.l.Close()
	list, absent := b.contenders()
	rows := make([]row, 0, len(list))
	for _, c := range list {
		if c.name == direct || strings.Contains(c.name, b.only) {
			rows = append(rows, row{contender: c})
		}
	}
	for range b.rounds {
		for i := range rows {
			b.round(&rows[i])
		}
	}
	show(out, rows, b.connections)
	for _, a := range absent {
		fmt.Fprintln(out, a)
	}
	return failures(rows)
}
