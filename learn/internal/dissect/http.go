package dissect

import "bytes"

// A Request is what the first request of HTTP/1 says about where it goes.
type Request struct {
	Host  []byte // without port; nil if there is none
	Proxy bool   // who receives it is to pass it on: CONNECT, or a whole URL
}

// methods are those that a connection may begin with (RFC 9110, section 9.3;
// RFC 5789; RFC 4918 and what grew on it).
var methods = [...]string{
	"GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "CONNECT ", "OPTIONS ", "PATCH ", "TRACE ",
	"PROPFIND ", "PROPPATCH ", "MKCOL ", "COPY ", "MOVE ", "LOCK ", "UNLOCK ", "REPORT ", "SEARCH ", "SUBSCRIBE ", "NOTIFY ",
}

// mostHead is how long the head of a request may be until it names its host.
const mostHead = 16 << 10

// HTTP reads the first request of a connection (RFC 9112, section 3).
func HTTP(b []byte) (Request, State) {
	method := startsHTTP(b)
	if method == "" {
		return Request{}, Other
	}
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		return Request{}, unfinished(b)
	}
	// Servers take more than one space (RFC 9112, section 3), and who wants to
	// hide uses them.
	target, version, _ := bytes.Cut(bytes.TrimLeft(b[min(len(method), end):end], " \t"), []byte(" "))
	if !bytes.HasPrefix(bytes.TrimLeft(version, " \t"), []byte("HTTP/")) {
		return Request{}, Other
	}
	if method == "CONNECT " {
		return Request{withoutPort(target), true}, Done
	}
	if host, ok := ofURL(target); ok {
		return Request{host, true}, Done
	}
	return hostField(b, b[end+1:])
}

// startsHTTP returns the method that b begins with, or may.
func startsHTTP(b []byte) string {
	if len(b) == 0 || b[0] < 'C' || b[0] > 'U' {
		return ""
	}
	for _, m := range methods {
		n := min(len(m), len(b))
		if string(b[:n]) == m[:n] {
			return m
		}
	}
	return ""
}

func unfinished(b []byte) State {
	if len(b) >= mostHead {
		return Other
	}
	return More
}

// hostField looks for Host in the lines of a head.
func hostField(all, b []byte) (Request, State) {
	for {
		line, rest, ok := bytes.Cut(b, []byte("\n"))
		if !ok {
			return Request{}, unfinished(all)
		}
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			return Request{}, Done
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && len(name) == 4 && bytes.EqualFold(name, []byte("host")) {
			return Request{Host: withoutPort(bytes.Trim(value, " \t"))}, Done
		}
		b = rest
	}
}

// ofURL returns the host of a whole URL, which is what proxies are asked for.
func ofURL(target []byte) (host []byte, ok bool) {
	i := bytes.Index(target, []byte("://"))
	if i <= 0 || i > 8 || target[0] == '/' {
		return nil, false
	}
	host = target[i+3:]
	if j := bytes.IndexAny(host, "/?#"); j >= 0 {
		host = host[:j]
	}
	if j := bytes.LastIndexByte(host, '@'); j >= 0 {
		host = host[j+1:]
	}
	return withoutPort(host), true
}

func withoutPort(host []byte) []byte {
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && bytes.IndexByte(host, ']') < i {
		return host[:i]
	}
	return host
}
