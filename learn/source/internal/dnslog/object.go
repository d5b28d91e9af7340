package dnslog

import (
	"bytes"
	"encoding/json"
	"errors"
)

var (
	errCut    = errors.New("ends in the middle")
	errObject = errors.New("no JSON object")
)

// object calls each with every key and value of a JSON object (RFC 8259), one
// level deep: a value is text as it stands there, of whatever kind. Of a key
// that comes twice the last counts, as it does for who writes such lines.
func object(b []byte, each func(key, value []byte)) error {
	b = space(b)
	if len(b) == 0 || b[0] != '{' {
		return errObject
	}
	if b = space(b[1:]); len(b) > 0 && b[0] == '}' {
		return end(b[1:])
	}
	for {
		key, rest, err := quoted(b)
		if err != nil {
			return err
		}
		if rest = space(rest); len(rest) == 0 {
			return errCut
		}
		if rest[0] != ':' {
			return errObject
		}
		value, rest, err := value(space(rest[1:]))
		if err != nil {
			return err
		}
		each(key[1:len(key)-1], value)
		if rest = space(rest); len(rest) == 0 {
			return errCut
		}
		if rest[0] == '}' {
			return end(rest[1:])
		}
		if rest[0] != ',' {
			return errObject
		}
		b = space(rest[1:])
	}
}

// end wants nothing more.
func end(b []byte) error {
	if len(space(b)) > 0 {
		return errObject
	}
	return nil
}

func space(b []byte) []byte { return bytes.TrimLeft(b, " \t\r\n") }

// quoted takes a string off b, with its quotes.
func quoted(b []byte) (s, rest []byte, err error) {
	if len(b) == 0 {
		return nil, nil, errCut
	}
	if b[0] != '"' {
		return nil, nil, errObject
	}
	for i := 1; i < len(b); {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			break
		}
		i += n + 1
		if escapes(b[:i-1])%2 == 0 {
			return b[:i], b[i:], nil
		}
	}
	return nil, nil, errCut
}

// escapes counts the backslashes at the end of b.
func escapes(b []byte) int { return len(b) - len(bytes.TrimRight(b, `\`)) }

// value takes a value off b. What is inside an object or an array is only
// counted by its brackets.
func value(b []byte) (v, rest []byte, err error) {
	if len(b) == 0 {
		return nil, nil, errCut
	}
	switch b[0] {
	case '"':
		return quoted(b)
	case '{', '[':
		return nested(b)
	}
	rest = bytes.TrimLeft(b, "+-.0123456789Eaeflnrstu") // a number, true, false or null
	switch len(rest) {
	case 0:
		return nil, nil, errCut
	case len(b):
		return nil, nil, errObject
	}
	return b[:len(b)-len(rest)], rest, nil
}

func nested(b []byte) (v, rest []byte, err error) {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			s, _, err := quoted(b[i:])
			if err != nil {
				return nil, nil, err
			}
			i += len(s) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return b[:i+1], b[i+1:], nil
			}
		}
	}
	return nil, nil, errCut
}

// text returns what a JSON string says, and false for another value.
func text(value []byte) ([]byte, bool) {
	if len(value) < 2 || value[0] != '"' {
		return nil, false
	}
	inner := value[1 : len(value)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner, true
	}
	var s string // rare: no host name and no address needs one
	if json.Unmarshal(value, &s) != nil {
		return nil, false
	}
	return []byte(s), true
}
