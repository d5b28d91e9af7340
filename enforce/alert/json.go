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
var jsonLines = Kind{Name: "json", Short: "one JSON object a line", Write: writeJSON}

func writeJSON(w io.Writer, a *enforce.Alert) error {
	enc := json.NewEncoder(learn.PrintableJSON(w))
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a); err != nil {
		return fmt.Errorf("write alert: %w", err)
	}
	return nil
}
