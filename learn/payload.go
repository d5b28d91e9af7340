package learn

import (
	"encoding/hex"
	"fmt"
)

// A Payload is what was hashed of the HTTP messages of a connection, never what
// they said. It is never changed once a flow has it.
type Payload struct {
	First     uint64     `json:"first"` // how many bytes of a body were hashed at most
	Exchanges []Exchange `json:"exchanges,omitempty"`
	More      uint64     `json:"more,omitempty"`    // requests after those
	Stopped   string     `json:"stopped,omitempty"` // why nothing was looked at from some point on, "" if all was
}

// An Exchange is the body of a request and that of its answer; nil is one without
// any, or none that was seen.
type Exchange struct {
	Up   *Body `json:"up,omitempty"`
	Down *Body `json:"down,omitempty"`
}

// A Body is that of one HTTP message as it was sent: without the framing of chunks,
// with its content coding (gzip). Its hash is of all of it, or of the first
// [Payload.First] bytes if it is longer.
type Body struct {
	Bytes  uint64 `json:"bytes"` // of all of it
	SHA256 Sum    `json:"sha256"`
	Cut    bool   `json:"cut,omitempty"` // the connection ended before the body
}

// A Sum is a SHA-256 (FIPS 180-4). As text it is 64 hexadecimal digits.
type Sum [32]byte

// String returns the hexadecimal digits, as sha256sum(1) prints them.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// MarshalText implements [encoding.TextMarshaler].
func (s Sum) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Sum) UnmarshalText(text []byte) error {
	if n, err := hex.Decode(s[:], text[:min(len(text), 2*len(s))]); err != nil || n != len(s) || len(text) != 2*n {
		return fmt.Errorf("invalid SHA-256 %q, want 64 hexadecimal digits", text)
	}
	return nil
}
