package export

import (
	"bytes"
	"net/netip"
	"strings"

	"tripline/ipranges"
)

// A Held is a table as somebody has it: a file that was written or fetched, or
// what a firewall shows of its table ("pfctl -t NAME -T show").
type Held struct {
	Agent    string // as the file says of itself, in its own alphabet; "" if it does not
	Service  string // "tcp/443", likewise
	Name     string // of the alias, likewise
	Baseline string // digest, likewise
	Over     bool   // it may be empty: its last rule is gone, or it blocks what there may be none of
	Entries  []netip.Prefix
	Set      ipranges.Set
	Unread   int    // lines that are no entry
	First    string // of them, as it was
}

// heldMax bounds what is read: pf holds 400,000 entries by default, 1,000,000 on
// OPNsense.
const heldMax = 4_000_000

// ReadHeld reads a table as pfSense's URL tables and pfctl do together: the first
// word of a line that is no comment. What is no address and no prefix is counted.
func ReadHeld(text []byte) Held {
	var h Held
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	for line := range bytes.Lines(text) {
		h.line(string(bytes.TrimSpace(line)))
		if len(h.Entries) >= heldMax {
			break
		}
	}
	h.Set = ipranges.NewSet(h.Entries...)
	return h
}

func (h *Held) line(line string) {
	switch {
	case line == "":
	case line[0] == '#' || line[0] == ';':
		h.comment(line)
	default:
		word, _, _ := strings.Cut(line, "#")
		word, _, _ = strings.Cut(word, ";")
		word, _, _ = strings.Cut(strings.TrimSpace(word), " ")
		h.entry(word, line)
	}
}

func (h *Held) entry(word, line string) {
	p, err := netip.ParsePrefix(word)
	if a, bad := netip.ParseAddr(word); bad == nil {
		a = a.Unmap().WithZone("")
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	if err == nil {
		h.Entries = append(h.Entries, p.Masked())
		return
	}
	if h.Unread++; h.Unread == 1 {
		h.First = line[:min(len(line), 200)]
	}
}

// comment takes what an export says of itself.
func (h *Held) comment(line string) {
	if rest, ok := strings.CutPrefix(line, "# "+titleStart); ok && h.Agent == "" {
		if mid := strings.LastIndex(rest, titleMid); mid > 0 {
			h.Agent, h.Service = rest[:mid], rest[mid+len(titleMid):]
		}
	}
	if rest, ok := strings.CutPrefix(line, "# alias "); ok && h.Name == "" {
		h.Name, h.Baseline, _ = strings.Cut(rest, ", baseline ")
	}
	h.Over = h.Over || strings.HasPrefix(line, overMark) || strings.HasPrefix(line, "# "+blockStart)
}

// String returns "12 prefixes, 491,536 addresses".
func (h Held) String() string {
	if h.Set.IsEmpty() {
		return "nothing"
	}
	return count(len(h.Set.Prefixes()), "prefix", "prefixes") + ", " + opens(h.Set)
}
