package feed

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"tripline/ipranges"
)

// A Name is a host name, or a pattern of them, that a publisher says belongs to
// a set. Names are not resolved: they say what is meant, not where it is.
type Name struct {
	Pattern string // lower case; * stands for any letters, dots too
	Label   ipranges.Label
}

// Matches says whether host is one of the names.
func (n Name) Matches(host string) bool {
	return glob(n.Pattern, strings.ToLower(strings.TrimSuffix(host, ".")))
}

// glob matches * with one or more characters.
func glob(pattern, s string) bool {
	before, after, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, before)
	for i := 1; ok && i <= len(s); i++ {
		if glob(after, s[i:]) {
			return true
		}
	}
	return false
}

// named is a document that has names too.
type named interface {
	names() iter.Seq2[Name, error]
}

// maxStars bounds what matching may cost.
const maxStars = 3

// name checks a pattern from the network.
func name(pattern string, l ipranges.Label) (Name, error) {
	p := strings.ToLower(pattern)
	odd := strings.ContainsFunc(p, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("-._*", r)
	})
	if odd || p == "" || len(p) > 253 || strings.Count(p, "*") > maxStars || !strings.Contains(p, ".") {
		return Name{}, fmt.Errorf("invalid name %.80q", pattern)
	}
	return Name{Pattern: p, Label: l}, nil
}

// Names returns the host names in a file of the feed, none if it has only
// addresses. The file is one that Read took.
func (f Feed) Names(raw []byte) ([]Name, error) {
	d, err := f.read(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return namesOf(f.Name, d)
}

// namesOf returns the names of d in order, each once.
func namesOf(feed string, d document) ([]Name, error) {
	n, ok := d.(named)
	if !ok {
		return nil, nil
	}
	var out []Name
	for name, err := range n.names() {
		if err != nil {
			return nil, fmt.Errorf("%s: names: %w", feed, err)
		}
		out = append(out, name)
	}
	slices.SortFunc(out, func(a, b Name) int {
		if c := strings.Compare(a.Pattern, b.Pattern); c != 0 {
			return c
		}
		return a.Label.Compare(b.Label)
	})
	return slices.Compact(out), nil
}
