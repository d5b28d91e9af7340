package export

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// plain returns s in the alphabet all files are written in: printable ASCII
// without the characters that mean something in any of them (XML, aliases,
// shells), with no blank at either end. Everything else is escaped, so that text from outside stays one piece
// and two different texts stay different.
func plain(s string) string {
	if !strings.ContainsFunc(s, special) && strings.Trim(s, " ") == s {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case !special(r) && (r != ' ' || i > 0 && i < len(s)-1):
			b.WriteRune(r)
		case r < 0x80 || r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func special(r rune) bool {
	return r < ' ' || r > '~' || strings.ContainsRune("<>&\"'`;|\\", r)
}

// clip cuts a plain text to at most n bytes and says that it did.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.TrimRight(s[:n-4], " ") + " ..."
}

// count returns "1 address" or "1,234 addresses".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}
