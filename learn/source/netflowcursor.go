package source

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// A netflowPosition is a place in a file: its beginning, and how many records
// came before. What must be remembered there, templates above all, is in the
// file: going on reads it again from the beginning and passes over what was told.
type netflowPosition struct {
	Head    string `json:"head,omitempty"` // hash of the first bytes
	Size    int    `json:"size,omitempty"` // how many
	Records int64  `json:"records,omitempty"`
	// Ends are the numbers of datagrams at which the file once ended: what waited
	// there was let go, and would be judged otherwise if it now went on waiting.
	Ends []int `json:"ends,omitempty"`
}

// netflowHead is how many bytes at most tell a file from another one.
const netflowHead = 512

// ended says whether the file once ended behind so many datagrams.
func (p *netflowPosition) ended(datagrams int) bool { return slices.Contains(p.Ends, datagrams) }

// end notes that it does.
func (p *netflowPosition) end(datagrams int) {
	if !p.ended(datagrams) && p.Head != "" {
		p.Ends = append(p.Ends, datagrams)
	}
}

func (p *netflowPosition) encode(records int64) ([]byte, error) {
	if p.Head == "" { // nothing to go back to
		return nil, nil
	}
	is := *p
	is.Records = records
	text, err := json.Marshal(netflowCursor{is})
	if err != nil {
		return nil, fmt.Errorf("cursor: %w", err)
	}
	return text, nil
}

// A netflowCursor is what a place is on disk. Its key is one that no cursor of a
// log has.
type netflowCursor struct {
	Netflow netflowPosition `json:"netflow"`
}

// resume goes on behind the cursor, or behind the furthest known place of the
// same file by another name.
func (s *netflowStream) resume(cursor []byte, known [][]byte) error {
	head := s.in.head()
	s.position = netflowPosition{Head: hashed(head), Size: len(head)}
	var best netflowPosition
	for i, text := range append([][]byte{cursor}, known...) {
		var c netflowCursor
		if err := json.Unmarshal(text, &c); err != nil && i == 0 && text != nil {
			return fmt.Errorf("read %s: stored cursor: %w", s.in.name(), errors.Join(err, s.in.Close()))
		}
		if was := c.Netflow; was.begins(head) && was.Records > best.Records {
			best = was
		}
	}
	s.position.Ends = best.Ends
	return s.pass(best.Records)
}

// begins says whether a file that begins with head is the one of the place.
func (p *netflowPosition) begins(head []byte) bool {
	return p.Size > 0 && p.Size <= len(head) && p.Head == hashed(head[:p.Size])
}

// pass reads n records again that were told before.
func (s *netflowStream) pass(n int64) error {
	var r Record
	for s.told < n {
		err := s.Next(&r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if _, ok := errors.AsType[*RecordError](err); err != nil && !ok {
			return errors.Join(err, s.in.Close())
		}
	}
	return nil
}

func hashed(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
