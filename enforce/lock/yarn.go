package lock

import (
	"bytes"
	"fmt"
	"strings"

	"tripline/learn"
)

// readYarn reads the format of Yarn 1, which looks like YAML and is none, or that of
// later versions, which is. The checksum of these is of Yarn's own zip of a package,
// so nothing that a proxy sees can be compared with it.
func readYarn(l *Lock, text []byte) error {
	if bytes.Contains(text, []byte("__metadata:")) {
		return readBerry(l, text)
	}
	var p *Pin
	flush := func() {
		if p != nil {
			l.add(*p)
		}
		p = nil
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimRight(line, " \t\r\n")
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "" || trimmed[0] == '#':
		case line[0] != ' ' && strings.HasSuffix(line, ":"):
			flush()
			p = &Pin{Ecosystem: NPM, Name: yarnName(line)}
		case line[0] != ' ':
			return fmt.Errorf("line %d: want NAME@RANGE and a colon", n)
		case p != nil && strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "   "):
			if err := yarnField(p, trimmed); err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
		}
	}
	flush()
	return nil
}

// yarnName returns the name in `"@scope/name@^1.0.0", "@scope/name@^1.1.0":`.
func yarnName(line string) string {
	first, _, _ := strings.Cut(strings.TrimSuffix(line, ":"), ",")
	first = strings.Trim(first, `"`)
	if at := strings.IndexByte(first[min(1, len(first)):], '@'); at >= 0 {
		return first[:at+1]
	}
	return first
}

func yarnField(p *Pin, field string) (err error) {
	key, value, _ := strings.Cut(field, " ")
	value = strings.Trim(value, `"`)
	switch key {
	case "version":
		p.Version = value
	case "resolved":
		p.URL, _, _ = strings.Cut(value, "#")
		if art, ok := Identify(p.URL); ok && art.Ecosystem == NPM {
			p.Name = art.Name // an alias goes by another one
		}
	case "integrity":
		p.Digests, err = integrity(value)
	}
	return err
}

func readBerry(l *Lock, text []byte) error {
	var doc map[string]struct {
		Version    any    `yaml:"version"`
		Resolution string `yaml:"resolution"`
		Link       string `yaml:"linkType"`
	}
	if err := learn.ReadYAML(text, &doc); err != nil {
		return fmt.Errorf("invalid YAML: %w", err)
	}
	for key, p := range doc {
		name, rest, ok := strings.Cut(strings.TrimPrefix(p.Resolution, "@"), "@npm:")
		if strings.HasPrefix(p.Resolution, "@") {
			name = "@" + name
		}
		switch {
		case key == "__metadata":
		case !ok || p.Link == "soft":
			l.Unfixed++
		default:
			l.add(Pin{Ecosystem: NPM, Name: name, Version: rest})
		}
	}
	return nil
}
