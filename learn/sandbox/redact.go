package sandbox

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

const redaction = "[redacted]"

// Arguments are looked at together, with a zero byte between them, as none holds one:
// a secret may be the argument behind its option, or a word of a script in one.
const (
	aWord   = `(?:\[redacted\]|` + quoted + `|[^\s"'\x00]+)`
	aValue  = `(?:\[redacted\]|` + quoted + `|[^\s"'&;,)}\x00]+)`
	quoted  = `"[^"\x00]*"?|'[^'\x00]*'?`
	aHeader = `(?:\[redacted\]|` + quoted + `|[^"'=\n\x00]*=[ \t]*(?:` + quoted + `)|[^"'\n\x00]+)`
	behind  = `(?:\x00[^\x00]*|[ \t]+` + aWord + `)`
	words   = `key|token|secret|pass|pwd|auth|credential|cookie|session|bearer|private|signature`
	aSecret = `[\w.$-]*(?:` + words + `)[\w.$-]*`
	itsName = `(?i:(?:^|[\s\x00"'=?&;,:{(\[|])` + aSecret + `)["']?`
)

// Programs that take a secret by an option whose name does not say so.
const givenBy = `sshpass[\s\x00](?:[^|;&\n]*?[\s\x00])??-p` +
	`|(?:mysql|mariadb|7z)[\w-]*[\s\x00](?:[^|;&\n]*?[\s\x00])??-p` +
	`|(?:docker|podman|nerdctl|buildah|skopeo|helm|oras|az)[\s\x00](?:[^|;&\n]*?[\s\x00])??login[\s\x00](?:[^|;&\n]*?[\s\x00])??-p` +
	`|redis-cli[\s\x00](?:[^|;&\n]*?[\s\x00])??-a` +
	`|ldap\w+[\s\x00](?:[^|;&\n]*?[\s\x00])??-w` +
	`|(?:unzip|zip|mosquitto_\w+)[\s\x00](?:[^|;&\n]*?[\s\x00])??-P` //nolint:misspell // a program's name

// What begins a secret wherever it stands, as those who hand them out publish.
const handedOut = `(?:sk-|[srp]k_(?:live|test)_|gh[opsur]_|github_pat_|glpat-|glsa_|xox[a-z]-|AKIA|ASIA|AIza|ya29\.|hv[bs]\.|SG\.|eyJ|hf_|gsk_|xai-|pplx-|dckr_pat_|dop_v1_|shpat_|tskey-)[\w.~+/=-]{12,}` +
	`|(?:npm_|pypi-)[\w-]{30,}`

// A taking takes out a secret that stands between others.
type taking struct {
	*regexp.Regexp
	hints []string                       // one of which is in what it matches, in small letters
	spare func(before, text string) bool // what is no secret, nil for nothing
}

// taken has its hints with "|" between them.
func taken(hints, before, text, after string, spare func(before, text string) bool) taking {
	return taking{regexp.MustCompile("(" + before + ")(" + text + ")" + after), strings.Split(hints, "|"), spare}
}

// takings take out what looks like a secret. Only who sees processes needs them.
var takings = sync.OnceValue(func() []taking {
	return []taking{
		taken(`private key`, ``, `-----BEGIN [A-Z ]*PRIVATE KEY-----[^\x00]*`, ``, nil),
		taken(`://`, `://`, `[^/?#\s"'\x00]*`, `(?:@|\.\.\.(?:\x00|$))`, nil), // the user of a URL, also one that was cut off
		taken(`bearer`, `(?i:\bbearer[ \x00]+)`, `[\w.~+/=-]{8,}`, ``, nil),
		taken(words, itsName+`:[ \t]+`, aHeader, ``, nil),
		taken(words, itsName+`[ \t]*(?::?=|:)[ \t]*`, aValue, ``, isPort),
		taken(words, `(?i:(?:^|[\s\x00"'])--?`+aSecret+`)`, behind, ``, isOption),
		taken(`-u|--proxy-user`, `(?:^|[\s\x00])(?:-[uU]|--user|--proxy-user)[ =\x00]?`, `["']?[^\s:"'\x00-][^\s:"'\x00]*[:%][^\s"'\x00]+`, ``, isNumbers), // NAME:PASSWORD of curl
		taken(`-p|-a|-w`, `(?:^|[\s\x00/;|&(])(?:`+givenBy+`)`, behind+`|`+aWord, ``, nil),
		taken(`@`, `(?:^|[\s\x00"'=])`, `[\w.+-]+:[^\s"'/@:\x00]{3,}`, `@[\w.-]+`, nil),
		taken(`sig=`, `[?&]sig=`, aValue, ``, nil), // of Azure
		taken(``, `(?:^|[^A-Za-z0-9])`, handedOut, ``, nil),
		taken(``, `(?:^|[^\w/+-])`, `[A-Za-z0-9+][A-Za-z0-9/+]{39}\b`, ``, isPlain), // of AWS
		taken(``, `(?:^|[^\w-])`, `[\w-]{24,}`, ``, isPlain),
	}
})

func isPort(head, text string) bool {
	return strings.HasSuffix(head, ":") && strings.Contains(head, ".") && strings.Trim(text, "0123456789") == ""
}

func isOption(_, text string) bool { return strings.HasPrefix(strings.TrimLeft(text, "\x00 \t"), "--") }

func isNumbers(_, text string) bool { return strings.Trim(text, "0123456789:") == "" }

// isPlain says whether a word is one that a person would write: secrets have letters of
// both kinds and digits all over.
func isPlain(_, text string) bool {
	var upper, lower, digits int
	for _, r := range text {
		switch {
		case r >= 'A' && r <= 'Z':
			upper++
		case r >= 'a' && r <= 'z':
			lower++
		case r >= '0' && r <= '9':
			digits++
		}
	}
	return min(upper, lower, digits) < 2
}

// redacted takes what looks like a secret out of arguments: the values of options and
// variables with such a name, headers, passwords in URLs, and what is known by how it looks.
func redacted(args []string) []string {
	text := strings.Join(args, "\x00")
	small := strings.ToLower(text)
	for _, t := range takings() {
		if slices.ContainsFunc(t.hints, func(h string) bool { return strings.Contains(small, h) }) {
			text = t.from(text)
		}
	}
	return strings.Split(text, "\x00")
}

func (t *taking) from(text string) string {
	var out strings.Builder
	done := 0
	for _, m := range t.FindAllStringSubmatchIndex(text, -1) {
		found := text[m[4]:m[5]]
		if t.spare != nil && t.spare(text[m[2]:m[3]], found) {
			continue
		}
		out.WriteString(text[done:m[4]])
		out.WriteString(found[:len(found)-len(strings.TrimLeft(found, "\x00 \t"))])
		out.WriteString(redaction)
		done = m[5]
	}
	out.WriteString(text[done:])
	return out.String()
}
