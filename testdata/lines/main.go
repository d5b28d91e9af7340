// Command lines writes a firewall log of any size for benchmarks: lines of
// pfSense's filterlog in RFC 5424 form, from a handful of machines to many
// destinations, a few of which are popular and most of which are rare.
//
//	go run ./testdata/lines -n 5000000 -destinations 50000 > big.log
//
// The same flags write the same bytes. The destinations are random public
// addresses and mean nothing.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	var s size
	flag.IntVar(&s.lines, "n", 1_000_000, "write `N` lines")
	flag.IntVar(&s.destinations, "destinations", 50_000, "talk to `N` destinations")
	flag.IntVar(&s.rate, "rate", 40, "`N` lines a second, by the time in the lines")
	flag.Uint64Var(&s.seed, "seed", 1, "`N` that everything random is drawn from")
	flag.Parse()
	if err := write(os.Stdout, s); err != nil {
		fmt.Fprintln(os.Stderr, "lines: error:", err)
		os.Exit(2)
	}
}

// A size is what the flags say.
type size struct {
	lines, destinations, rate int
	seed                      uint64
}

const chunk = 1 << 20

func write(w io.Writer, s size) error {
	if s.lines < 0 || s.destinations < 1 || s.destinations > slots || s.rate < 1 {
		return fmt.Errorf("%d lines to %d destinations at %d a second: want at least 0, 1 to %d, at least 1",
			s.lines, s.destinations, s.rate, slots)
	}
	g := newGenerator(s)
	for g.written < s.lines {
		g.event()
		if len(g.out) > chunk || g.written == s.lines {
			if _, err := w.Write(g.out); err != nil {
				return err
			}
			g.out = g.out[:0]
		}
	}
	return nil
}
