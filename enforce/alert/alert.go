// Package alert is where alerts go: one file a kind of sink, one list.
//
// # What it promises
//
// An alert is one record of its sink, whatever text came from the network: it
// can neither end a line nor write to a terminal.
//
// # What it does not do
//
// It decides nothing: what repeats is counted by enforce.Watch.
package alert

import (
	"io"

	"tripline/enforce"
)

// A Kind is a way to write alerts.
type Kind struct {
	Name  string // what --format calls it
	Short string // one line of help
	Write func(io.Writer, *enforce.Alert) error
}

// All are the kinds, by name.
var All = []Kind{jsonLines, text}
