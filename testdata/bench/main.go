// Command bench measures tripline beside tools that read the same lines: the
// floor (wc -l), a count by key in awk and, where it is installed, in DuckDB.
// All of them run in every round, one after the other, so that a busy machine
// is unfair to each of them alike; a row is the median of the rounds.
//
//	go run ./testdata/bench -tripline ./tripline -file big.log
//
// With -fold it measures folding on prefixes alone beside iprange instead, and
// holds the result against other ways to write a set with so many prefixes.
//
//	go run ./testdata/bench -fold
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	var b bench
	flag.StringVar(&b.tripline, "tripline", "./tripline", "measure the program in `FILE`")
	flag.StringVar(&b.file, "file", "", "read the lines in `FILE`, as testdata/lines writes them")
	flag.IntVar(&b.rounds, "rounds", 5, "run everything `N` times")
	fold := flag.Bool("fold", false, "measure folding on prefixes alone")
	step := flag.String("step", "", "do `STEP` of -fold with the addresses in -file: random, clustered, reduce or compare")
	flag.Parse()
	work := func() error { return run(b, os.Stdout) }
	switch {
	case *step != "":
		work = func() error { return runStep(*step, b.file, os.Stdout) }
	case *fold:
		work = func() error { return runFold(b.rounds, os.Stdout) }
	}
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(2)
	}
}

// A bench is what the flags say, and a folder for what the programs write.
type bench struct {
	tripline, file string
	rounds         int
	scratch        string
}

func run(b bench, out io.Writer) error {
	if b.file == "" || b.rounds < 1 {
		return fmt.Errorf("file %q, %d rounds: want a file and at least one round", b.file, b.rounds)
	}
	path, err := filepath.Abs(b.tripline)
	if err != nil {
		return err
	}
	b.tripline = path
	if b.scratch, err = os.MkdirTemp("", "tripline-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.scratch)
	lines, err := countLines(b.file) // and the file is in memory from here on
	if err != nil {
		return err
	}
	contenders, absent := b.contenders()
	table := measureAll(contenders, b.rounds)
	table.print(out, lines)
	for _, a := range absent {
		fmt.Fprintln(out, a)
	}
	return table.err()
}
