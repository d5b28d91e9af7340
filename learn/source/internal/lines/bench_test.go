package lines_test

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tripline/learn/source/internal/lines"
)

const benchLines = 500_000

func benchLog(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "filter.log")
	write(b, path, 1, strings.Repeat(strings.Repeat("x", 199)+"\n", benchLines))
	b.SetBytes(200 * benchLines)
	b.ReportAllocs()
	return path
}

func perLine(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(b.N)*benchLines/b.Elapsed().Seconds()/1e6, "Mlines/s")
}

func BenchmarkReader(b *testing.B) {
	path := benchLog(b)
	for b.Loop() {
		r, err := lines.Open(path, lines.Cursor{}, lines.Options{})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for ; err == nil; n++ {
			_, err = r.Next()
		}
		if n != benchLines+1 || !errors.Is(err, io.EOF) || r.Close() != nil {
			b.Fatal(n, err)
		}
	}
	perLine(b)
}

func BenchmarkScanner(b *testing.B) {
	path := benchLog(b)
	for b.Loop() {
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		s := bufio.NewScanner(f)
		n := 0
		for s.Scan() {
			n++
		}
		if n != benchLines || s.Err() != nil || f.Close() != nil {
			b.Fatal(n, s.Err())
		}
	}
	perLine(b)
}

func BenchmarkCursor(b *testing.B) {
	r := open(b, benchLog(b), lines.Cursor{}, lines.Options{})
	b.SetBytes(0)
	for range 100 {
		if _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		r.Cursor()
	}
}
