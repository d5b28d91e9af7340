package learn

import (
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// A Registry is where packages of an ecosystem are to come from, and where not.
type Registry struct {
	Ecosystem  string
	Mirrors    []string // names or addresses
	Public     []string // names and wildcards
	PublicFrom []string // files of the user's own tools, whose URLs name more
	Agents     []string // that have the mirror; none is all
}

type registryDoc struct {
	Mirror     stringsDoc `yaml:"mirror"`
	Public     stringsDoc `yaml:"public"`
	PublicFrom stringsDoc `yaml:"public_from"`
	Agents     stringsDoc `yaml:"agents"`
}

// stringsDoc is one text or a list of them.
type stringsDoc []string

// UnmarshalYAML implements [yaml.Unmarshaler].
func (s *stringsDoc) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*s = stringsDoc{n.Value}
		return nil
	}
	return n.Decode((*[]string)(s)) //nolint:wrapcheck // the library adds the line
}

// publicRegistries are the public registries of ecosystems, where they are the same
// for everybody. Those of npm, Go and Debian come from the user's own tools.
var publicRegistries = map[string][]string{
	"python":      {"pypi.org", "files.pythonhosted.org", "upload.pypi.org"},
	"cargo":       {"crates.io", "index.crates.io", "static.crates.io"},
	"ruby":        {"rubygems.org"},
	"maven":       {"repo1.maven.org", "repo.maven.apache.org"},
	"containers":  {"registry-1.docker.io", "auth.docker.io", "production.cloudfront.docker.com", "ghcr.io", "quay.io", "gcr.io", "*.pkg.dev", "public.ecr.aws", "mcr.microsoft.com"},
	"huggingface": {"huggingface.co", "*.hf.co"},
	"ubuntu":      {"archive.ubuntu.com", "security.ubuntu.com"},
	"git":         {"github.com", "codeload.github.com", "objects.githubusercontent.com"},
	"npm":         nil, "go": nil, "debian": nil,
}

func (d *configDoc) registries(c *Config, node *yaml.Node) error {
	for _, name := range slices.Sorted(maps.Keys(d.Registries)) {
		doc := d.Registries[name]
		group, known := publicRegistries[name]
		r := Registry{Ecosystem: name, Mirrors: doc.Mirror, Public: slices.Concat(group, doc.Public), PublicFrom: doc.PublicFrom, Agents: doc.Agents}
		switch place := at(node, "registries", name); {
		case len(r.Mirrors) == 0:
			return place.errorf("want mirror, the name or address where packages are to come from")
		case len(r.Public) == 0 && len(r.PublicFrom) == 0 && known:
			return place.errorf("which hosts are public for %s: want public, or public_from with a file of its tool", name)
		case len(r.Public) == 0 && len(r.PublicFrom) == 0:
			return place.errorf("%q is not known (known: %s): want public, the hosts that are not to be used",
				Printable(name), strings.Join(slices.Sorted(maps.Keys(publicRegistries)), ", "))
		}
		for i, host := range doc.Public {
			if err := CheckName(strings.ToLower(host)); err != nil {
				return at(node, "registries", name, "public", i).wrap(err)
			}
		}
		c.Registries = append(c.Registries, r)
	}
	return nil
}
