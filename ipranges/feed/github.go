package feed

import (
	"encoding/json"
	"errors"
	"iter"
	"strings"

	"tripline/ipranges"
)

// Keys of the answer (GitHub REST API documentation, "Get GitHub meta
// information"):
//
//	{"web": ["192.30.252.0/22"], "api": [...], "actions": [...], "domains": {"website": ["*.github.com"], ...}}
//
// Only the keys in githubKeys are destinations. The others (see [Refused]) are
// what calls others, and would make most of Azure GitHub's.
var github = Feed{
	Name:     "github",
	URL:      "https://api.github.com/meta",
	Short:    "GitHub: web, API, git, packages, pages and Copilot, with names",
	Parse:    parser("github", readGitHub),
	canaries: addrs("140.82.112.4"),
	Named:    true,
	read:     readGitHub,
	like: func(head string) bool {
		return strings.Contains(head, `"verifiable_password_authentication"`) ||
			strings.Contains(head, `"web"`) && strings.Contains(head, `"192.30.252.0/22"`)
	},
}

// githubKeys are the destinations, with the key of their names.
var githubKeys = []struct{ key, domains string }{
	{"web", "website"}, {"api", ""}, {"git", ""}, {"packages", "packages"}, {"pages", ""}, {"copilot", "copilot"},
}

var readGitHub = reader[githubDocument]()

type githubDocument struct {
	Web      []string                   `json:"web"`
	API      []string                   `json:"api"`
	Git      []string                   `json:"git"`
	Packages []string                   `json:"packages"`
	Pages    []string                   `json:"pages"`
	Copilot  []string                   `json:"copilot"`
	Domains  map[string]json.RawMessage `json:"domains"` // lists, or objects of lists
}

func (d *githubDocument) shape() error {
	if d.Web == nil || d.API == nil || d.Git == nil {
		return errors.New(`no "web", "api" or "git"`)
	}
	return nil
}

func (d *githubDocument) entries() iter.Seq[entry] {
	by := map[string][]string{
		"web": d.Web, "api": d.API, "git": d.Git, "packages": d.Packages, "pages": d.Pages, "copilot": d.Copilot,
	}
	lists := make([]list, len(githubKeys))
	for i, k := range githubKeys {
		lists[i] = list{k.key, by[k.key], ipranges.Label{Provider: "github", Service: k.key}}
	}
	return each(lists...)
}

func (d *githubDocument) names() iter.Seq2[Name, error] {
	return func(yield func(Name, error) bool) {
		for _, k := range githubKeys {
			var patterns []string
			if text := d.Domains[k.domains]; text == nil || json.Unmarshal(text, &patterns) != nil {
				continue // names are a help, and their form is not documented
			}
			for _, p := range patterns {
				if !yield(name(p, ipranges.Label{Provider: "github", Service: k.key})) {
					return
				}
			}
		}
	}
}

func (d *githubDocument) edition() Edition { return Edition{} }
