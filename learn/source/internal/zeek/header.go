package zeek

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"tripline/learn/source/internal/scan"
)

// longestHeader bounds the line that names the columns, which is kept.
const longestHeader = 4 << 10

// A header is what the lines before the rows say of them. It is encoded as JSON
// in the state of a [Decoder].
type header struct {
	Path      string `json:"path,omitempty"`
	Fields    string `json:"fields,omitempty"` // with the separators between them
	Separator byte   `json:"separator"`
	Set       byte   `json:"set"` // separates the elements of one value
	Unset     string `json:"unset"`
	Empty     string `json:"empty"`
}

// plain is what Zeek writes unless it is told otherwise.
var plain = header{Separator: '\t', Set: ',', Unset: "-", Empty: "(empty)"}

// A column is one that is looked at, and how many are passed over before it.
type column struct {
	skip  int
	field field
}

// note reads a line that begins with #.
func (d *Decoder) note(line []byte) *scan.Error {
	h := &d.header
	if rest, ok := bytes.CutPrefix(line, []byte("#separator ")); ok {
		*h = plain // a new header begins
		h.Separator = single(string(rest), '\t')
		d.arrange()
		return nil
	}
	// What is kept goes through JSON, which has no other bytes.
	text := strings.ToValidUTF8(string(line[:min(len(line), longestHeader+1)]), "?")
	word, rest, _ := strings.Cut(text, string(h.Separator))
	switch word {
	case "#set_separator":
		h.Set = single(rest, ',')
	case "#unset_field":
		h.Unset = rest
	case "#empty_field":
		h.Empty = rest
	case "#path":
		h.Path = rest
	case "#fields":
		if len(line) > longestHeader {
			return scan.Fault(scan.BadText, "#fields", line)
		}
		h.Fields = rest
		d.arrange()
	}
	return nil
}

// single reads a separator, which Zeek writes as \x09. Only those of one byte, in
// ASCII, are known.
func single(s string, otherwise byte) byte {
	if len(s) == 1 && s[0] < utf8.RuneSelf {
		return s[0]
	}
	if n, err := strconv.ParseUint(strings.TrimPrefix(s, `\x`), 16, 7); err == nil && len(s) > 1 {
		return byte(n)
	}
	return otherwise
}

// arrange finds the columns that are looked at, and which log it is.
func (d *Decoder) arrange() {
	d.columns, d.kind = d.columns[:0], kindOf(d.header.Path)
	var has [fields]bool
	skip := 0
	for name := range strings.SplitSeq(d.header.Fields, string(d.header.Separator)) {
		f := fieldNames[name]
		if f == none || has[f] {
			skip++
			continue
		}
		d.columns = append(d.columns, column{skip, f})
		has[f], skip = true, 0
	}
	for _, k := range known {
		if d.kind == Unread && has[k.field] {
			d.kind = k.kind
		}
	}
}

// State returns what must survive a restart: the header, nil before there is one.
func (d *Decoder) State() []byte {
	if d.header == plain {
		return nil
	}
	state, err := json.Marshal(d.header)
	if err != nil {
		panic("tripline: internal error: a header cannot be encoded: " + err.Error())
	}
	return state
}

// Restore goes back to a state.
func (d *Decoder) Restore(state []byte) error {
	h := plain
	if len(state) > 0 {
		if err := json.Unmarshal(state, &h); err != nil {
			return fmt.Errorf("state of a zeek log: %w", err)
		}
	}
	d.header = h
	d.arrange()
	return nil
}
