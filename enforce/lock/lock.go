package lock

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strings"

	"tripline/learn"
)

// Ecosystems.
const (
	Python = "python"
	NPM    = "npm"
	Cargo  = "cargo"
	Go     = "go"
	OCI    = "oci"
	Debian = "debian"
)

// A Digest is one hash of an artefact.
type Digest struct{ Algorithm, Hex string }

// A Pin is an artefact that a lock file fixes.
type Pin struct {
	Ecosystem     string
	Name, Version string
	File          string   // "" where the lock file names none
	URL           string   // likewise
	Digests       []Digest // any of them is enough
}

// A Lock is what a lock file fixes.
type Lock struct {
	Format  string
	Pins    []Pin
	Unfixed int // entries that fix no artefact: ranges, paths, git
}

// A Format is a kind of lock file.
type Format struct {
	Name  string // usual name of the file
	Short string
	read  func(l *Lock, text []byte) error
	like  func(text []byte) bool
}

// Formats are the kinds of lock files, by name.
var Formats = []Format{
	{"Cargo.lock", "Rust", readCargo, all("[[package]]", "checksum = ")},
	{"go.sum", "Go modules", readGoSum, all(" h1:")},
	{"package-lock.json", "npm, version 2 or 3", readNPM, all(`"lockfileVersion"`)},
	{"pnpm-lock.yaml", "pnpm", readPNPM, all("lockfileVersion:")},
	{"poetry.lock", "Poetry", readPoetry, all("[[package]]", "content-hash")},
	{"pylock.toml", "Python, PEP 751", readPylock, all("lock-version", "[[packages]]")},
	{"requirements.txt", "pip, with --hash", readRequirements, all("--hash=")},
	{"uv.lock", "uv", readUV, all("[[package]]", "wheels = [")},
	{"yarn.lock", "Yarn 1, or later", readYarn, func(b []byte) bool { return all("# yarn lockfile")(b) || all("__metadata:")(b) }},
}

// all finds texts that hold every mark.
func all(marks ...string) func([]byte) bool {
	return func(text []byte) bool {
		for _, m := range marks {
			if !bytes.Contains(text, []byte(m)) {
				return false
			}
		}
		return true
	}
}

// Largest is how large a lock file may be.
const Largest = 64 << 20

// Read reads a lock file, which format it has by its name, else by what is in it.
func Read(name string, text []byte) (*Lock, error) {
	f, err := formatOf(name, text)
	if err != nil {
		return nil, err
	}
	if len(text) > Largest {
		return nil, fmt.Errorf("%s: it is larger than %s", learn.Printable(name), learn.Size(Largest))
	}
	l := &Lock{Format: f.Name}
	if err := f.read(l, text); err != nil {
		return nil, fmt.Errorf("%s: %w", learn.Printable(name), err)
	}
	if len(l.Pins) == 0 {
		return nil, learn.WithHint(fmt.Errorf("%s: it fixes nothing", learn.Printable(name)), "name the lock file, not the list of what is wanted; requirements.txt needs name==version and --hash")
	}
	return l, nil
}

func formatOf(name string, text []byte) (Format, error) {
	base := path.Base(name)
	for _, f := range Formats {
		if f.Name == base || f.Name == "requirements.txt" && strings.HasPrefix(base, "requirements") && strings.HasSuffix(base, ".txt") ||
			f.Name == "pylock.toml" && strings.HasPrefix(base, "pylock.") && strings.HasSuffix(base, ".toml") {
			return f, nil
		}
	}
	for _, f := range Formats {
		if f.like(text) {
			return f, nil
		}
	}
	var names []string
	for _, f := range Formats {
		names = append(names, f.Name)
	}
	return Format{}, learn.WithHint(fmt.Errorf("%s: no known lock file", learn.Printable(name)), "known are %s", strings.Join(names, ", "))
}

// add takes a pin up, unless it has no name.
func (l *Lock) add(p Pin) {
	if p.Name == "" || p.Version == "" {
		l.Unfixed++
		return
	}
	p.Name = normal(p.Ecosystem, p.Name)
	l.Pins = append(l.Pins, p)
}

// normal is a name as its registry compares it.
func normal(ecosystem, name string) string {
	if ecosystem != Python {
		return name
	}
	name = strings.ToLower(name)
	return strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' || r == '.' }), "-")
}

var errDigest = errors.New("want ALGORITHM:HEX or ALGORITHM-BASE64")

// parseDigest reads "sha256:<hex>", or "sha512-<base64>" as npm has it.
func parseDigest(text string) (Digest, error) {
	if algorithm, value, ok := strings.Cut(text, ":"); ok {
		return hexDigest(algorithm, value)
	}
	algorithm, value, ok := strings.Cut(text, "-")
	raw, err := base64.StdEncoding.DecodeString(value)
	if !ok || err != nil || len(raw) == 0 {
		return Digest{}, fmt.Errorf("digest %q: %w", learn.Printable(text), errDigest)
	}
	return hexDigest(algorithm, hex.EncodeToString(raw))
}

// lengths are those of digests in hex.
var lengths = map[string]int{"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128, "blake2b-256": 64}

func hexDigest(algorithm, value string) (Digest, error) {
	algorithm, value = strings.ToLower(algorithm), strings.ToLower(value)
	if _, err := hex.DecodeString(value); err != nil || lengths[algorithm] != len(value) {
		return Digest{}, fmt.Errorf("digest %q: %w", learn.Printable(algorithm+":"+value), errDigest)
	}
	return Digest{algorithm, value}, nil
}
