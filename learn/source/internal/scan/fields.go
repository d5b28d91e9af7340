package scan

import (
	"encoding/binary"
	"math/bits"
)

// Fields walks over text separated by single bytes, empty fields included.
type Fields struct {
	text []byte
	at   int
	More bool // a separator was met, so one more field exists, if only an empty one
}

// Split starts a walk over b, which always has at least one field.
func Split(b []byte) Fields { return Fields{text: b, More: true} }

// Rest returns what follows the separator of the last field.
func (f *Fields) Rest() []byte { return f.text[f.at:] }

// Next returns the bytes up to the next separator. After the last field it
// returns nothing.
func (f *Fields) Next(sep byte) []byte {
	b := f.text[f.at:]
	i := index(b, sep)
	if i < 0 {
		f.at, f.More = len(f.text), false
		return b
	}
	f.at += i + 1
	return b[:i]
}

// Prefix passes over text, which holds whole fields with their separators, if it
// comes next, and says whether it did.
func (f *Fields) Prefix(text []byte) bool {
	end := f.at + len(text)
	if end > len(f.text) || string(f.text[f.at:end]) != string(text) {
		return false
	}
	f.at = end
	return true
}

// Skip passes over n fields.
func (f *Fields) Skip(n int, sep byte) {
	for ; n > 0 && f.More; n-- {
		f.Next(sep)
	}
}

// Is passes over the next field if it is word, and says whether it was. Words
// that every line repeats are read like this without looking for their end.
func (f *Fields) Is(word string, sep byte) bool {
	end := f.at + len(word)
	if end >= len(f.text) || f.text[end] != sep || string(f.text[f.at:end]) != word {
		return false
	}
	f.at = end + 1
	return true
}

// Uint reads the next field as a decimal number of at most maximum, in one pass.
// A number that nothing follows is refused: it may have been cut. If it is no
// number nothing is passed over.
func (f *Fields) Uint(maximum uint64, sep byte) (n uint64, ok bool) {
	for i, c := range f.text[f.at:] {
		if d := c - '0'; d <= 9 {
			n = n*10 + uint64(d)
			continue
		}
		if c != sep || i == 0 || i > 19 || n > maximum {
			break
		}
		f.at += i + 1
		return n, true
	}
	return 0, false
}

// index is bytes.IndexByte for fields of a few bytes, where the call costs more
// than the search: eight bytes at once, of which the lowest zero byte after the
// exclusive or is the separator ("Hacker's Delight", section 6-1).
func index(b []byte, sep byte) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	at := 0
	for ; at+8 <= len(b); at += 8 {
		x := binary.LittleEndian.Uint64(b[at:]) ^ ones*uint64(sep)
		if zero := (x - ones) &^ x & tops; zero != 0 {
			return at + bits.TrailingZeros64(zero)/8
		}
	}
	for ; at < len(b); at++ {
		if b[at] == sep {
			return at
		}
	}
	return -1
}
