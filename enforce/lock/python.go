package lock

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"

	"tripline/learn"
)

// A file is an artefact in a TOML lock file, however its tool calls its parts.
type file struct {
	Name   string            `toml:"name"`
	File   string            `toml:"file"`
	URL    string            `toml:"url"`
	Path   string            `toml:"path"`
	Hash   string            `toml:"hash"`
	Hashes map[string]string `toml:"hashes"`
}

func (f *file) empty() bool { return f.Hash == "" && len(f.Hashes) == 0 && f.URL == "" }

// pin makes a pin of a file of a package.
func (f *file) pin(name, version string) (Pin, error) {
	p := Pin{Ecosystem: Python, Name: name, Version: version, URL: f.URL, File: f.File}
	for _, text := range []string{f.Name, f.URL, f.Path} {
		if p.File == "" && text != "" {
			p.File = fileOf(text)
		}
	}
	if f.Hash != "" {
		d, err := parseDigest(f.Hash)
		if err != nil {
			return p, err
		}
		p.Digests = append(p.Digests, d)
	}
	for algorithm, value := range f.Hashes {
		d, err := hexDigest(algorithm, value)
		if err != nil {
			return p, err
		}
		p.Digests = append(p.Digests, d)
	}
	return p, nil
}

// fileOf returns the last part of a URL or path.
func fileOf(text string) string {
	text, _, _ = strings.Cut(text, "#")
	text, _, _ = strings.Cut(text, "?")
	return unescaped(path.Base(text))
}

type pythonDoc struct {
	Packages []pythonPackage `toml:"packages"` // of pylock.toml
	Package  []pythonPackage `toml:"package"`  // of uv.lock and poetry.lock
	Metadata struct {
		Files map[string][]file `toml:"files"` // of an older poetry.lock
	} `toml:"metadata"`
}

type pythonPackage struct {
	Name    string         `toml:"name"`
	Version string         `toml:"version"`
	Wheels  []file         `toml:"wheels"`
	Files   []file         `toml:"files"`
	Sdist   file           `toml:"sdist"`
	Archive file           `toml:"archive"`
	Source  map[string]any `toml:"source"`
}

func readPylock(l *Lock, text []byte) error { return readPython(l, text) }
func readUV(l *Lock, text []byte) error     { return readPython(l, text) }
func readPoetry(l *Lock, text []byte) error { return readPython(l, text) }

func readPython(l *Lock, text []byte) error {
	var doc pythonDoc
	if err := toml.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("invalid TOML: %s", learn.Printable(err.Error()))
	}
	for _, p := range append(doc.Packages, doc.Package...) {
		files := append(append(p.Wheels, p.Files...), doc.Metadata.Files[p.Name]...)
		for _, f := range []file{p.Sdist, p.Archive} {
			if !f.empty() {
				files = append(files, f)
			}
		}
		if len(files) == 0 {
			l.Unfixed++
		}
		for i := range files {
			pin, err := files[i].pin(p.Name, p.Version)
			if err != nil {
				return fmt.Errorf("package %s: %w", learn.Printable(p.Name), err)
			}
			l.add(pin)
		}
	}
	return nil
}

var (
	requirement = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*={2,3}\s*([A-Za-z0-9.!+_-]+)\s*(?:;.*)?$`)
	reference   = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*@\s*(\S+)`)
	comment     = regexp.MustCompile(`(^|\s)#.*$`)
)

// readRequirements reads what pip does in --require-hashes mode; a line goes on
// behind a backslash.
func readRequirements(l *Lock, text []byte) error {
	joined := strings.NewReplacer("\\\r\n", " ", "\\\n", " ").Replace(string(text))
	for line := range strings.Lines(joined) {
		line = strings.TrimSpace(comment.ReplaceAllString(strings.TrimSpace(line), ""))
		if line == "" || strings.HasPrefix(line, "-") {
			continue // an option, as -r or --index-url
		}
		pin, err := requirementOf(line)
		if err != nil {
			return err
		}
		l.add(pin)
	}
	return nil
}

func requirementOf(line string) (Pin, error) {
	words := strings.Split(line, "--hash")
	p := Pin{Ecosystem: Python}
	if m := requirement.FindStringSubmatch(strings.TrimSpace(words[0])); m != nil {
		p.Name, p.Version = m[1], m[2]
	} else if m := reference.FindStringSubmatch(strings.TrimSpace(words[0])); m != nil {
		p.URL = m[2]
		if art, ok := Identify(m[2]); ok && art.Ecosystem == Python {
			p.Name, p.Version, p.File = m[1], art.Version, art.File
		}
		if _, fragment, ok := strings.Cut(m[2], "#sha256="); ok {
			words = append(words, "sha256:"+fragment)
		}
	}
	for _, text := range words[1:] {
		d, err := parseDigest(strings.TrimSpace(strings.TrimLeft(text, "= \t")))
		if err != nil {
			return p, fmt.Errorf("%s: %w", learn.Printable(p.Name), err)
		}
		p.Digests = append(p.Digests, d)
	}
	return p, nil
}
