package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
)

// The homelab is learned up to a snapshot and judged on what the later ones
// add. Observation began at start.
var (
	homelabStart = time.Date(2026, 5, 24, 14, 0, 0, 0, time.UTC)
	homelabCut   = time.Date(2026, 6, 13, 19, 1, 40, 0, time.UTC)
)

// readHomelab reads snapshots of which addresses each service talked to:
// snapshot, service, address, port, samples, first_seen, last_seen.
func readHomelab(file string) (*sample, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	s := newSample()
	s.since, s.cut = homelabStart, homelabCut
	var later [][]string
	for _, row := range rows[1:] {
		snapshot, err := parseTime(row[0])
		if err != nil {
			return nil, err
		}
		if a := netip.MustParseAddr(row[2]); !a.Is4() {
			continue
		} else if snapshot.After(s.cut) {
			later = append(later, row)
		} else if first, err := parseTime(row[5]); err != nil {
			return nil, err
		} else {
			s.know(row[1], a, first)
			if last, err := parseTime(row[6]); err == nil {
				s.know(row[1], a, last)
			}
		}
	}
	for _, row := range later {
		first, err := parseTime(row[5])
		if err != nil {
			return nil, err
		}
		s.meet(row[1], netip.MustParseAddr(row[2]), first)
		if snapshot, _ := parseTime(row[0]); snapshot.After(s.end) {
			s.end = snapshot
		}
	}
	return s, nil
}

func parseTime(text string) (time.Time, error) {
	layouts := []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("time %q is in no known form", text)
}

// A flow is one line of the normalised sets.
type flow struct {
	TS      float64 `json:"ts"`
	Host    string  `json:"host"`
	Profile string  `json:"profile"`
	Run     string  `json:"run"`
	Dst     string  `json:"dst"`
	Port    int     `json:"port"`
	Proto   string  `json:"proto"`
	Label   string  `json:"label"`
}

func (f *flow) target() target {
	return target{fmt.Sprintf("%s%s %s/%d", f.Profile, f.Host, f.Proto, f.Port), netip.MustParseAddr(f.Dst)}
}

func (f *flow) malicious() bool { return strings.HasPrefix(strings.ToLower(f.Label), "mal") }

func (f *flow) time() time.Time { return time.UnixMicro(int64(f.TS * 1e6)).UTC() }

// readFlows learns the first half of the observation, without what is labelled
// malicious.
func readFlows(file string) (*sample, error) {
	all, err := parseFlows(file)
	if err != nil {
		return nil, err
	}
	s := newSample()
	hosts := map[string]bool{}
	for _, f := range all {
		if f.malicious() {
			continue
		}
		if t := f.time(); s.since.IsZero() || t.Before(s.since) {
			s.since = t
		}
		if f.time().After(s.end) {
			s.end = f.time()
		}
		hosts[f.Host] = true
	}
	s.cut, s.hosts = s.since.Add(s.end.Sub(s.since)/2), len(hosts)
	s.sort(all)
	return s, nil
}

// learned is how many runs of each device are learned.
const learned = 10

// readRuns reads devices that were started again and again. A run counts as a
// day: when it took place says nothing of how the device is used.
func readRuns(file string) (*sample, error) {
	all, err := parseFlows(file)
	if err != nil {
		return nil, err
	}
	began := map[string][]string{} // the runs of a device, in their order
	slices.SortStableFunc(all, func(a, b flow) int { return cmp.Compare(a.TS, b.TS) })
	for i := range all {
		f := &all[i]
		if !slices.Contains(began[f.Profile], f.Run) {
			began[f.Profile] = append(began[f.Profile], f.Run)
		}
		f.TS = float64(slices.Index(began[f.Profile], f.Run)+1) * 24 * 3600
	}
	s := newSample()
	s.since, s.cut, s.hosts = time.Unix(0, 0).UTC(), time.Unix(learned*24*3600, 0).UTC(), len(began)
	s.end = s.cut.Add(learned * 24 * time.Hour)
	s.sort(all)
	return s, nil
}

// sort tells what was known, what came later, and what is malicious.
func (s *sample) sort(all []flow) {
	for _, f := range all {
		if t := f.target(); !f.malicious() && !f.time().After(s.cut) {
			s.know(t.group, t.addr, f.time())
		}
	}
	for _, f := range all {
		switch t := f.target(); {
		case f.malicious():
			if s.bad == nil {
				s.bad = map[target]bool{}
			}
			s.bad[t] = true
		case f.time().After(s.cut):
			s.meet(t.group, t.addr, f.time())
		}
	}
}

func parseFlows(file string) ([]flow, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var out []flow
	for lines := bufio.NewScanner(z); lines.Scan(); {
		var f flow
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if f.TS != 0 && !strings.Contains(f.Dst, ":") {
			out = append(out, f)
		}
	}
	return out, nil
}
