package eve

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A scanner walks over the values of one JSON text. After a failure everything
// it does is nothing.
type scanner struct {
	text    []byte
	at      int
	failed  bool
	scratch []byte // strings without their escapes
}

func (s *scanner) begin(text []byte) {
	s.text, s.at, s.failed, s.scratch = text, 0, false, s.scratch[:0]
}

func (s *scanner) fail() { s.failed = true }

// cut says whether the text ended where it should have gone on.
func (s *scanner) cut() bool { return s.at >= len(s.text) }

// peek passes over blanks and returns what is next, 0 at the end.
func (s *scanner) peek() byte {
	for s.at < len(s.text) {
		if c := s.text[s.at]; c > ' ' || c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
		s.at++
	}
	return 0
}

// accept passes over c if it comes next.
func (s *scanner) accept(c byte) bool {
	if s.peek() != c || s.at >= len(s.text) {
		return false
	}
	s.at++
	return true
}

// expect passes over c, and fails if something else is there.
func (s *scanner) expect(c byte) bool {
	if !s.failed && s.accept(c) {
		return true
	}
	s.fail()
	return false
}

// object begins a walk over the members of what is next; of a value that is no
// object there are none.
func (s *scanner) object() (first, is bool) {
	if s.peek() != '{' {
		s.skip()
		return false, false
	}
	s.at++
	return true, true
}

// member returns the next key of an object, before its value; false behind the
// last one.
func (s *scanner) member(first *bool) (key []byte, ok bool) {
	if s.failed || s.accept('}') {
		return nil, false
	}
	if !*first && !s.expect(',') {
		return nil, false
	}
	*first = false
	if s.peek() != '"' {
		s.fail()
		return nil, false
	}
	key = s.str()
	return key, s.expect(':')
}

// array begins a walk over the elements of what is next; of a value that is no
// array there are none.
func (s *scanner) array() (is bool) {
	if s.peek() != '[' {
		s.skip()
		return false
	}
	s.at++
	return true
}

// strings appends the texts of an array.
func (s *scanner) strings(list [][]byte) [][]byte {
	for is, first := s.array(), true; is && s.element(&first); {
		if text := s.scalar(); text != nil {
			list = append(list, text)
		}
	}
	return list
}

// element says whether an array has one more element.
func (s *scanner) element(first *bool) bool {
	if s.failed || s.accept(']') {
		return false
	}
	if !*first && !s.expect(',') {
		return false
	}
	*first = false
	return true
}

// scalar returns the text of a string or number; nil for any other value.
func (s *scanner) scalar() []byte {
	switch c := s.peek(); {
	case c == '"':
		return s.str()
	case c == '-' || c-'0' <= 9:
		return s.bare()
	}
	s.skip()
	return nil
}

// bare returns a value that is neither string, object nor array.
func (s *scanner) bare() []byte {
	start := s.at
	for s.at < len(s.text) && !ends[s.text[s.at]] {
		s.at++
	}
	if s.at == start || s.at == len(s.text) {
		s.fail()
	}
	return s.text[start:s.at]
}

// ends are the bytes that end a bare value.
var ends = [256]bool{',': true, '}': true, ']': true, ' ': true, '\t': true, '\n': true, '\r': true, '"': true, '{': true, '[': true, ':': true}

// str reads the string that is next.
func (s *scanner) str() []byte {
	start := s.at + 1
	end, plain := s.stringEnd(start)
	if end < 0 {
		s.at = len(s.text)
		s.fail()
		return nil
	}
	s.at = end + 1
	if plain {
		return s.text[start:end]
	}
	return s.unescape(s.text[start:end])
}

// stringEnd returns where the quote is that ends a string, -1 if there is none,
// and whether the string has no escapes: eight bytes at once, as in [scan].
func (s *scanner) stringEnd(at int) (end int, plain bool) {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	b := s.text
	for ; at+8 <= len(b); at += 8 {
		w := binary.LittleEndian.Uint64(b[at:])
		q, e := w^ones*'"', w^ones*'\\'
		if hit := ((q-ones)&^q | (e-ones)&^e) & tops; hit != 0 {
			at += bits.TrailingZeros64(hit) / 8
			if b[at] == '"' {
				return at, true
			}
			return s.escapedEnd(at), false
		}
	}
	for ; at < len(b); at++ {
		switch b[at] {
		case '"':
			return at, true
		case '\\':
			return s.escapedEnd(at), false
		}
	}
	return -1, false
}

// escapedEnd goes on behind the first escape.
func (s *scanner) escapedEnd(at int) int {
	for at < len(s.text) {
		i := bytes.IndexAny(s.text[at:min(len(s.text), at+64)], `"\`)
		switch {
		case i < 0:
			at += 64
		case s.text[at+i] == '"':
			return at + i
		default:
			at += i + 2
		}
	}
	return -1
}

// skip passes over any value.
func (s *scanner) skip() {
	switch s.peek() {
	case '"':
		end, _ := s.stringEnd(s.at + 1)
		if end < 0 {
			s.at = len(s.text)
			s.fail()
			return
		}
		s.at = end + 1
	case '{', '[':
		s.skipNested()
	default:
		s.bare()
	}
}

// skipNested passes over an object or array by its brackets, however deep.
func (s *scanner) skipNested() {
	b, at, depth := s.text, s.at, 0
	for at < len(b) {
		switch brackets[b[at]] {
		case 0:
			at++
		case quote:
			end, _ := s.stringEnd(at + 1)
			if end < 0 {
				at = len(b)
				continue
			}
			at = end + 1
		case opens:
			depth++
			at++
		case closes:
			at++
			if depth--; depth == 0 {
				s.at = at
				return
			}
		}
	}
	s.at = len(b)
	s.fail()
}

const (
	quote = iota + 1
	opens
	closes
)

var brackets = [256]uint8{'"': quote, '{': opens, '[': opens, '}': closes, ']': closes}

// unescape returns a string without its escapes (RFC 8259, section 7). Half a
// surrogate pair is what encoding/json makes of it, and so is an unknown escape:
// a failure.
func (s *scanner) unescape(b []byte) []byte {
	start := len(s.scratch)
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\\')
		if i < 0 {
			break
		}
		s.scratch = append(s.scratch, b[:i]...)
		b = s.escape(b[i+1:])
	}
	s.scratch = append(s.scratch, b...)
	return s.scratch[start:len(s.scratch):len(s.scratch)]
}

// escape appends what the escape at the start of b means, and returns the rest.
func (s *scanner) escape(b []byte) (rest []byte) {
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if len(b) > 0 && b[0] == 'u' {
		return s.unicode(b)
	}
	i := -1
	if len(b) > 0 {
		i = strings.IndexByte(from, b[0])
	}
	if i < 0 {
		s.fail()
		return nil
	}
	s.scratch = append(s.scratch, to[i])
	return b[1:]
}

func (s *scanner) unicode(b []byte) (rest []byte) {
	r, ok := hex4(b)
	if !ok {
		s.fail()
		return nil
	}
	b = b[5:]
	if utf16.IsSurrogate(r) {
		low, ok := rune(0), false
		if len(b) > 0 && b[0] == '\\' {
			low, ok = hex4(b[1:])
		}
		if r = utf16.DecodeRune(r, low); ok && r != utf8.RuneError {
			b = b[6:]
		}
	}
	s.scratch = utf8.AppendRune(s.scratch, r)
	return b
}

// hex4 reads "u00e9".
func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 5 || b[0] != 'u' {
		return 0, false
	}
	for _, c := range b[1:5] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
