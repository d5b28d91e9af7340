package source_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"tripline/learn/source"
)

// BenchmarkAnswers reads logs of answers as they come from a house that asks for
// a few hundred names again and again.
func BenchmarkAnswers(b *testing.B) {
	for _, log := range []struct {
		name  string
		lines [][]byte
	}{
		{"dnsmasq", dnsmasqLines(100_000, true)},
		{"dnsmasq", dnsmasqLines(100_000, false)},
		{"adguard", fixtureLines(b, "../../testdata/source/adguard/ok.log")},
		{"pfblockerng", fixtureLines(b, "../../testdata/source/pfblockerng/ok.log")},
	} {
		b.Run(log.name, func(b *testing.B) { benchAnswers(b, log.name, log.lines) })
	}
}

func benchAnswers(b *testing.B, name string, lines [][]byte) {
	s, err := source.Find(name)
	if err != nil {
		b.Fatal(err)
	}
	p := s.Lines(source.Options{})
	total := 0
	for _, l := range lines {
		total += len(l) + 1
	}
	b.SetBytes(int64(total / len(lines)))
	b.ReportAllocs()
	var r source.Record
	i, answers := 0, 0
	for b.Loop() {
		if p.Parse(lines[i], answered, &r) == nil && r.Answer != nil {
			answers++
		}
		if i++; i == len(lines) {
			i = 0
		}
	}
	if answers == 0 && b.N > len(lines) {
		b.Error("no answers")
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

func dnsmasqLines(n int, extra bool) (lines [][]byte) {
	for i := 0; len(lines) < n; i++ {
		head := fmt.Sprintf("Nov 22 %02d:%02d:%02d dnsmasq[99]: ", i/3600%24, i/60%60, i%60)
		who, name := fmt.Sprintf("192.0.2.%d", 10+i%40), fmt.Sprintf("host%d.example", i%300)
		if extra {
			head += fmt.Sprintf("%d %s/40000 ", i+1, who)
		}
		for _, text := range []string{
			"query[A] " + name + " from " + who, "forwarded " + name + " to 198.51.100.53", "reply " + name + " is <CNAME>",
			"reply edge" + name + " is " + fmt.Sprintf("203.0.113.%d", i%250), "reply edge" + name + " is " + fmt.Sprintf("203.0.113.%d", (i+1)%250),
		} {
			lines = append(lines, []byte(head+text))
		}
	}
	return lines
}

func fixtureLines(b *testing.B, file string) [][]byte {
	b.Helper()
	log, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	return bytes.Split(bytes.TrimSuffix(log, []byte("\n")), []byte("\n"))
}

// BenchmarkDnstap reads a file of dnstap.
func BenchmarkDnstap(b *testing.B) {
	var e tapEncoder
	e.control(2, tapContent)
	m := taps(b)[2].payload()
	for range 10_000 {
		e.frame(m)
	}
	s := dnstapSource(b)
	b.SetBytes(int64(e.Len()))
	b.ReportAllocs()
	for b.Loop() {
		st, err := source.Open(s, "-", nil, source.StreamOptions{Stdin: bytes.NewReader(e.Bytes())})
		if err != nil {
			b.Fatal(err)
		}
		var r source.Record
		for range 10_000 {
			if err := st.Next(&r); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(10_000*float64(b.N)/b.Elapsed().Seconds(), "frames/s")
}
