package export

import (
	"bytes"
	"slices"
	"strings"
)

// mergeConfig replaces aliases of the same name in a configuration of pfSense
// and adds the others at the end of its section. Everything else stays as it is,
// byte for byte. Of a whole configuration only the section comes back. old is
// the names of the aliases that were kept.
func mergeConfig(document []byte, aliases []alias) (out []byte, old []string, err error) {
	s, err := findSection(document)
	if err != nil {
		return nil, nil, err
	}
	m := merger{section: s, document: document, newline: "\n", ours: aliases}
	if bytes.Contains(document, []byte("\r\n")) {
		m.newline = "\r\n"
	}
	return m.merge(), m.old, nil
}

type merger struct {
	*section
	document []byte
	newline  string
	ours     []alias
	out      bytes.Buffer
	done     []string // names written
	old      []string
}

func (m *merger) merge() []byte {
	if m.whole {
		m.out.Write(m.document[:m.outer.from])
	} else {
		m.out.WriteString(xmlHeader + m.newline)
	}
	m.write()
	if m.whole {
		m.out.Write(m.document[m.outer.to:])
	} else {
		m.out.WriteString(m.newline)
	}
	return m.out.Bytes()
}

// write writes the section with its tags.
func (m *merger) write() {
	switch m.outer {
	case piece{}: // the configuration has none
		m.fill("<aliases>")
	case m.inner: // <aliases/>
		tag := strings.TrimSuffix(string(m.document[m.outer.from:m.outer.to]), "/>")
		m.fill(strings.TrimRight(tag, " \t\r\n") + ">")
	default:
		m.exchange()
	}
}

// fill writes a section of our aliases alone.
func (m *merger) fill(tag string) {
	m.out.WriteString(tag)
	m.add()
	m.out.WriteString(m.newline + m.outdent() + "</aliases>")
}

// exchange copies the section, our aliases instead of those of their name. The
// others of ours go behind the last alias.
func (m *merger) exchange() {
	at := m.outer.from
	for _, a := range m.aliases {
		m.out.Write(m.document[at:a.from])
		m.replace(a)
		at = a.to
	}
	if len(m.aliases) == 0 {
		m.out.Write(m.document[at:m.inner.from])
		at = m.inner.from
	}
	m.add()
	m.out.Write(m.document[at:m.outer.to])
}

// replace writes one alias of the document, or ours if it has its name. A
// second one of that name would bring back what the first one no longer opens.
func (m *merger) replace(a namedPiece) {
	i := slices.IndexFunc(m.ours, func(b alias) bool { return b.name == a.name })
	switch {
	case i < 0:
		m.out.Write(m.document[a.from:a.to])
		m.old = append(m.old, a.name)
	case !slices.Contains(m.done, a.name):
		m.out.Write(m.ours[i].xml(m.indent(), m.newline))
		m.done = append(m.done, a.name)
	}
}

// add writes the aliases that were not in the document.
func (m *merger) add() {
	for i := range m.ours {
		if !slices.Contains(m.done, m.ours[i].name) {
			m.out.WriteString(m.newline + m.indent())
			m.out.Write(m.ours[i].xml(m.indent(), m.newline))
		}
	}
}

// indent returns the blanks before an alias of the document.
func (m *merger) indent() string {
	if len(m.aliases) > 0 {
		if blanks, ok := m.blanksBefore(m.aliases[0].from); ok {
			return blanks
		}
	}
	return m.outdent() + "\t"
}

// outdent returns the blanks before the section.
func (m *merger) outdent() string {
	blanks, _ := m.blanksBefore(m.outer.from)
	return blanks
}

// blanksBefore returns the blanks between a line's begin and at; ok is false if
// something else stands there.
func (m *merger) blanksBefore(at int) (blanks string, ok bool) {
	line := m.document[bytes.LastIndexByte(m.document[:at], '\n')+1 : at]
	if len(bytes.Trim(line, " \t")) > 0 {
		return "", false
	}
	return string(line), true
}
