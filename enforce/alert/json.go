package alert

import (
	"encoding/json"
	"fmt"
	"io"

	"tripline/enforce"
	"tripline/learn"
)

// jsonLines writes one object a line (JSON Lines), with everything escaped that
// a terminal or a reader could be misled by.
var jsonLines = Format{Name: "json", Short: "one JSON object a line", Media: "application/x-ndjson", Write: writeJSON}

var jsonFile = fileKind(&jsonLines, "JSON lines in a file")

func writeJSON(w io.Writer, a *enforce.Alert) error { return writeObject(w, a) }

// writeObject writes one value as JSON on a line.
func writeObject(w io.Writer, v any) error {
	enc := json.NewEncoder(learn.PrintableJSON(w))
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write alert: %w", err)
	}
	return nil
}
