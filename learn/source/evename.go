package source

import (
	"bytes"

	"tripline/learn"
	"tripline/learn/source/internal/eve"
)

// mostEveNames bounds how many names are remembered in their canonical form.
const mostEveNames = 1 << 14

// eveNames are names as they were written, and what they are: "" for what can be
// no host name.
type eveNames map[string]string

// get returns the canonical form of a name, for nothing if it was met before.
func (n *eveNames) get(text []byte) string {
	if len(text) == 0 || len(text) > 255 {
		return ""
	}
	if name, ok := (*n)[string(text)]; ok {
		return name
	}
	if len(*n) >= mostEveNames {
		*n = eveNames{}
	}
	name, _ := learn.CanonicalName(string(text))
	(*n)[string(text)] = name
	return name
}

// nameOf returns what the client called the server, and how that is known. Who
// asks for a whole URL, or to be connected, asks a proxy.
func (p *eveParser) nameOf(e *eve.Event) (string, learn.Evidence) {
	host, by := e.Name, learn.SNI
	switch {
	case e.Kind == eve.QUIC:
		by = learn.QUIC
	case e.Kind != eve.HTTP:
	case string(e.Method) == "CONNECT":
		host, by = e.URL, learn.Proxy
	default:
		by = learn.HTTP
		if rest, ok := bytes.CutPrefix(e.URL, []byte("http://")); ok {
			host, by = rest[:end(rest, "/?#")], learn.Proxy
		}
	}
	if e.Kind == eve.HTTP {
		host = host[:end(host, ":")]
	}
	name := p.names.get(host)
	if name == "" {
		by = learn.Unnamed
	}
	return name, by
}

// end returns where the first byte of a set is, or how long the text is.
func end(text []byte, set string) int {
	if i := bytes.IndexAny(text, set); i >= 0 {
		return i
	}
	return len(text)
}
