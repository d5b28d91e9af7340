package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tripline/learn"
)

// A namedFlow is one flow with what it was called, if anything.
type namedFlow struct {
	TS      float64 `json:"ts"`
	Host    string  `json:"host"`
	Profile string  `json:"profile"`
	Run     string  `json:"run"`
	Dst     string  `json:"dst"`
	Port    uint16  `json:"port"`
	Proto   string  `json:"proto"`
	Name    string  `json:"name"`
}

func (f *namedFlow) flow() (learn.Flow, bool) {
	proto, err := learn.ParseProto(f.Proto)
	addr, bad := netip.ParseAddr(f.Dst)
	if err != nil || bad != nil || f.TS == 0 {
		return learn.Flow{}, false
	}
	out := learn.Flow{Time: time.UnixMicro(int64(f.TS * 1e6)).UTC(), Agent: "all", Proto: proto, Dst: addr, DstPort: f.Port, Name: f.Name}
	if f.Name != "" {
		out.Evidence = learn.SNI
	}
	return out, true
}

// readNamed reads normalised flows or a Zeek ssl.log, packed or not.
func readNamed(file string) ([]namedFlow, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	var out []namedFlow
	var fields []string
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "#fields\t"):
			fields = strings.Split(line, "\t")[1:]
		case strings.HasPrefix(line, "#"):
		case fields != nil:
			out = append(out, zeekText(fields, strings.Split(line, "\t")))
		default:
			n, err := jsonLine(line)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			out = append(out, n)
		}
	}
	return out, lines.Err()
}

func zeekText(fields, values []string) namedFlow {
	n := namedFlow{Proto: "tcp"}
	for i, field := range fields[:min(len(fields), len(values))] {
		switch v := values[i]; field {
		case "ts":
			n.TS, _ = strconv.ParseFloat(v, 64)
		case "id.orig_h":
			n.Host = v
		case "id.resp_h":
			n.Dst = v
		case "id.resp_p":
			port, _ := strconv.ParseUint(v, 10, 16)
			n.Port = uint16(port)
		case "server_name":
			n.Name = strings.TrimPrefix(v, "-")
		}
	}
	return n
}

func jsonLine(line string) (namedFlow, error) {
	if !strings.Contains(line, `"_path":"ssl"`) {
		var n namedFlow
		return n, json.Unmarshal([]byte(line), &n)
	}
	var z struct {
		TS   time.Time `json:"ts"`
		Host string    `json:"id.orig_h"`
		Dst  string    `json:"id.resp_h"`
		Port uint16    `json:"id.resp_p"`
		Name string    `json:"server_name"`
	}
	err := json.Unmarshal([]byte(line), &z)
	return namedFlow{TS: float64(z.TS.UnixMicro()) / 1e6, Host: z.Host, Dst: z.Dst, Port: z.Port, Proto: "tcp", Name: z.Name}, err
}

// A lesson is what one agent did while it was watched, and later: in runs, or
// all that was new as one.
type lesson struct {
	learned []learn.Flow
	later   [][]learn.Flow
}

// runsLearned is how many runs of a profile are learned; each counts as a day.
const runsLearned = 10

var firstRun = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// lessonsOfRuns takes the runs of each profile in the order of their time.
func lessonsOfRuns(all []namedFlow) []lesson {
	profiles := map[string]map[string][]namedFlow{}
	for _, f := range all {
		if profiles[f.Profile] == nil {
			profiles[f.Profile] = map[string][]namedFlow{}
		}
		profiles[f.Profile][f.Run] = append(profiles[f.Profile][f.Run], f)
	}
	var out []lesson
	for _, p := range sortedKeys(profiles) {
		runs := sortedKeys(profiles[p])
		slices.SortStableFunc(runs, func(a, b string) int { return cmp.Compare(profiles[p][a][0].TS, profiles[p][b][0].TS) })
		var l lesson
		for i, run := range runs {
			var flows []learn.Flow
			for _, n := range profiles[p][run] {
				if f, ok := n.flow(); ok {
					f.Time = firstRun.AddDate(0, 0, i)
					flows = append(flows, f)
				}
			}
			if i < runsLearned {
				l.learned = append(l.learned, flows...)
			} else {
				l.later = append(l.later, flows)
			}
		}
		out = append(out, l)
	}
	return out
}

// lessonsOfHosts learns the first half of the observation of each host.
func lessonsOfHosts(all []namedFlow) []lesson {
	hosts := map[string]*lesson{}
	first, last := 0.0, 0.0
	for _, n := range all {
		if n.Name == "" || n.TS == 0 {
			continue
		}
		if first == 0 || n.TS < first {
			first = n.TS
		}
		last = max(last, n.TS)
	}
	for _, n := range all {
		f, ok := n.flow()
		if !ok || n.Name == "" {
			continue
		}
		l := hosts[n.Host]
		if l == nil {
			l = &lesson{later: [][]learn.Flow{nil}}
			hosts[n.Host] = l
		}
		if n.TS <= (first+last)/2 {
			l.learned = append(l.learned, f)
		} else {
			l.later[0] = append(l.later[0], f)
		}
	}
	var out []lesson
	for _, h := range sortedKeys(hosts) {
		out = append(out, *hosts[h])
	}
	return out
}

// namedSets are the sets in which flows have names.
var namedSets = []struct {
	title, file string
	runs        bool
}{
	{"iot-sentinel-runs", "evaluation/flows/iot-sentinel-runs.jsonl.gz", true},
	{"ctu-normal-008", "evaluation/flows/ctu-normal-008.jsonl.gz", false},
	{"ctu-normal-012", "evaluation/flows/ctu-normal-012.jsonl.gz", false},
	{"rita-rolling-7h", "evaluation/flows/rita-rolling-7h.jsonl.gz", false},
	{"rita-proxy-1h", "traffic/zeek/rita-proxy_rolling/ssl.16:00:00-17:00:00.log.gz", false},
	{"zed-sample", "traffic/zeek/zed-sample/zeek-default/ssl.log.gz", false},
}

func (e *evaluation) lessons(i int) ([]lesson, error) {
	all, err := readNamed(filepath.Join(e.data, namedSets[i].file))
	if err != nil {
		return nil, err
	}
	if namedSets[i].runs {
		return lessonsOfRuns(all), nil
	}
	return lessonsOfHosts(all), nil
}
