package export_test

import (
	"encoding/xml"
	"fmt"
	"html"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tripline/enforce/export"
	"tripline/ipranges"
)

// A pair is what one pass rule refers to: where an agent may go, at which ports.
type pair struct {
	family, proto, agent, name string
	set                        ipranges.Set
	ports                      map[uint16]bool // nil: the protocol has none
}

var passRule = regexp.MustCompile(`^    Pass   (IPv4|IPv6|IPv4\+IPv6) +([A-Z0-9]+) +from (.+) to ([A-Za-z0-9_]+)(?: port ([A-Za-z0-9_]+))?, log$`)

// readBack reads an export as pfSense and a person with its README would.
func readBack(t *testing.T, files []export.File) []pair {
	t.Helper()
	byName := map[string]string{}
	for _, f := range files {
		if byName[f.Name] != "" || strings.ContainsAny(f.Name, "/\\ ") {
			t.Fatalf("file %q: a name twice, or a path", f.Name)
		}
		byName[f.Name] = string(f.Text)
	}
	var pairs []pair
	used := map[string]bool{"README.txt": true, "aliases.xml": true, "aliases-new-only.xml": true}
	for line := range strings.Lines(byName["README.txt"]) {
		m := passRule.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			continue
		}
		p := pair{family: m[1], proto: m[2], agent: m[3], name: m[4], set: readURLTable(t, byName[m[4]+".txt"])}
		if m[5] != "" {
			p.ports = readPorts(t, byName[m[4]+"_ports.txt"])
		}
		if imported := readImport(t, byName[m[4]+".import.txt"]); !imported.Equal(p.set) {
			t.Fatalf("%s: import text differs from URL table: %v, %v", p.name, imported.Prefixes(), p.set.Prefixes())
		}
		used[m[4]+".txt"], used[m[4]+".import.txt"], used[m[4]+"_ports.txt"] = true, true, true
		pairs = append(pairs, p)
	}
	for name := range byName {
		if !used[name] {
			t.Fatalf("file %s belongs to no rule of README.txt", name)
		}
	}
	return pairs
}

// readURLTable follows the steps of pfSense on a fetched table: what is not an
// entry is dropped in silence there, and is a failure here.
func readURLTable(t *testing.T, text string) ipranges.Set {
	t.Helper()
	if !strings.HasSuffix(text, "\n") {
		t.Fatalf("table %.80q: no final newline", text)
	}
	var got []netip.Prefix
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			if len(got) > 0 || len(line) > 253 || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' || r == '<' }) {
				t.Fatalf("comment %q: after entries, too long or not plain", line)
			}
			continue
		}
		got = append(got, bareEntry(t, line))
	}
	return distinct(t, got)
}

// distinct returns the set of prefixes, which must be the smallest list of it.
func distinct(t *testing.T, prefixes []netip.Prefix) ipranges.Set {
	t.Helper()
	s := ipranges.NewSet(prefixes...)
	if len(prefixes) == 0 || fmt.Sprint(s.Prefixes()) != fmt.Sprint(prefixes) {
		t.Fatalf("entries %v: want the smallest list, IPv4 first: %v", prefixes, s.Prefixes())
	}
	return s
}

// bareEntry reads an entry that any of the readers takes.
func bareEntry(t *testing.T, text string) netip.Prefix {
	t.Helper()
	p, err := netip.ParsePrefix(text)
	if a, err2 := netip.ParseAddr(text); err2 == nil {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	if err != nil || p != p.Masked() || p.Addr().Zone() != "" || p.Addr().Is4In6() {
		t.Fatalf("entry %q: want an address or a prefix without host bits", text)
	}
	return p
}

func readPorts(t *testing.T, text string) map[uint16]bool {
	t.Helper()
	ports := map[uint16]bool{}
	for line := range strings.Lines(text) {
		line, ended := strings.CutSuffix(line, "\n")
		if !ended {
			t.Fatalf("ports %q: no final newline", text)
		}
		addPorts(t, ports, line)
	}
	if len(ports) == 0 {
		t.Fatal("no ports")
	}
	return ports
}

func addPorts(t *testing.T, ports map[uint16]bool, text string) {
	t.Helper()
	from, to, isRange := strings.Cut(text, ":")
	first, err := strconv.ParseUint(from, 10, 16)
	last := first
	if isRange && err == nil {
		last, err = strconv.ParseUint(to, 10, 16)
	}
	if err != nil || first == 0 || last < first || isRange && first == last || ports[uint16(first-1)] || ports[uint16(first)] {
		t.Fatalf("port %q: want 1 to 65535 or a range, ascending and apart", text)
	}
	for p := first; p <= last; p++ {
		ports[uint16(p)] = true
	}
}

// readImport follows the import page: the first blank parts the description,
// one bad line refuses everything.
func readImport(t *testing.T, text string) ipranges.Set {
	t.Helper()
	var got []netip.Prefix
	for line := range strings.Lines(text) {
		entry, descr, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		checkDescription(t, descr)
		got = append(got, bareEntry(t, entry))
	}
	return distinct(t, got)
}

func checkDescription(t *testing.T, descr string) {
	t.Helper()
	if descr == "" || len(descr) >= 200 || strings.Trim(descr, "| \t") != descr || strings.Contains(descr, "||") {
		t.Fatalf("description %q: empty, too long or with separators", descr)
	}
}

// A pfAlias is an <alias> as pfSense's reader sees it.
type pfAlias struct {
	Name       string `xml:"name"`
	Type       string `xml:"type"`
	URL        string `xml:"url"`
	UpdateFreq string `xml:"updatefreq"`
	Address    string `xml:"address"`
	Descr      string `xml:"descr"`
	Detail     string `xml:"detail"`
	Other      []struct {
		XMLName xml.Name
	} `xml:",any"`
}

// pfName is what pfSense and OPNsense take for a name, and no word of either.
var pfName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*_[A-Za-z0-9_]*[A-Za-z0-9]$`)

// readConfig reads a section of config.xml; text is decoded once more, as
// pfSense does.
func readConfig(t *testing.T, text []byte) map[string]pfAlias {
	t.Helper()
	var doc struct {
		XMLName xml.Name  `xml:"aliases"`
		Alias   []pfAlias `xml:"alias"`
	}
	if err := xml.Unmarshal(text, &doc); err != nil {
		t.Fatalf("config section: %v\n%s", err, text)
	}
	byName := map[string]pfAlias{}
	for _, a := range doc.Alias {
		a.Descr, a.Detail, a.Address = html.UnescapeString(a.Descr), html.UnescapeString(a.Detail), html.UnescapeString(a.Address)
		if _, twice := byName[a.Name]; twice {
			t.Fatalf("alias %s is there twice", a.Name)
		}
		byName[a.Name] = a
	}
	return byName
}

// checkConfig compares the section with the pairs read from the other files.
func checkConfig(t *testing.T, byName map[string]pfAlias, pairs []pair) {
	t.Helper()
	want := 0
	for _, p := range pairs {
		want++
		a := checkAlias(t, byName[p.name])
		if a.Type == "network" && !addresses(t, a).Equal(p.set) || a.Type == "urltable" && (a.URL != a.Address || !strings.HasSuffix(a.URL, "/"+p.name+".txt")) {
			t.Fatalf("alias %s: %+v is not %v", p.name, a, p.set.Prefixes())
		}
		if p.ports == nil {
			continue
		}
		want++
		ports := map[uint16]bool{}
		for text := range strings.SplitSeq(checkAlias(t, byName[p.name+"_p"]).Address, " ") {
			addPorts(t, ports, text)
		}
		if fmt.Sprint(ports) != fmt.Sprint(p.ports) {
			t.Fatalf("alias %s_p: ports %v, want %v", p.name, ports, p.ports)
		}
	}
	if len(byName) != want {
		t.Fatalf("%d aliases, want %d", len(byName), want)
	}
}

func checkAlias(t *testing.T, a pfAlias) pfAlias {
	t.Helper()
	if len(a.Name) > 31 || !pfName.MatchString(a.Name) {
		t.Fatalf("alias name %q", a.Name)
	}
	entries, details := strings.Split(a.Address, " "), strings.Split(a.Detail, "||")
	if len(entries) != len(details) || len(a.Other) > 0 || strings.ContainsAny(a.Address, "\r\n\t") {
		t.Fatalf("alias %s: %d entries, %d descriptions, other elements %v", a.Name, len(entries), len(details), a.Other)
	}
	for _, d := range details {
		checkDescription(t, d)
	}
	return a
}

func addresses(t *testing.T, a pfAlias) ipranges.Set {
	t.Helper()
	var got []netip.Prefix
	for entry := range strings.SplitSeq(a.Address, " ") {
		got = append(got, bareEntry(t, entry))
	}
	return distinct(t, got)
}
