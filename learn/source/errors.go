package source

import (
	"strconv"
	"strings"
)

// A Cause says why a record could not be read. It is one of the constants, so
// that unreadable records can be counted by cause.
type Cause string

// The causes.
const (
	OtherProgram Cause = "another program's line"
	NotALog      Cause = "not a firewall log line"
	Binary       Cause = "binary"
	CutShort     Cause = "cut short"
	NoAddresses  Cause = "no addresses in the line"
	BadTime      Cause = "bad time"
	BadNumber    Cause = "bad number"
	BadAddress   Cause = "bad address"
	BadText      Cause = "bad text"
	BadVersion   Cause = "neither IPv4 nor IPv6"
)

// A RecordError says where in a log a record could not be read. That record is
// lost, the ones after it are not.
type RecordError struct {
	Source string // "filterlog"
	Line   int    // counted from 1; set by who reads the file, 0 if unknown
	Field  string // "dstport"; empty when the whole record is bad
	Cause  Cause
	Err    error // what was found there, nil if Cause says it all
}

// Error returns place, thing and cause.
func (e *RecordError) Error() string {
	var b strings.Builder
	b.WriteString(e.Source)
	if e.Line > 0 {
		b.WriteString(" line " + strconv.Itoa(e.Line))
	}
	b.WriteString(": ")
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	b.WriteString(string(e.Cause))
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns what was found at the place.
func (e *RecordError) Unwrap() error { return e.Err }
