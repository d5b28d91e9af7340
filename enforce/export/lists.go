package export

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"tripline/ipranges"
	"tripline/learn"
)

const (
	lineMax  = 250 // bytes of a comment: pfSense drops longer lines than 253
	descrMax = 199 // bytes of an entry's description
)

// urlTable returns what a URL table fetches.
func (t *table) urlTable() []byte {
	var b bytes.Buffer
	for _, line := range t.comment() {
		b.WriteString(clip(strings.TrimRight("# "+line, " "), lineMax) + "\n")
	}
	for _, e := range t.entries() {
		b.WriteString(e.String() + "\n")
	}
	return b.Bytes()
}

// noNames is what no list of addresses can express.
const noNames = "names: whatever it is called, a destination at one of these addresses passes"

// comment says what the table is and what it cannot express.
func (t *table) comment() []string {
	lines := []string{
		titleStart + plain(t.agent.Name) + titleMid + t.service(),
		"alias " + t.name + ", baseline " + t.baseline(64),
		"opens " + opens(t.set) + " by " + count(len(t.rules), "rule", "rules") + ":",
	}
	for _, r := range t.rules {
		lines = append(lines, "  "+plain(r.To.String())+": "+opens(r.Set))
	}
	if t.beyond != "" {
		lines = append(lines, "  beyond the baseline, to have fewer entries: "+t.beyond)
	}
	lines = append(lines, "What this table cannot express:", "  "+noNames)
	for _, n := range t.notes {
		lines = append(lines, "  "+n.Rule+": "+n.Why)
	}
	return lines
}

// opens says how much a set opens, in words.
func opens(s ipranges.Set) string { return words(s.Exposure()) }

func words(e ipranges.Exposure) string {
	switch {
	case e == ipranges.Exposure{V4: 1}:
		return "1 address"
	case e.V6 == 0:
		return ipranges.Thousands(e.V4) + " addresses"
	case e.V4 == 0:
		return "IPv6 in " + e.String()
	}
	return ipranges.Thousands(e.V4) + " addresses and IPv6 in " + ipranges.Thousands(e.V6) + " /64"
}

// importText returns what the import page takes: an entry and its description,
// parted by the first blank. It knows no comments.
func (t *table) importText() []byte {
	var b bytes.Buffer
	for _, e := range t.entries() {
		b.WriteString(e.String() + " " + e.descr(t, descrMax) + "\n")
	}
	return b.Bytes()
}

// baseURL checks the address the files will be published at.
func baseURL(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || plain(text) != text || strings.Contains(text, " "):
		err = fmt.Errorf("invalid URL %q", text)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		err = fmt.Errorf("invalid URL %q, want http or https, a host and a path", text)
	}
	return strings.TrimRight(text, "/"), learn.WithHint(err, "--url http://192.0.2.5/aliases")
}
