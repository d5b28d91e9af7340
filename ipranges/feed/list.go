package feed

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"strings"
	"time"

	"tripline/ipranges"
)

// maxLines is how long a list may be. The longest one published today has five
// thousand lines.
const maxLines = 1 << 20

// geo is what a list with places is the service of: RFC 8805 says where an
// address is used, not for what.
const geo = "geo"

// line is what entries of a list are called; they are counted from 1.
const line = "line"

// A listDocument is a text of prefixes, one a line, or a geofeed (RFC 8805):
//
//	# comment
//	192.0.2.0/24
//	2001:db8::/32,NL,NL-NH,Amsterdam,
//
// An address alone is a prefix of its full length.
type listDocument struct {
	provider string
	service  string // of lines with a place; geo if it is empty
	lines    []string
}

// listReader returns how a provider's text is read.
func listReader(provider, service string) func([]byte) (document, error) {
	return func(raw []byte) (document, error) {
		raw = bytes.TrimPrefix(raw, bom)
		if err := looksLikeList(raw[:min(512, len(raw))]); err != nil {
			return nil, err
		}
		d := &listDocument{provider: provider, service: service}
		for text := range strings.Lines(string(raw)) {
			if len(d.lines) == maxLines {
				return nil, fmt.Errorf("more than %d lines", maxLines)
			}
			d.lines = append(d.lines, strings.TrimSpace(text))
		}
		return d, nil
	}
}

// looksLikeList tells apart what people and proxies hand over instead.
func looksLikeList(head []byte) error {
	text := bytes.TrimLeft(head, " \t\r\n")
	switch {
	case len(text) == 0:
		return errors.New("nothing in it, want a list of prefixes")
	case text[0] == '<':
		return errors.New("a web page, want a list of prefixes")
	case text[0] == '{' || text[0] == '[':
		return errors.New("a JSON document, want a list of prefixes")
	case bytes.HasPrefix(text, []byte("\x1f\x8b")):
		return errors.New("compressed by gzip, want the list in it")
	}
	return nil
}

func (d *listDocument) shape() error { return nil }

func (d *listDocument) entries() iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for i, text := range d.lines {
			text, _, _ = strings.Cut(text, "#")
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			if !yield(d.entry(i+1, strings.Split(text, ","))) {
				return
			}
		}
	}
}

func (d *listDocument) entry(number int, fields []string) entry {
	e := entry{list: line, index: number, prefix: full(strings.TrimSpace(fields[0]))}
	e.label = ipranges.Label{Provider: d.provider}
	if len(fields) > 1 {
		e.label.Service, e.label.Region = d.service, place(fields)
		if e.label.Service == "" {
			e.label.Service = geo
		}
	}
	return e
}

// full makes a prefix of an address alone.
func full(s string) string {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()).String()
	}
	return s
}

// place returns the region of a line of a geofeed, or else its country. Cities
// are free text.
func place(fields []string) string {
	for i := min(2, len(fields)-1); i > 0; i-- {
		if s := strings.TrimSpace(fields[i]); s != "" {
			return s
		}
	}
	return ""
}

// modified begins the comment in which some say when they made a list.
const modified = "# Last modified: "

func (d *listDocument) edition() Edition {
	for _, comment := range d.lines[:min(len(d.lines), 10)] {
		if text, ok := strings.CutPrefix(comment, modified); ok {
			if made, err := time.Parse("2006-01-02 15:04:05.999999999", text); err == nil {
				return Edition{Published: made}
			}
		}
	}
	return Edition{}
}
