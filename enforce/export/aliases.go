package export

import (
	"bytes"
	"strings"
)

// An alias is one <alias> of pfSense's config.xml.
type alias struct {
	name, kind, url string
	address         []string
	detail          []string // one for each address
	descr           string
}

// aliases returns the aliases of the export in the order of its tables.
func (s *aliasSet) aliases() []alias {
	var out []alias
	for _, t := range s.tables {
		out = append(out, t.addressAlias(s.URL))
		if len(t.ports) > 0 {
			out = append(out, t.portAlias())
		}
	}
	return out
}

func (t *table) descr() string {
	return "tripline: " + clip(plain(t.agent.Name)+" "+t.service(), 120) + ", baseline " + t.baseline(12)
}

// addressAlias returns the table's addresses, or where to fetch them.
func (t *table) addressAlias(base string) alias {
	if base != "" {
		from := base + "/" + t.name + ".txt"
		return alias{name: t.name, kind: "urltable", url: from, address: []string{from}, detail: []string{t.descr()}, descr: t.descr()}
	}
	a := alias{name: t.name, kind: "network", descr: t.descr()}
	for _, e := range t.entries() {
		a.address = append(a.address, e.prefix.String())
		a.detail = append(a.detail, e.descr(t, descrMax))
	}
	return a
}

// portAlias returns the table's ports. They stand inline even if addresses are
// fetched: other ports make another table with another name.
func (t *table) portAlias() alias {
	a := alias{name: t.portName(), kind: "port", descr: t.descr()}
	for _, p := range t.ports {
		a.address = append(a.address, p.String())
		a.detail = append(a.detail, t.proto.String()+" "+p.String())
	}
	return a
}

// xml returns the element, the first tag not indented, the others by indent.
// All text is escaped, though [plain] left nothing to escape but in a URL.
func (a *alias) xml(indent, newline string) []byte {
	var b bytes.Buffer
	field := func(name, text string) {
		b.WriteString(newline + indent + "\t<" + name + ">" + text + "</" + name + ">")
	}
	b.WriteString("<alias>")
	field("name", entities(a.name))
	field("type", entities(a.kind))
	if a.url != "" {
		field("url", entities(a.url))
		field("updatefreq", "1")
	}
	field("address", entities(strings.Join(a.address, " ")))
	field("descr", cdata(a.descr))
	field("detail", cdata(strings.Join(a.detail, "||")))
	b.WriteString(newline + indent + "</alias>")
	return b.Bytes()
}

var escapeEntities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")

func entities(s string) string { return escapeEntities.Replace(s) }

// cdata writes a description as pfSense does: entities within CDATA, because its
// reader decodes every text once more.
func cdata(s string) string { return "<![CDATA[" + entities(s) + "]]>" }

// freshConfig returns a section with nothing but aliases. No comment warns in
// it: what pfSense makes of one there is not known.
func freshConfig(aliases []alias) []byte {
	var b bytes.Buffer
	b.WriteString(xmlHeader + "\n<aliases>")
	for i := range aliases {
		b.WriteString("\n\t")
		b.Write(aliases[i].xml("\t", "\n"))
	}
	b.WriteString("\n</aliases>\n")
	return b.Bytes()
}

const xmlHeader = `<?xml version="1.0"?>`
