package feed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"strconv"
	"strings"

	"tripline/ipranges"
)

// A document is a publisher's file, decoded.
type document interface {
	shape() error // says what is missing
	entries() iter.Seq[entry]
	edition() Edition
}

// An entry is one line of a document, not yet checked.
type entry struct {
	list   string // "prefixes"
	index  int
	prefix string
	label  ipranges.Label
	err    error // what the document already knows to be wrong
}

// A list is prefixes that have one label.
type list struct {
	name     string
	prefixes []string
	label    ipranges.Label
}

// each yields the entries of lists.
func each(lists ...list) iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for _, l := range lists {
			for i, p := range l.prefixes {
				if !yield(entry{list: l.name, index: i, prefix: p, label: l.label}) {
					return
				}
			}
		}
	}
}

// reader returns how a feed's document is read.
func reader[D any, P interface {
	*D
	document
}]() func([]byte) (document, error) {
	return func(raw []byte) (document, error) {
		d := P(new(D))
		if err := decode(raw, '{', d); err != nil {
			return nil, err
		}
		return d, d.shape()
	}
}

// parser returns how the ranges of a feed are read.
func parser(name string, read func([]byte) (document, error)) func(io.Reader) iter.Seq2[ipranges.Range, error] {
	return func(r io.Reader) iter.Seq2[ipranges.Range, error] {
		return func(yield func(ipranges.Range, error) bool) {
			raw, err := readAll(r)
			var d document
			if err == nil {
				d, err = read(raw)
			}
			if err != nil {
				yield(ipranges.Range{}, fmt.Errorf("%s: %w", name, err))
				return
			}
			ranges(name, d)(yield)
		}
	}
}

// readAll is io.ReadAll, which for a reader that knows its length needs no more
// memory than that.
func readAll(r io.Reader) ([]byte, error) {
	sized, ok := r.(interface{ Len() int })
	if !ok {
		return io.ReadAll(r)
	}
	raw := make([]byte, sized.Len())
	_, err := io.ReadFull(r, raw)
	return raw, err
}

// ranges yields what a document says. A list with nothing in it is an error:
// taken as it is, it would leave every rule without addresses.
func ranges(name string, d document) iter.Seq2[ipranges.Range, error] {
	return func(yield func(ipranges.Range, error) bool) {
		empty := true
		for e := range d.entries() {
			empty = false
			r, err := e.read()
			if err != nil {
				err = fmt.Errorf("%s: %s: %w", name, e.place(), err)
			}
			if !yield(r, err) {
				return
			}
		}
		if empty {
			yield(ipranges.Range{}, fmt.Errorf("%s: the list is empty", name))
		}
	}
}

func (e entry) place() string {
	if e.list == line {
		return line + " " + strconv.Itoa(e.index)
	}
	return e.list + "[" + strconv.Itoa(e.index) + "]"
}

// read checks an entry. All of it is text from the network.
func (e entry) read() (ipranges.Range, error) {
	if e.err != nil {
		return ipranges.Range{}, e.err
	}
	p, err := netip.ParsePrefix(e.prefix)
	if err != nil {
		return ipranges.Range{}, fmt.Errorf("invalid prefix %.60q, want an address and a length", e.prefix)
	}
	p = p.Masked()
	if err := public(p); err != nil {
		return ipranges.Range{}, err
	}
	if !plain(e.label.Service) || !plain(e.label.Region) {
		return ipranges.Range{}, fmt.Errorf("invalid label %.120q", e.label.String())
	}
	return ipranges.Range{Prefix: p, Label: e.label}, nil
}

// plain says whether s can be a part of a label, see [ipranges.ParseLabel].
func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '/' })
}

// A file that claims more of the address space than any provider has, or space
// that nobody has, is a mistake or an attack.
const (
	shortest4 = 8
	shortest6 = 16
)

// special is the space that is never a provider's: the private, local and
// multicast networks of RFC 6890. Documentation networks are left out of it, as
// examples use them.
var special = ipranges.NewSet(
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("224.0.0.0/3"),
	netip.MustParsePrefix("::/8"),
	netip.MustParsePrefix("fc00::/7"),
	netip.MustParsePrefix("fe80::/9"),
	netip.MustParsePrefix("ff00::/8"),
)

func public(p netip.Prefix) error {
	shortest := shortest6
	if p.Addr().Is4() {
		shortest = shortest4
	}
	if p.Bits() < shortest {
		return fmt.Errorf("prefix %s is suspiciously large, want /%d or longer", p, shortest)
	}
	if special.Within(p) > 0 {
		return fmt.Errorf("prefix %s is private or reserved space", p)
	}
	return nil
}

// decode reads one JSON document, which opens with a brace or a bracket, and
// wants nothing after it.
func decode(raw []byte, opens byte, into any) error {
	if err := looksLikeJSON(raw[:min(512, len(raw))], opens); err != nil {
		return err
	}
	raw = bytes.TrimPrefix(raw, bom)
	if json.Unmarshal(raw, into) == nil {
		return nil
	}
	return explain(raw, into)
}

// explain says what is wrong with a document. A decoder tells more about it,
// and needs much more memory.
func explain(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if err := dec.Decode(into); err != nil {
		return asJSONError(err)
	}
	return errors.New("there is more after the end of the JSON document")
}

// asJSONError says in the words of a user what the library found.
func asJSONError(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s at byte %d is a JSON %.20s of another type than published", wrong.Field, wrong.Offset, wrong.Value)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the JSON document is cut off: %w", err)
	}
	return fmt.Errorf("invalid JSON: %w", err)
}

var bom = []byte("\xef\xbb\xbf")

// looksLikeJSON tells apart what people and proxies hand over instead. opens is
// what the document begins with; 0 takes an object or an array.
func looksLikeJSON(head []byte, opens byte) error {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, bom), " \t\r\n")
	switch {
	case len(text) == 0:
		return errors.New("nothing in it, want a JSON document")
	case text[0] == '<':
		return errors.New("a web page, want a JSON document")
	case bytes.HasPrefix(text, []byte("\x1f\x8b")):
		return errors.New("compressed by gzip, want the JSON document in it")
	case text[0] == opens || opens == 0 && (text[0] == '{' || text[0] == '['):
		return nil
	case opens == '[':
		return fmt.Errorf("begins with %q, want a JSON array", text[:1])
	}
	return fmt.Errorf("begins with %q, want a JSON object", text[:1])
}
