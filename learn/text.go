package learn

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Printable returns s with everything escaped that a terminal or a reader could
// be misled by: control characters, bytes that are no UTF-8, marks that reverse
// or hide text. Text that came from the network goes through here before it is
// shown.
func Printable(s string) string {
	if !strings.ContainsFunc(s, misleading) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case misleading(r) && r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case misleading(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// misleading holds for what is not graphic, and for U+FFFD, which stands for a
// byte that is no UTF-8.
func misleading(r rune) bool {
	return r == utf8.RuneError || (r != ' ' && !unicode.IsGraphic(r)) || unicode.Is(unicode.Zs, r) && r != ' '
}

// PrintableJSON returns a writer of JSON text in which everything that
// [Printable] escapes is escaped as JSON has it. Each write is of whole
// characters, as those of an encoder are.
func PrintableJSON(w io.Writer) io.Writer { return jsonWriter{w} }

type jsonWriter struct{ w io.Writer }

func (j jsonWriter) Write(text []byte) (int, error) {
	out := text
	for i, b := range text {
		if b >= 0x7f {
			out = escapeJSON(text, i)
			break
		}
	}
	if _, err := j.w.Write(out); err != nil {
		return 0, err //nolint:wrapcheck // it is the writer's own
	}
	return len(text), nil
}

// escapeJSON escapes text from byte i on. What is misleading and not ASCII, or
// the delete character, can only be in a string there.
func escapeJSON(text []byte, i int) []byte {
	out := append(make([]byte, 0, len(text)+16), text[:i]...)
	for _, r := range string(text[i:]) {
		switch {
		case r < 0x7f || !misleading(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}
