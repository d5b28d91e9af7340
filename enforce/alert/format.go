package alert

import (
	"bytes"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync"

	"tripline/enforce"
	"tripline/learn"
)

// A Format writes an alert as text: one record, ended by a line feed.
type Format struct {
	Name  string // what --format calls it
	Short string // one line of help
	Media string // its media type
	Write func(io.Writer, *enforce.Alert) error
}

// Formats are the formats, by name.
var Formats = []Format{cef, ecs, jsonLines, leef, ocsf, text, wazuh}

// FindFormat returns the format of that name.
func FindFormat(name string) (Format, error) {
	var names []string
	for _, f := range Formats {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	err := fmt.Errorf("no format is called %q", learn.Printable(name))
	if near, ok := nearest(name, names); ok {
		return Format{}, learn.WithHint(err, "did you mean %q?", near)
	}
	return Format{}, learn.WithHint(err, "want one of %s", strings.Join(names, ", "))
}

// record returns an alert as one record, without the line feed.
func (f Format) record(a *enforce.Alert) ([]byte, error) {
	var b bytes.Buffer
	if err := f.Write(&b, a); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// lines returns all alerts of a message, a record a line.
func (f Format) lines(m *Message) ([]byte, error) {
	var b bytes.Buffer
	for _, a := range m.Alerts {
		if err := f.Write(&b, a); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// productVersion is the version that records carry.
var productVersion = sync.OnceValue(func() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
})
