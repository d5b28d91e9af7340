package main

import (
	"encoding/json"
	"fmt"

	"tripline/learn"
)

// newJSON writes JSON to standard output, safe to be shown.
func newJSON(a *app) *json.Encoder {
	enc := json.NewEncoder(learn.PrintableJSON(a.stdout))
	enc.SetEscapeHTML(false)
	return enc
}

// writeJSON writes one document, indented.
func writeJSON(a *app, v any) error {
	enc := newJSON(a)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// jsonLines writes one object a line.
func jsonLines[T any](a *app, lines []T) error {
	enc := newJSON(a)
	for i := range lines {
		if err := enc.Encode(&lines[i]); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}
