// Package feed reads the address ranges that providers publish.
//
// # Vocabulary
//
// A [Feed] is one published file: where it is and how it reads. A [Snapshot] is
// what it said once, checked. A [Name] is a host name that a publisher says is
// its own. [Assemble] makes one list of several feeds.
//
// # What it promises
//
// A file is taken whole or not at all: one entry that cannot be read, an empty
// list, private space or a suspiciously short prefix refuse it. Two files that
// say the same have the same [Snapshot.Content], however they are written. What
// calls others (crawlers, runners, webhooks) is never taken for a destination:
// see [Refused].
//
// # What it does not do
//
// It opens no file and resolves no name. Only [Fetch] and [Persist] use the
// network, through the client they are given.
package feed

import (
	"fmt"
	"io"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tripline/ipranges"
)

// A Feed is what one provider publishes.
type Feed struct {
	Name  string // what the command line calls it: "aws"
	URL   string
	Short string // one line of help, no full stop
	// Parse yields ranges. An entry that cannot be read yields an error with
	// its index, and the next ones follow; a file of another shape ends it.
	Parse func(io.Reader) iter.Seq2[ipranges.Range, error]

	// Named says that it has host names too, see [Feed.Names].
	Named bool
	// Fixed says that the publisher offers a page for people and no file: what
	// it says comes with the program, and URL is that page.
	Fixed bool

	page     string       // a page that links to the current file, where URL may vanish
	dated    string       // where files are that are named after a Monday, with YYYYMMDD for it, where the page may vanish too
	parts    []string     // addresses of lists that together stand in for URL
	client   string       // the parameter that wants a random identifier of the client
	canaries []netip.Addr // what every whole list has
	services []string     // what every whole list names: "Storage", or "Storage/eastus" with a region
	read     func(raw []byte) (document, error)
	like     func(head string) bool // nil if the beginning of a file does not tell
}

// An Edition is what a publisher says of a file: when it was made, and a token
// that changes with every publication, often without any other change.
type Edition struct {
	Published time.Time // zero if the file does not say
	Token     string
}

// All lists the feeds by name.
var All = []Feed{
	anthropic, atlassian, aws, azure, cloudflare, digitalocean, fastly, gcp, github, google, linode, m365, oci,
}

// InParts says whether it is also published as several lists, which are one
// together.
func (f Feed) InParts() bool { return len(f.parts) > 1 }

// Find returns the feed called name.
func Find(name string) (Feed, error) {
	for _, f := range All {
		if strings.EqualFold(f.Name, name) {
			return f, nil
		}
	}
	if err := Refused(name); err != nil {
		return Feed{}, err
	}
	return Feed{}, fmt.Errorf("no feed called %q, want %s", name, feedNames())
}

func feedNames() string {
	out := make([]string, len(All))
	for i, f := range All {
		out[i] = f.Name
	}
	return strings.Join(out, ", ")
}

// Detect returns the feed that a file which begins with head belongs to. The
// first 4 KiB are enough.
func Detect(head []byte) (Feed, error) {
	if err := looksLikeJSON(head, 0); err != nil {
		return Feed{}, err
	}
	i := slices.IndexFunc(All, func(f Feed) bool { return f.like != nil && f.like(string(head)) })
	if i < 0 {
		return Feed{}, fmt.Errorf("not a file of a known feed, want one of %s", feedNames())
	}
	return All[i], nil
}
