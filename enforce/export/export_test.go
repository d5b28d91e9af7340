package export

import "testing"

// Elements returns the bytes of each alias of a document by name, in order.
func Elements(t testing.TB, document []byte) map[string][]string {
	t.Helper()
	s, err := findSection(document)
	if err != nil {
		t.Fatalf("%q: %v", document, err)
	}
	out := map[string][]string{}
	for _, a := range s.aliases {
		out[a.name] = append(out[a.name], string(document[a.from:a.to]))
	}
	return out
}
