package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// A contender is one row: a command, what it needs to be told, and whether it
// leaves something behind that the next round must not find.
type contender struct {
	name    string
	args    []string
	env     []string
	discard string
}

// countByKey is the work that the peers do: connections that came in and were
// passed, by source, destination, protocol and port.
const countByKey = `$7 == "pass" && $8 == "in" {
	if ($9 == 4) n[$19 " " $20 " " $16 " " $22]++; else n[$16 " " $17 " " $14 " " $19]++
} END { for (k in n) c++; print c }`

func (b bench) contenders() (list []contender, absent []string) {
	list = []contender{{name: "wc -l", args: []string{"wc", "-l", b.file}}}
	awk, err := firstOf("mawk", "gawk", "awk")
	if err == nil {
		list = append(list, contender{name: awk + ", count by key", args: []string{awk, "-F,", countByKey, b.file}})
	} else {
		absent = append(absent, "awk is not installed: its row is left out")
	}
	if _, err := firstOf("duckdb"); err == nil {
		list = append(list, contender{name: "duckdb, count by key, 2 threads", args: []string{"duckdb", "-c", countSQL(b.file)}})
	} else {
		absent = append(absent, "duckdb is not installed: its row is left out")
	}
	return append(list, b.ours()...), absent
}

func (b bench) ours() []contender {
	db := filepath.Join(b.scratch, "bench.db")
	return []contender{{
		name: "tripline flows, count by key, 1 core",
		args: []string{b.tripline, "flows", "--from", "filterlog", "--format", "count", b.file},
		env:  []string{"GOMAXPROCS=1"},
	}, {
		name:    "tripline learn, every flow kept",
		args:    []string{b.tripline, "learn", "--agent", "lan=192.168.1.0/24", "--from", "filterlog", "--db", db, b.file},
		discard: b.scratch,
	}}
}

// countSQL is the same work in SQL. Lines differ in length and nothing quotes.
func countSQL(file string) string {
	var columns strings.Builder
	for i := 1; i <= 32; i++ {
		fmt.Fprintf(&columns, "'c%d': 'VARCHAR', ", i)
	}
	return `SET threads = 2; SELECT count(*) FROM (
	SELECT if(c9 = '4', c19, c16) s, if(c9 = '4', c20, c17) d, if(c9 = '4', c16, c14) p, if(c9 = '4', c22, c19) q, count(*)
	FROM read_csv('` + file + `', header = false, delim = ',', quote = '', escape = '', null_padding = true,
		auto_detect = false, columns = {` + columns.String() + `})
	WHERE c7 = 'pass' AND c8 = 'in' GROUP BY ALL);`
}

func firstOf(names ...string) (string, error) {
	var err error
	for _, n := range names {
		if _, err = exec.LookPath(n); err == nil {
			return n, nil
		}
	}
	return "", err
}

// clear empties the folder a contender writes into.
func (c contender) clear() error {
	if c.discard == "" {
		return nil
	}
	if err := os.RemoveAll(c.discard); err != nil {
		return err
	}
	return os.Mkdir(c.discard, 0o755)
}

func countLines(path string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n, buf := 0, make([]byte, 1<<20)
	for {
		got, err := f.Read(buf)
		n += bytes.Count(buf[:got], []byte{'\n'})
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
