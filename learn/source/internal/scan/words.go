package scan

// Words keeps one string for each word that was met, so that the names which
// every line repeats cost nothing. It forgets them all when there are too many:
// a forged log must not fill the memory. The zero value is ready.
type Words struct {
	known map[string]string
}

const (
	mostWords   = 1 << 12
	longestWord = 255
)

// A Last remembers the two words that a field had last: lines about the two
// sides of a firewall alternate.
type Last struct{ word, other string }

// Next reads the next field if it is one of the two, without looking for its
// end. If it is neither, nothing is passed over.
func (l *Last) Next(f *Fields, sep byte) (string, bool) {
	if f.Is(l.word, sep) {
		return l.word, true
	}
	if !f.Is(l.other, sep) {
		return "", false
	}
	l.word, l.other = l.other, l.word
	return l.word, true
}

// Get returns b as a string, cheaply if it is what last saw. A word that is too
// long or not printable ASCII is refused.
func (w *Words) Get(last *Last, b []byte) (string, bool) {
	if string(b) == last.word {
		return last.word, true
	}
	s, ok := w.known[string(b)]
	if !ok {
		if !printable(b) {
			return "", false
		}
		s = w.add(b)
	}
	last.word, last.other = s, last.word
	return s, true
}

func (w *Words) add(b []byte) string {
	if w.known == nil || len(w.known) >= mostWords {
		w.known = make(map[string]string)
	}
	s := string(b)
	w.known[s] = s
	return s
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(b) <= longestWord
}
