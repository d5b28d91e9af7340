package lock

import (
	"encoding/json"
	"fmt"
	"strings"

	"tripline/learn"
)

type npmDoc struct {
	Version  int `json:"lockfileVersion"`
	Packages map[string]struct {
		Name      string `json:"name"`
		Version   string `json:"version"`
		Resolved  string `json:"resolved"`
		Integrity string `json:"integrity"`
		Link      bool   `json:"link"`
	} `json:"packages"`
}

// readNPM reads the packages of a package-lock.json, each by its place in
// node_modules.
func readNPM(l *Lock, text []byte) error {
	var doc npmDoc
	if err := json.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("invalid JSON: %s", learn.Printable(err.Error()))
	}
	if doc.Version < 2 {
		return learn.WithHint(fmt.Errorf("lockfileVersion %d: want 2 or 3", doc.Version), "npm 7 and later write it: npm install --package-lock-only")
	}
	for place, p := range doc.Packages {
		i := strings.LastIndex(place, "node_modules/")
		if i < 0 || p.Link || strings.HasPrefix(p.Resolved, "git") {
			l.Unfixed++ // the project itself, a workspace, a checkout
			continue
		}
		name := p.Name // of an alias
		if name == "" {
			name = place[i+len("node_modules/"):]
		}
		pin := Pin{Ecosystem: NPM, Name: name, Version: p.Version, URL: p.Resolved}
		var err error
		if pin.Digests, err = integrity(p.Integrity); err != nil {
			return fmt.Errorf("%s: %w", learn.Printable(place), err)
		}
		l.add(pin)
	}
	return nil
}

// integrity reads Subresource Integrity, of which there may be several.
func integrity(text string) (out []Digest, err error) {
	for word := range strings.FieldsSeq(text) {
		word, _, _ = strings.Cut(word, "?")
		d, err := parseDigest(word)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

type pnpmDoc struct {
	Packages map[string]struct {
		Name       string `yaml:"name"`
		Version    string `yaml:"version"`
		Resolution struct {
			Integrity string `yaml:"integrity"`
			Tarball   string `yaml:"tarball"`
		} `yaml:"resolution"`
	} `yaml:"packages"`
}

func readPNPM(l *Lock, text []byte) error {
	var doc pnpmDoc
	if err := learn.ReadYAML(text, &doc); err != nil {
		return fmt.Errorf("invalid YAML: %w", err)
	}
	for key, p := range doc.Packages {
		name, version := pnpmKey(key)
		if p.Name != "" && p.Version != "" {
			name, version = p.Name, p.Version
		}
		if p.Resolution.Integrity == "" {
			l.Unfixed++
			continue
		}
		digests, err := integrity(p.Resolution.Integrity)
		if err != nil {
			return fmt.Errorf("%s: %w", learn.Printable(key), err)
		}
		l.add(Pin{Ecosystem: NPM, Name: name, Version: version, URL: p.Resolution.Tarball, Digests: digests})
	}
	return nil
}

// pnpmKey reads "@scope/name@1.2.3(peer@1)", with a slash before it in version 6,
// and "/@scope/name/1.2.3_peer@1" of version 5.
func pnpmKey(key string) (name, version string) {
	key, _, _ = strings.Cut(strings.TrimPrefix(key, "/"), "(")
	if at := strings.LastIndexByte(key, '@'); at > 0 && !strings.Contains(key[at:], "/") && !strings.Contains(key[:at], "_") {
		return key[:at], key[at+1:]
	}
	key, _, _ = strings.Cut(key, "_")
	slash := strings.LastIndexByte(key, '/')
	if slash < 0 {
		return key, ""
	}
	return key[:slash], key[slash+1:]
}
