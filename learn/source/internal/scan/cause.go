package scan

import "strconv"

// A Cause says why a record could not be read. It is one of the constants, so
// that unreadable records can be counted by cause.
type Cause string

// The causes.
const (
	OtherProgram Cause = "another program's line"
	NotALog      Cause = "not a line of this log"
	Binary       Cause = "binary"
	CutShort     Cause = "cut short"
	NoAddresses  Cause = "no addresses in the line"
	BadTime      Cause = "bad time"
	NoDate       Cause = "no date in the line, and none to go by"
	BadNumber    Cause = "bad number"
	BadAddress   Cause = "bad address"
	BadText      Cause = "bad text"
	BadVersion   Cause = "neither IPv4 nor IPv6"
)

// An Error says which field of a line could not be read.
type Error struct {
	Cause Cause
	Field string // "" when the whole line is bad
	Text  string // what was found there, cut to a readable length
}

// longest is how much of a bad field an error shows.
const longest = 48

// Fault returns an error about a field and what was found there.
func Fault(c Cause, field string, found []byte) *Error {
	if len(found) > longest {
		found = found[:longest]
	}
	return &Error{Cause: c, Field: field, Text: string(found)}
}

// Error returns the field, the cause and what was found.
func (e *Error) Error() string {
	s := string(e.Cause)
	if e.Field != "" {
		s = e.Field + ": " + s
	}
	if e.Text != "" {
		s += ": " + strconv.Quote(e.Text)
	}
	return s
}
