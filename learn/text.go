package learn

import (
	"fmt"
	"strings"
	"unicode"
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
