package alert

import (
	"encoding/json"
	"fmt"
	"io"

	"tripline/enforce"
)

// jsonLines writes one object a line (JSON Lines). Control characters are
// escaped by the encoding (RFC 8259 section 7).
var jsonLines = Kind{Name: "json", Short: "one JSON object a line", Write: writeJSON}

func writeJSON(w io.Writer, a *enforce.Alert) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a); err != nil {
		return fmt.Errorf("write alert: %w", err)
	}
	return nil
}
