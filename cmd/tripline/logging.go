package main

import (
	"fmt"
	"io"
	"log/slog"

	"tripline/learn"
)

// logTo makes the app say what it says as records of a log: text or json.
func (a *app) logTo(format string) {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if a.quiet {
		o.Level = slog.LevelWarn
	}
	var h slog.Handler = slog.NewTextHandler(a.stderr, o)
	if format == "json" {
		h = slog.NewJSONHandler(a.stderr, o)
	}
	a.log = slog.New(h)
}

// complain prints an error as the last record of the log, or in words.
func (a *app) complain(w io.Writer, err error) {
	if a.log == nil {
		complain(w, err)
		return
	}
	var more []any
	if hint := hintOf(err); hint != "" {
		more = append(more, "hint", lines(hint))
	}
	a.log.Error(lines(err.Error()), more...)
}

// record is one line of the log: what came from the network cannot end it.
func record(format string, args []any) string { return learn.Printable(fmt.Sprintf(format, args...)) }
