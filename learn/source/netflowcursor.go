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
	text, err := json.Marshal(is)
	if err != nil {
		return nil, fmt.Errorf("cursor: %w", err)
	}
	return text, nil
}

// resume goes on behind cursor, if the file is the one it was made for.
func (s *netflowStream) resume(in *netflowFile, cursor []byte) error {
	head := in.head()
	var was netflowPosition
	if cursor != nil {
		if err := json.Unmarshal(cursor, &was); err != nil {
			return fmt.Errorf("read %s: stored cursor: %w", in.name(), errors.Join(err, in.Close()))
		}
	}
	if in.stored() {
		s.position = netflowPosition{Head: hashed(head), Size: len(head)}
	}
	if was.Size == 0 || was.Size > len(head) || was.Head != hashed(head[:was.Size]) {
		return nil
	}
	s.position.Ends = was.Ends
	return s.pass(was.Records)
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
