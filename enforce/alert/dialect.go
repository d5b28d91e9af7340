package alert

import (
	"fmt"
	"io"
	"strings"

	"tripline/learn"
)

// A pair is one field of a record that is no JSON.
type pair struct{ key, value string }

// A dialect is what a format of one line is made of: a header between bars, a body of
// key=value, and what stands for characters that would end a field.
type dialect struct {
	start, body, between string
	header, value        *strings.Replacer
}

// write writes a record; fields without a value are left out. Line feeds cannot come:
// what [learn.Printable] returns has none.
func (d *dialect) write(w io.Writer, header []string, fields []pair) error {
	record := []string{d.start}
	for _, text := range header {
		record = append(record, d.header.Replace(learn.Printable(text)))
	}
	var body []string
	for _, p := range fields {
		if p.value != "" {
			body = append(body, p.key+"="+d.value.Replace(learn.Printable(p.value)))
		}
	}
	return written(w, strings.Join(record, "|")+d.body+strings.Join(body, d.between)+"\n")
}

// written writes a record.
func written(w io.Writer, record string) error {
	if _, err := io.WriteString(w, record); err != nil {
		return fmt.Errorf("write alert: %w", err)
	}
	return nil
}
