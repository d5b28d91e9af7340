package lines_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tripline/learn/source/internal/lines"
)

// chunks hands out text in pieces of the sizes given, over and over.
type chunks struct {
	text  []byte
	sizes []byte
	next  int
}

func (c *chunks) Read(b []byte) (int, error) {
	if len(c.text) == 0 {
		return 0, io.EOF
	}
	n := len(c.text)
	if len(c.sizes) > 0 {
		n = 1 + int(c.sizes[c.next%len(c.sizes)])
		c.next++
	}
	n = copy(b, c.text[:min(n, len(c.text))])
	c.text = c.text[n:]
	return n, nil
}

// twin splits text the simple way.
func twin(text []byte, limit int) (want []string) {
	parts := bytes.Split(text, []byte("\n"))
	for i, part := range parts {
		if i == len(parts)-1 && len(part) == 0 {
			break
		}
		part = bytes.TrimSuffix(part, []byte("\r"))
		if len(part) > limit {
			part = []byte("too long")
		}
		want = append(want, string(part))
	}
	return want
}

// FuzzLines compares what is delivered with [bytes.Split], however the input
// arrives. Text that looks compressed is left to the other tests.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nb\r\n\nc"), []byte{0})
	f.Add([]byte("a\r\r\n\r"), []byte{1, 0})
	f.Add([]byte("0123456789012345678901234567890123\n01234567890123456789012345678901\r\nx\n"), []byte{3, 7})
	f.Add(bytes.Repeat([]byte("line\x00\n"), 300), []byte{255})
	f.Add(bytes.Repeat([]byte("x"), 5000), []byte{200, 1})
	f.Fuzz(func(t *testing.T, text, sizes []byte) {
		const limit = 32
		r, err := lines.Open("-", lines.Cursor{}, lines.Options{Stdin: &chunks{text: text, sizes: sizes}, MaxLine: limit})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var got []string
		for {
			line, err := r.Next()
			if _, ok := errors.AsType[*lines.TooLongError](err); ok {
				line, err = []byte("too long"), nil
			}
			if _, ok := errors.AsType[*lines.DamagedError](err); ok {
				return
			}
			if err != nil {
				break
			}
			got = append(got, string(line))
		}
		if diff := cmp.Diff(twin(text, limit), got); diff != "" {
			t.Errorf("%q in chunks of %v (-want +got):\n%s", text, sizes, diff)
		}
	})
}

// FuzzCursor restarts after each line, with a text that grows in between.
func FuzzCursor(f *testing.F) {
	f.Add([]byte("a\nb\r\n\nc\n"), []byte{0, 3})
	f.Add(bytes.Repeat([]byte("a line of a log\n"), 100), []byte{255, 9})
	f.Add(append(bytes.Repeat([]byte("x"), 700), "\nb\n"...), []byte{100})
	f.Fuzz(func(t *testing.T, text, sizes []byte) {
		if len(text) > 4096 || len(text) > 0 && (text[0] < ' ' || text[0] > '~') || bytes.HasPrefix(text, []byte("BZh")) {
			return // slow, or maybe compressed
		}
		path := t.TempDir() + "/filter.log"
		var c lines.Cursor
		var got []string
		in := &chunks{text: text, sizes: sizes}
		var part [256]byte
		for {
			n, err := in.Read(part[:])
			add(t, path, 1, string(part[:n]))
			r, openErr := lines.Open(path, kept(t, c), lines.Options{MaxLine: 32})
			if openErr != nil {
				t.Fatal(openErr)
			}
			for {
				line, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					line = []byte("too long")
				}
				got = append(got, string(line))
			}
			c = r.Cursor()
			r.Close()
			if err != nil {
				break
			}
		}
		whole := text[:bytes.LastIndexByte(text, '\n')+1]
		want := twin(whole, 32)
		if len(text)-len(whole) > 33 {
			want = append(want, "too long") // said before its end is there
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q in chunks of %v (-want +got):\n%s", text, sizes, diff)
		}
	})
}
