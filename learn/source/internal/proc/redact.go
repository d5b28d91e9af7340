package proc

import (
	"regexp"
	"slices"
	"strings"
)

// hidden stands for what was taken out.
const hidden = "[redacted]"

// secretWord is in the names of options and variables whose values are secrets.
var secretWord = regexp.MustCompile(`(?i)(pass(word|wd|phrase)?$|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential|auth(orization)?$|bearer|cookie|session[-_]?id|signature$|^sig$)`)

// secretText is what is a secret whatever it stands behind: keys of well-known
// makers, JSON Web Tokens, and what follows Bearer and Basic.
var secretText = regexp.MustCompile(`(?i)\b(bearer|basic|token)(\s+|%20)[a-z0-9._~+/=-]{8,}` +
	`|\b(sk|rk|pk)[-_][a-zA-Z0-9_-]{16,}` +
	`|\b(gh[opusr]_|github_pat_|glpat-|xox[abposr]-|hf_|hvs\.|npm_|pypi-|shpat_|dop_v1_)[a-zA-Z0-9_.-]{10,}` +
	`|\b(AKIA|ASIA|AIza)[A-Za-z0-9_-]{12,}` +
	`|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(\.[A-Za-z0-9_-]*)?`)

// userInfo is the name and password in a URL.
var userInfo = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^/@\s]+@`)

// pair is a name and its value within a text: of a header, a query, JSON.
var pair = regexp.MustCompile(`([A-Za-z][A-Za-z0-9_.-]*)("?\s*[=:]\s*"?)([^\s&"',;?]+)`)

// short options of curl, mysql, sshpass and others whose value is a secret.
var secretOptions = []string{"-u", "--user", "--proxy-user", "-U", "-b", "--cookie", "--pass", "-H", "--header"}

// mostArg and mostArgs bound what is kept of arguments.
const (
	mostArg  = 256
	mostArgs = 64
)

// Redact returns arguments with what looks like a secret taken out. It takes out
// too much rather than too little.
func Redact(args []string) []string {
	if len(args) == 0 {
		return nil
	}
	out := make([]string, 0, min(len(args), mostArgs+1))
	next, option := false, "" // whether the next one is a value, and of what
	for i, a := range args {
		if i == mostArgs {
			return append(out, "...")
		}
		switch {
		case next && !strings.HasPrefix(a, "-"), next && len(a) > 24:
			out = append(out, keepHeader(option, a))
			next = false
			continue
		default:
			next, option = i > 0 && wantsSecret(a), a
		}
		out = append(out, cut(text(a)))
	}
	return out
}

// wantsSecret says whether the value of an option is a secret.
func wantsSecret(option string) bool {
	if !strings.HasPrefix(option, "-") || strings.ContainsAny(option, "= ") {
		return false
	}
	return slices.Contains(secretOptions, option) || secretWord.MatchString(strings.TrimLeft(option, "-"))
}

// keepHeader keeps of a header that is no secret what it says, of all others
// nothing.
func keepHeader(option, value string) string {
	if option != "-H" && option != "--header" {
		return hidden
	}
	name, _, ok := strings.Cut(value, ":")
	if !ok || secretWord.MatchString(name) || strings.HasPrefix(strings.ToLower(name), "x-") {
		return name[:min(len(name), 32)] + ": " + hidden
	}
	return cut(text(value))
}

// text takes secrets out of one argument.
func text(s string) string {
	s = userInfo.ReplaceAllString(s, "${1}"+hidden+"@")
	s = secretText.ReplaceAllString(s, hidden)
	return pair.ReplaceAllStringFunc(s, func(m string) string {
		p := pair.FindStringSubmatch(m)
		if !secretWord.MatchString(p[1]) {
			return m
		}
		return p[1] + p[2] + hidden
	})
}

func cut(s string) string {
	if len(s) > mostArg {
		return s[:mostArg] + "..."
	}
	return s
}
