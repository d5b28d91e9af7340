package source_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"tripline/learn/source"
)

// Exchanges are hours apart, whatever the clock of the firewall says of the year.
func TestFlowsOfAnEarlyClockAreNotMerged(t *testing.T) {
	for _, year := range []string{"1969", "1970", "1999"} {
		p := parser(t, home)
		for i, want := range []source.Why{source.Outbound, source.Outbound, source.SameExchange} {
			at := year + []string{"-01-01T00:00:00Z", "-01-01T06:00:00Z", "-01-01T06:01:00Z"}[i]
			var r source.Record
			if err := p.Parse([]byte(at+" fw filterlog: "+udp("in em1 pass", host, "5000", far, "443", 50)), noon, &r); err != nil {
				t.Fatal(err)
			}
			if r.Why != want {
				t.Errorf("%s: got %q, want %q", at, r.Why, want)
			}
		}
	}
}

// Standard input has no time of its own: what comes there was written lately.
func TestStampsWithoutAYearInAStreamAreOfLately(t *testing.T) {
	now := time.Now().UTC()
	var text strings.Builder
	for _, ago := range []time.Duration{5 * time.Hour, 0} {
		text.WriteString(now.Add(-ago).Format(time.Stamp) + " fw filterlog: " + udp("in em1 pass", host, "5000", far, "443", 50) + "\n")
	}
	text.WriteString(udp("in em1 pass", host, "5001", far, "443", 50) + "\n")
	for _, got := range streamed(t, text.String()) {
		if age := now.Sub(got.Time); age > 6*time.Hour || age < -time.Hour || got.Why != source.Outbound {
			t.Errorf("got %v, %q; want lately, %q", got.Time, got.Why, source.Outbound)
		}
	}
}

func streamed(t *testing.T, text string) (list []source.Record) {
	t.Helper()
	filterlog, err := source.Find("filterlog")
	if err != nil {
		t.Fatal(err)
	}
	o := source.StreamOptions{Options: home, Stdin: strings.NewReader(text)}
	s, err := source.Open(filterlog, "-", nil, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for {
		var r source.Record
		err := s.Next(&r)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
}

func TestALineWithoutADateNeedsOneToGoBy(t *testing.T) {
	line := udp("in em1 pass", host, "5000", far, "443", 50)
	for header, want := range map[string]source.Cause{
		"Mar 28 12:00:00 fw filterlog: ":      source.NoDate,
		"":                                    source.NoDate,
		"Mar 28 12:00:00 fw other: ":          source.OtherProgram,
		"2026-03-28T12:00:00Z fw filterlog: ": "",
	} {
		var r source.Record
		err := parser(t, home).Parse([]byte(header+line), time.Time{}, &r)
		bad, _ := errors.AsType[*source.RecordError](err)
		if want == "" && err == nil {
			continue
		}
		if bad == nil || bad.Cause != want {
			t.Errorf("%q: got %v, want %q", header, err, want)
		}
	}
}
