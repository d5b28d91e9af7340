package zeek

import "bytes"

// Other says whether a text is the beginning of a log that holds nothing of
// interest, and what Zeek calls it. JSON says so in each line, of which the next
// may be of another log, so that only one under a header is told here.
func Other(head []byte) (name string, is bool) {
	d := New()
	for line := range bytes.Lines(head) {
		text := bytes.TrimSpace(line)
		if len(text) > 0 && text[0] != '#' {
			break
		}
		if len(text) > 0 && line[len(line)-1] == '\n' && d.note(text) != nil {
			return "", false
		}
	}
	return d.header.Path, d.header.Fields != "" && d.kind == Unread
}
