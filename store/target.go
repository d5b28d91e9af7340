package store

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"

	"tripline/learn"
)

// longest is the length up to which a name is part of the key. No name that DNS
// can hold is longer, but names are what strangers wrote.
const longest = 1024

// appendTarget appends the key of a destination.
func appendTarget(b []byte, t learn.Target) []byte {
	b = append(b, byte(t.Proto))
	b = binary.BigEndian.AppendUint16(b, t.Port)
	b = appendAddr(b, t.Addr)
	if !isLong(t.Name) {
		return append(b, t.Name...)
	}
	h := sha256.Sum256([]byte(t.Name))
	return append(append(b, 0), h[:]...)
}

// isLong says whether a name is kept as its hash. One that begins like a hash
// does is, too, so that keys never meet.
func isLong(name string) bool { return len(name) > longest || strings.HasPrefix(name, "\x00") }

func longName(name string) string {
	if isLong(name) {
		return name
	}
	return ""
}

// targetOf reads a key; the value has the name if the key has only its hash.
func targetOf(key []byte, long string) (t learn.Target, err error) {
	r := reader{b: key}
	t.Proto = learn.Proto(r.byte())
	if port := r.take(2); len(port) == 2 {
		t.Port = binary.BigEndian.Uint16(port)
	}
	t.Addr = r.addr()
	t.Name = string(r.b)
	if strings.HasPrefix(t.Name, "\x00") {
		t.Name = long
	}
	if r.bad {
		return learn.Target{}, fmt.Errorf("key of a destination: %w", errShort)
	}
	return t, nil
}
