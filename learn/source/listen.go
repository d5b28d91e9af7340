package source

import "strings"

// IsAddress says whether a path is no file but a place where records come in, or
// an address to listen at: udp://0.0.0.0:5514.
func IsAddress(path string) bool {
	scheme, rest, ok := strings.Cut(path, "://")
	return ok && rest != "" && scheme != "" && !strings.ContainsFunc(scheme, func(r rune) bool { return r < 'a' || r > 'z' })
}
