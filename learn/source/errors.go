package source

import (
	"strconv"
	"strings"

	"tripline/learn/source/internal/scan"
)

// A Cause says why a record could not be read. It is one of the constants, so
// that unreadable records can be counted by cause.
type Cause = scan.Cause

// The causes.
const (
	OtherProgram = scan.OtherProgram
	NotALog      = scan.NotALog
	Binary       = scan.Binary
	CutShort     = scan.CutShort
	NoAddresses  = scan.NoAddresses
	BadTime      = scan.BadTime
	NoDate       = scan.NoDate
	BadNumber    = scan.BadNumber
	BadAddress   = scan.BadAddress
	BadText      = scan.BadText
	BadVersion   = scan.BadVersion
)

// A RecordError says where in a log a record could not be read. That record is
// lost, the ones after it are not.
type RecordError struct {
	Source string // "filterlog"
	Line   int    // counted from 1; set by who reads the file, 0 if unknown
	Field  string // "dstport"; empty when the whole record is bad
	Cause  Cause
	Text   string // what was found there, cut; hostile; "" if Cause says it all
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
	if e.Text != "" {
		b.WriteString(": " + strconv.Quote(e.Text))
	}
	return b.String()
}
