package netfilter

import (
	"bytes"
	"strings"
)

// Prefixes remember what was made of each prefix, host name and all: there are
// as many as rules. They forget when there are too many.
type prefixes struct {
	known map[string]prefix
}

type prefix struct {
	text    string
	refused bool
}

const mostPrefixes = 1 << 12

// of returns the prefix in what stands between the time stamp and the packet,
// and whether it says that the packet was refused. Bare says that it is only
// the message.
func (p *prefixes) of(b []byte, bare bool) (text string, refused bool) {
	b, cut := withoutUptime(b)
	if len(b) == 0 {
		return "", false
	}
	known, ok := p.known[string(b)]
	if !ok {
		if p.known == nil || len(p.known) >= mostPrefixes {
			p.known = map[string]prefix{}
		}
		text := written(b, bare || cut)
		known = prefix{text, refuses(text)}
		p.known[string(b)] = known
	}
	return known.text, known.refused
}

// withoutUptime cuts what differs from line to line: all up to the time since
// the machine started, which follows the program's name. The host is left out
// with it.
func withoutUptime(b []byte) (rest []byte, cut bool) {
	if n := uptime(b); n > 0 {
		return b[n:], true
	}
	if at := bytes.Index(b, []byte(kernel+" [")); at >= 0 {
		rest = b[at+len(kernel)+1:]
		if n := uptime(rest); n > 0 {
			return rest[n:], true
		}
	}
	return b, false
}

const kernel = "kernel:"

// written is the prefix as its author wrote it.
func written(b []byte, bare bool) string {
	s := string(b)
	if at := strings.LastIndex(s, kernel); at >= 0 {
		s = s[at+len(kernel):]
		s = s[uptime([]byte(strings.TrimLeft(s, " "))):]
	} else if host, rest, ok := strings.Cut(s, " "); ok && !bare && strings.TrimSpace(rest) != "" && isHost(host) {
		s = rest
	}
	return printable(strings.Trim(s, ": "))
}

// isHost says whether the first of several words may be a host name: a prefix
// often ends its first word with a colon or a bracket.
func isHost(s string) bool {
	return !strings.ContainsAny(s, ":[](){}") && !refuses(s)
}

// printable leaves out what is not: text of a rule is shown as it is.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
}

// refuses says whether a prefix tells that its rule let nothing through. What it
// does not tell is taken as passed: that is what has to be explained.
func refuses(s string) bool {
	words := strings.FieldsFunc(s, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') })
	for i, w := range words {
		switch strings.ToUpper(w) {
		case "BLOCK", "BLOCKED", "DROP", "DROPPED", "DENY", "DENIED", "REJECT", "REJECTED", "REFUSED":
			return true
		case "D", "R": // as UniFi ends the names of its rules
			if end := strings.TrimRight(s, "]: "); i == len(words)-1 && (end == w || strings.HasSuffix(end, "-"+w)) {
				return true
			}
		}
	}
	return false
}
