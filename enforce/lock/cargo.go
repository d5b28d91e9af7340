package lock

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"

	"tripline/learn"
)

type cargoDoc struct {
	Package []struct {
		Name     string `toml:"name"`
		Version  string `toml:"version"`
		Source   string `toml:"source"`
		Checksum string `toml:"checksum"`
	} `toml:"package"`
	Metadata map[string]any `toml:"metadata"` // where version 1 has the checksums
}

// readCargo reads crates of a registry; workspaces, paths and git fix no artefact.
func readCargo(l *Lock, text []byte) error {
	var doc cargoDoc
	if err := toml.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("invalid TOML: %s", learn.Printable(err.Error()))
	}
	for _, p := range doc.Package {
		if !strings.HasPrefix(p.Source, "registry+") && !strings.HasPrefix(p.Source, "sparse+") {
			l.Unfixed++
			continue
		}
		sum := p.Checksum
		if old, ok := doc.Metadata[fmt.Sprintf("checksum %s %s (%s)", p.Name, p.Version, p.Source)].(string); ok && sum == "" {
			sum = old
		}
		pin := Pin{Ecosystem: Cargo, Name: p.Name, Version: p.Version, File: p.Name + "-" + p.Version + ".crate"}
		if sum != "" {
			d, err := hexDigest("sha256", sum)
			if err != nil {
				return fmt.Errorf("package %s: %w", learn.Printable(p.Name), err)
			}
			pin.Digests = []Digest{d}
		}
		l.add(pin)
	}
	return nil
}

// sumLine is a line of go.sum. Its hash is of the files in the zip, not of the zip.
var sumLine = regexp.MustCompile(`^(\S+) (v[^\s/]+)(/go\.mod)? h1:([A-Za-z0-9+/]{43}=)$`)

func readGoSum(l *Lock, text []byte) error {
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		m := sumLine.FindStringSubmatch(line)
		if m == nil {
			return fmt.Errorf("line %d: want MODULE VERSION h1:HASH", n)
		}
		pin := Pin{Ecosystem: Go, Name: m[1], Version: m[2], File: "zip", Digests: []Digest{{"h1", m[4]}}}
		if m[3] != "" {
			pin.File = "mod"
		}
		l.add(pin)
	}
	return nil
}
