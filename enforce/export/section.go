package export

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"tripline/learn"
)

// A piece is the bytes from to to of a document, the second not included.
type piece struct{ from, to int }

type namedPiece struct {
	piece
	name string
}

// A section is where the aliases are in a configuration of pfSense.
type section struct {
	whole   bool  // the document is the section, not a whole configuration
	outer   piece // with its tags; zero if there is none
	inner   piece // without; the same as outer for <aliases/>
	aliases []namedPiece
}

// findSection looks for the one section of aliases in a document. pfSense would
// read none of a document that is no XML.
func findSection(document []byte) (*section, error) {
	f := finder{decoder: xml.NewDecoder(bytes.NewReader(document)), document: document}
	f.decoder.CharsetReader = func(label string, _ io.Reader) (io.Reader, error) { return nil, encodingError(label) }
	if looksUTF16(document) {
		return nil, f.wrap(encodingError("UTF-16"))
	}
	for {
		from := f.at()
		token, err := f.decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = f.token(token, piece{from, f.at()})
		}
		if err != nil {
			return nil, f.wrap(err)
		}
	}
	if !f.closed {
		return nil, f.wrap(errors.New("no XML, want <aliases> or <pfsense>"))
	}
	return &f.section, nil
}

type finder struct {
	section
	decoder  *xml.Decoder
	document []byte
	path     []string // open elements
	closed   bool     // the root was seen and closed
	named    bool     // the alias has a name
}

func (f *finder) at() int { return int(f.decoder.InputOffset()) }

func (f *finder) wrap(err error) error {
	const place = "configuration to merge into"
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return fmt.Errorf("%s: line %d: %s", place, syntax.Line, learn.Printable(syntax.Msg))
	}
	if encoding, ok := errors.AsType[encodingError](err); ok {
		err = encoding // without the words of the decoder
	}
	line, _ := f.decoder.InputPos()
	return fmt.Errorf("%s: line %d: %w", place, line, err)
}

// An encodingError is the name of an encoding that is not read.
type encodingError string

// Error implements error.
func (e encodingError) Error() string {
	return fmt.Sprintf("the file says it is in encoding %q; pfSense writes UTF-8", clip(plain(string(e)), 40))
}

// looksUTF16 says whether a document begins as XML in UTF-16 does, in either
// order of bytes, with or without a mark.
func looksUTF16(document []byte) bool {
	for _, start := range []string{"\xff\xfe", "\xfe\xff", "<\x00", "\x00<"} {
		if bytes.HasPrefix(document, []byte(start)) {
			return true
		}
	}
	return false
}

func (f *finder) token(token xml.Token, at piece) error {
	switch t := token.(type) {
	case xml.StartElement:
		f.path = append(f.path, tag(t.Name))
		return f.start(at)
	case xml.EndElement:
		f.end(at)
		f.path = f.path[:len(f.path)-1]
		f.closed = f.closed || len(f.path) == 0
	case xml.CharData:
		return f.text(string(t))
	case xml.Directive:
		return errors.New("a document type, which no configuration of pfSense has")
	}
	return nil
}

// tag returns the name of an element. One of a name space is none of pfSense's.
func tag(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// depth returns how many elements below the section's own the last one is; ok
// is false if it is not in the section.
func (f *finder) depth() (depth int, ok bool) {
	root := 1
	if !f.whole {
		root = 2
	}
	return len(f.path) - root, len(f.path) >= root && f.path[root-1] == "aliases"
}

func (f *finder) start(at piece) error {
	if len(f.path) == 1 {
		if err := f.root(f.path[0]); err != nil {
			return err
		}
	}
	depth, in := f.depth()
	switch {
	case !in:
	case depth == 0:
		if f.outer != (piece{}) {
			return errors.New("a second <aliases>")
		}
		f.outer, f.inner = at, at
	case depth == 1 && f.path[len(f.path)-1] == "alias":
		f.aliases, f.named = append(f.aliases, namedPiece{piece: at}), false
	}
	return nil
}

func (f *finder) root(name string) error {
	if f.closed {
		return errors.New("something after the end of the configuration")
	}
	f.whole = name == "aliases"
	if !f.whole && name != "pfsense" {
		return fmt.Errorf("<%s> is no configuration of pfSense, want <aliases> or <pfsense>", clip(plain(name), 60))
	}
	return nil
}

func (f *finder) end(at piece) {
	depth, in := f.depth()
	switch {
	case !in:
	case depth == 0:
		f.inner = piece{f.inner.to, at.from}
		if at.from == at.to { // <aliases/> has no end tag of its own
			f.inner = piece{f.outer.from, at.to}
		}
		f.outer.to = at.to
	case depth == 1 && f.path[len(f.path)-1] == "alias":
		f.aliases[len(f.aliases)-1].to = at.to
	case depth == 2 && f.inName():
		f.named = true
	}
}

// inName says whether the last element is the first name of an alias.
func (f *finder) inName() bool {
	n := len(f.path)
	return !f.named && f.path[n-1] == "name" && f.path[n-2] == "alias"
}

func (f *finder) text(text string) error {
	if len(f.path) == 0 {
		if strings.Trim(text, " \t\r\n\ufeff") != "" {
			return errors.New("text outside the configuration")
		}
		return nil
	}
	if depth, in := f.depth(); in && depth == 2 && f.inName() {
		last := &f.aliases[len(f.aliases)-1]
		last.name += strings.Trim(text, " \t\r\n")
	}
	return nil
}
