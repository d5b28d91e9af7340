package dissect

import "bytes"

// A Request is what the first request of HTTP/1 says about where it goes.
type Request struct {
	Host  []byte // without port; nil if there is none
	Proxy bool   // who receives it is to pass it on: CONNECT, or a whole URL
}

// methods are those that a connection mostly begins with (RFC 9110, section 9.3;
// RFC 5789; RFC 4918 and what grew on it).
var methods = [...]string{
	"GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "CONNECT ", "OPTIONS ", "PATCH ", "TRACE ",
	"PROPFIND ", "PROPPATCH ", "MKCOL ", "COPY ", "MOVE ", "LOCK ", "UNLOCK ", "REPORT ", "SEARCH ", "SUBSCRIBE ", "NOTIFY ",
}

// mostHead is how long the head of a request may be until it names its host.
const mostHead = 16 << 10

// HTTP reads the first request of a connection (RFC 9112, section 3), of any method, and
// written in any way that servers take: behind empty lines, with tabs and more than one
// space, with the host on a line of its own.
func HTTP(b []byte) (Request, State) {
	head := bytes.TrimLeft(b, "\r\n")
	n, state := method(head)
	switch {
	case len(b) == 0 || state == Other:
		return Request{}, Other
	case state == More:
		return Request{}, unfinished(b)
	}
	line, fields, ok := bytes.Cut(head[n:], []byte("\n"))
	if !ok {
		return Request{}, unfinished(b)
	}
	target, ok := targetOf(line)
	if !ok {
		return Request{}, Other
	}
	if string(head[:n]) == "CONNECT" {
		return Request{withoutPort(target), true}, Done
	}
	if host, ok := ofURL(target); ok {
		return Request{host, true}, Done
	}
	return hostField(b, fields)
}

// Usual says whether b begins as requests mostly do: where more of it is needed, it
// comes at once.
func Usual(b []byte) bool {
	if len(b) == 0 || b[0] < 'C' || b[0] > 'U' {
		return false
	}
	for _, m := range methods {
		n := min(len(m), len(b))
		if string(b[:n]) == m[:n] {
			return true
		}
	}
	return false
}

// method returns how long the method is that b begins with (RFC 9110, section 5.6.2: a
// token).
func method(b []byte) (n int, state State) {
	for i, c := range b {
		switch {
		case (c == ' ' || c == '\t') && i > 0:
			return i, Done
		case c <= ' ' || c > '~' || bytes.IndexByte([]byte(`"(),/:;<=>?@[\]{}`), c) >= 0:
			return 0, Other
		}
	}
	return 0, More
}

// targetOf returns what is asked for, which is between the method and the version. What
// HTTP/2 begins with looks like a request and is none (RFC 9113, section 3.4).
func targetOf(line []byte) (target []byte, ok bool) {
	line = bytes.Trim(line, " \t\r")
	i := bytes.LastIndexAny(line, " \t")
	if i < 0 || !bytes.HasPrefix(line[i+1:], []byte("HTTP/")) || bytes.HasPrefix(line[i+1:], []byte("HTTP/2")) {
		return nil, false
	}
	target = line[:i]
	if j := bytes.IndexAny(target, " \t"); j >= 0 {
		target = target[:j]
	}
	return target, true
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
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(bytes.TrimRight(name, " \t"), []byte("host")) {
			return hostValue(all, bytes.Trim(value, " \t"), rest)
		}
		b = rest
	}
}

// hostValue is the host that a field names, maybe on the next line (RFC 9112, section
// 5.2).
func hostValue(all, value, rest []byte) (Request, State) {
	for len(value) == 0 {
		line, more, ok := bytes.Cut(rest, []byte("\n"))
		switch {
		case len(line) > 0 && line[0] != ' ' && line[0] != '\t':
			return Request{}, Done
		case !ok:
			return Request{}, unfinished(all)
		}
		value, rest = bytes.Trim(line, " \t\r"), more
		if len(line) == 0 {
			return Request{}, Done
		}
	}
	return Request{Host: withoutPort(value)}, Done
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
