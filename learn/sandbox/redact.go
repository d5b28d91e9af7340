package sandbox

import "strings"

// secretWords are in the names of options and variables whose value is a secret.
var secretWords = []string{"key", "token", "secret", "passw", "passwd", "pwd", "auth", "credential", "cookie", "session", "bearer", "private"}

// secretPrefixes begin what is a secret wherever it stands, as those who hand
// them out publish.
var secretPrefixes = []string{"sk-", "ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-", "xox", "AKIA", "ASIA", "AIza", "ya29.", "hvs.", "npm_", "pypi-", "eyJ"}

const redaction = "[redacted]"

// redacted takes what looks like a secret out of arguments: the values of options
// and variables with such a name, headers, passwords in URLs, and tokens that are
// known by how they begin.
func redacted(args []string) []string {
	out := make([]string, len(args))
	next := false
	for i, a := range args {
		switch {
		case next:
			out[i], next = redaction, false
			continue
		case i > 0 && strings.HasPrefix(a, "-") && !strings.ContainsAny(a, "=: ") && secretName(a):
			next = true
		case i > 0 && (a == "-u" || a == "--user" || a == "-U" || a == "--proxy-user"): // of curl and wget: NAME:PASSWORD
			next = strings.Contains(strings.Join(args[i+1:min(i+2, len(args))], ""), ":")
		}
		out[i] = redactedOne(a)
	}
	return out
}

func redactedOne(a string) string {
	for _, sep := range []string{"=", ": ", ":"} {
		name, value, ok := strings.Cut(a, sep)
		if ok && value != "" && !strings.HasPrefix(value, "//") && len(name) < 64 && !strings.ContainsAny(name, "/ ") && secretName(name) {
			return name + sep + redaction
		}
	}
	a = withoutPassword(a)
	fields := strings.FieldsFunc(a, func(r rune) bool { return strings.ContainsRune(" \t\n\"'=,;&?()", r) })
	for _, f := range fields {
		for _, p := range secretPrefixes {
			if strings.HasPrefix(f, p) && len(f) >= len(p)+12 {
				a = strings.ReplaceAll(a, f, redaction)
			}
		}
	}
	return withoutPairs(a)
}

// withoutPassword takes the user part out of URLs.
func withoutPassword(a string) string {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(a, "://")
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		out.WriteString("://")
		end := strings.IndexAny(rest, "/?# \"'")
		if end < 0 {
			end = len(rest)
		}
		if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
			out.WriteString(redaction)
			rest = rest[at:]
		}
		a = rest
	}
}

// withoutPairs takes secrets out of the query of a URL and out of pairs in text.
func withoutPairs(a string) string {
	start := 0
	for i := 0; i < len(a); i++ {
		switch a[i] {
		case '?', '&', ' ', ';', ',', '"', '\'', '{', '(', '\n':
			start = i + 1
		case '=':
			if !secretName(a[start:i]) || i-start >= 64 {
				continue
			}
			end := strings.IndexAny(a[i+1:], "& ;,\"')}\n")
			if end < 0 {
				end = len(a) - i - 1
			}
			if end > 0 {
				a = a[:i+1] + redaction + a[i+1+end:]
				i += len(redaction)
			}
		}
	}
	return a
}

func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, w := range secretWords {
		if strings.Contains(name, w) {
			return true
		}
	}
	return false
}
