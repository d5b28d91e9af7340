package source

import (
	"bytes"
	"errors"

	"tripline/learn"
)

// sniffEve refuses what cannot have events, one in a line.
func sniffEve(head []byte) error {
	start := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case bytes.HasPrefix(start, []byte("[")):
		return learn.WithHint(errors.New("an array in JSON, not one event a line"), "take it apart: jq -c '.[]' FILE")
	case bytes.HasPrefix(start, []byte("{\n")), bytes.HasPrefix(start, []byte("{\r\n")):
		return learn.WithHint(errors.New("an object in JSON of many lines, not one event a line"), "write each in a line: jq -c . FILE")
	case bytes.HasPrefix(start, []byte("#separator")):
		return learn.WithHint(errors.New("a log of Zeek, not events of Suricata"), `"tripline sources" lists the sources`)
	}
	return sniffLog(head)
}
