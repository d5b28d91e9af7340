package scan

// Fields walks over text separated by single bytes, empty fields included.
type Fields struct {
	Rest []byte // what follows the separator of the last field
	More bool   // a separator was met, so one more field exists, if only an empty one
}

// Split starts a walk over b, which always has at least one field.
func Split(b []byte) Fields { return Fields{Rest: b, More: true} }

// Next returns the bytes up to the next separator. After the last field it
// returns nil.
func (f *Fields) Next(sep byte) []byte {
	b := f.Rest
	for i := range b {
		if b[i] == sep {
			f.Rest = b[i+1:]
			return b[:i]
		}
	}
	f.Rest, f.More = nil, false
	return b
}

// Skip passes over n fields.
func (f *Fields) Skip(n int, sep byte) {
	b := f.Rest
	for i := range b {
		if b[i] != sep {
			continue
		}
		if n--; n == 0 {
			f.Rest = b[i+1:]
			return
		}
	}
	f.Rest, f.More = nil, false
}
