package lock

import (
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode"
)

// An Artefact is what a URL says it is of.
type Artefact struct {
	Ecosystem     string
	Name, Version string
	File          string
	Digest        Digest // that is in the URL itself, if any
}

// Identify says what a URL, or the path of one at a mirror, is of. What is no file of
// a package, such as an index, is nothing.
func Identify(text string) (Artefact, bool) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		return Artefact{}, false
	}
	p := u.Path
	for _, of := range []func(string) (Artefact, bool){ociOf, debianOf, goOf, npmOf, cargoOf, pythonOf} {
		if a, ok := of(p); ok {
			a.Name = normal(a.Ecosystem, a.Name)
			return a, true
		}
	}
	return Artefact{}, false
}

func unescaped(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

var (
	ociPath    = regexp.MustCompile(`/v2/(.+)/(?:blobs|manifests)/sha256:([0-9a-f]{64})$`)
	byHash     = regexp.MustCompile(`/by-hash/(SHA256|SHA512)/([0-9a-f]{64,128})$`)
	goPath     = regexp.MustCompile(`([^/].*)/@v/(v[^/]+)\.(zip|mod)$`)
	npmPath    = regexp.MustCompile(`(?:^|/)((?:@[^/]+/)?[^/@]+)/-/(?:@[^/]+/)?([^/]+)\.tgz$`)
	cratePath  = regexp.MustCompile(`/crates/([^/]+)/(?:([^/]+)\.crate|([^/]+)/download)$`)
	wheelFile  = regexp.MustCompile(`^([^-]+)-([^-]+)(?:-\d[^-]*)?-[^-]+-[^-]+-[^-]+\.whl$`)
	sdistFile  = regexp.MustCompile(`^(.+)-(\d[^-]*)\.(?:tar\.gz|tar\.bz2|zip)$`)
	pypiDigest = regexp.MustCompile(`/packages/([0-9a-f]{2})/([0-9a-f]{2})/([0-9a-f]{60})/[^/]+$`)
)

func ociOf(p string) (Artefact, bool) {
	m := ociPath.FindStringSubmatch(p)
	if m == nil {
		return Artefact{}, false
	}
	return Artefact{Ecosystem: OCI, Name: m[1], Version: "sha256:" + m[2], Digest: Digest{"sha256", m[2]}}, true
}

func debianOf(p string) (Artefact, bool) {
	m := byHash.FindStringSubmatch(p)
	if m == nil || lengths[strings.ToLower(m[1])] != len(m[2]) {
		return Artefact{}, false
	}
	d := Digest{strings.ToLower(m[1]), m[2]}
	return Artefact{Ecosystem: Debian, Name: "by-hash", Version: d.Algorithm + ":" + d.Hex, Digest: d}, true
}

// goOf: in a path of the module protocol an upper-case letter is an exclamation mark
// and the lower-case one. Before the module may be where a mirror has them.
func goOf(p string) (Artefact, bool) {
	m := goPath.FindStringSubmatch(strings.TrimPrefix(p, "/"))
	if m == nil {
		return Artefact{}, false
	}
	return Artefact{Ecosystem: Go, Name: goUnescaped(m[1]), Version: goUnescaped(m[2]), File: m[3]}, true
}

func goUnescaped(s string) string {
	var b strings.Builder
	up := false
	for _, r := range s {
		switch {
		case r == '!':
			up = true
			continue
		case up:
			r = unicode.ToUpper(r)
		}
		up = false
		b.WriteRune(r)
	}
	return b.String()
}

func npmOf(p string) (Artefact, bool) {
	m := npmPath.FindStringSubmatch(p)
	if m == nil {
		return Artefact{}, false
	}
	bare := m[1][strings.LastIndexByte(m[1], '/')+1:]
	version, ok := strings.CutPrefix(m[2], bare+"-")
	return Artefact{Ecosystem: NPM, Name: m[1], Version: version, File: m[2] + ".tgz"}, ok
}

func cargoOf(p string) (Artefact, bool) {
	m := cratePath.FindStringSubmatch(p)
	if m == nil {
		return Artefact{}, false
	}
	version, ok := m[3], true
	if m[2] != "" {
		version, ok = strings.CutPrefix(m[2], m[1]+"-")
	}
	return Artefact{Ecosystem: Cargo, Name: m[1], Version: version, File: m[1] + "-" + version + ".crate"}, ok
}

// pythonOf knows wheels wherever they are, and source archives where packages are.
func pythonOf(p string) (Artefact, bool) {
	a := Artefact{Ecosystem: Python, File: path.Base(p)}
	m := wheelFile.FindStringSubmatch(a.File)
	if m == nil && (strings.Contains(p, "/packages/") || strings.Contains(p, "/+f/") || strings.Contains(p, "pypi")) {
		m = sdistFile.FindStringSubmatch(a.File)
	}
	if m == nil {
		return a, false
	}
	a.Name, a.Version = m[1], m[2]
	if d := pypiDigest.FindStringSubmatch(p); d != nil {
		a.Digest = Digest{"blake2b-256", d[1] + d[2] + d[3]}
	}
	return a, true
}
