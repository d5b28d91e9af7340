package lines

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// imprint is how many bytes at the start of a file and before a cursor are
// hashed to recognise the file later. Two lines of a firewall log fit.
const imprint = 512

// A Cursor says how far a content was read: just behind a line of it. It fits
// that content wherever it is now, renamed, copied or compressed.
// The zero value is the beginning: of the live file, or of the oldest one with
// [Options.Predecessors]. It is encoded as JSON; unknown to anybody else.
type Cursor struct {
	File   string    `json:"file,omitempty"`  // where it was then
	Inode  uint64    `json:"inode,omitempty"` // a hint, never proof: numbers are used again
	Time   time.Time `json:"time,omitzero"`   // modification time of the file
	Offset int64     `json:"offset,omitempty"`
	Line   int64     `json:"line,omitempty"` // lines before Offset
	Head   string    `json:"head,omitempty"` // hash of the first bytes of the file, as many as were read
	Tail   string    `json:"tail,omitempty"` // hash of the last bytes before Offset
	Skip   bool      `json:"skip,omitempty"` // in the middle of a line that is too long
	// ID names the content: what the file holds, under whatever name, from when
	// it was begun. IDs sort by that time.
	ID string `json:"id,omitempty"`
}

// IsZero says whether nothing was read yet.
func (c Cursor) IsZero() bool { return c.Offset == 0 }

// fingerprint is short because it is no defence, only a way to tell files
// apart: who can write the log can write anything into it.
func fingerprint(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}
