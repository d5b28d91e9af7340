package feed

import (
	"fmt"
	"strings"
)

// Own returns the feed of a list that the user keeps: prefixes one a line, or a
// geofeed (RFC 8805). Its labels are "NAME", or "NAME/geo/REGION" where lines
// have a place.
func Own(name string) (Feed, error) {
	if err := ownName(name); err != nil {
		return Feed{}, err
	}
	read := listReader(name, geo)
	return Feed{Name: name, Short: "a list of your own", Parse: parser(name, read), read: read}, nil
}

// maxName is how long the name of a list may be.
const maxName = 40

// ownName says whether a list may be called so: plainly, and as nothing that is
// already something.
func ownName(name string) error {
	if err := Refused(name); err != nil {
		return err
	}
	for _, f := range All {
		if strings.EqualFold(f.Name, name) {
			return fmt.Errorf("list %q: there is a feed of that name", name)
		}
	}
	odd := strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	})
	switch {
	case name == "" || len(name) > maxName || odd:
		return fmt.Errorf("list %.60q: want a name of lower-case letters, digits and hyphens, at most %d", name, maxName)
	case name == "asn":
		return fmt.Errorf("list %q: that is the AS database", name)
	}
	return nil
}
