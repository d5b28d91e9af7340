package learn

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// tenanted are domains below which anyone can rent a name, as their owners'
// manuals say, and which the Public Suffix List does not hold: with how many
// labels below them are still the landlord's (bucket.s3.us-west-004.backblazeb2.com
// is two labels and the tenant).
var tenanted = map[string]int{
	"aliyuncs.com": 2, "atlassian.net": 0, "auth0.com": 1, "azurecr.io": 0, "b-cdn.net": 0,
	"backblazeb2.com": 2, "bore.pub": 0, "cdn77.org": 0, "cloudapp.azure.com": 1,
	"cloudflarestorage.com": 1, "cognitiveservices.azure.com": 0, "core.windows.net": 1,
	"database.windows.net": 0, "documents.azure.com": 0, "dnslog.cn": 0, "firebaseio.com": 0,
	"glitch.me": 0, "googleusercontent.com": 0, "interact.sh": 0, "kxcdn.com": 0, "llnwd.net": 0,
	"loca.lt": 0, "mongodb.net": 0, "my.salesforce.com": 0, "myqcloud.com": 2, "nip.io": 0,
	"oast.fun": 0, "oastify.com": 0, "okta.com": 0, "openai.azure.com": 0, "oraclecloud.com": 2,
	"pipedream.net": 0, "redis.cache.windows.net": 0, "search.windows.net": 0, "serveo.net": 0,
	"service-now.com": 0, "sharepoint.com": 0, "slack.com": 0, "snowflakecomputing.com": 1,
	"sslip.io": 0, "storage.googleapis.com": 0, "substack.com": 0, "tumblr.com": 0,
	"vault.azure.net": 0, "wasabisys.com": 2, "webhook.site": 0, "webpubsub.azure.com": 0,
	"wordpress.com": 0, "zendesk.com": 0,
}

// HostName returns the name of a flow as the name of a rule: the canonical one,
// of letters, digits, dashes and underscores. It is not ok for what is none, such
// as an address. A flow that carries such a name goes by its address.
func HostName(s string) (name string, ok bool) {
	if plain(s) {
		return s, true
	}
	name, ok = CanonicalName(s)
	if !ok || !hostName(name) {
		return "", false
	}
	// A host whose last label is a number is an address in one of its old forms.
	if _, last := cutLast(name); numeric(last) {
		return "", false
	}
	return name, true
}

// plain says whether s is a host name as it should be, which most are: lower
// case, and with a letter in front of its last label.
func plain(s string) bool {
	label, letter := 0, false
	for i := range len(s) {
		c := s[i]
		isLetter := c >= 'a' && c <= 'z'
		switch {
		case c == '.' && label > 0 && label <= 63:
			label = -1
		case !isLetter && (c < '0' || c > '9') && c != '-' && c != '_':
			return false
		case label == 0:
			letter = isLetter
		}
		label++
	}
	return letter && label > 0 && label <= 63 && len(s) <= maxName
}

func numeric(label string) bool {
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

// Registrable returns the domain that one owner has registered around a host
// name: one label more than the public suffix. What is itself a suffix, or has
// no dot, has none. The Public Suffix List decides, its private part included
// (whoever rents a bucket is an owner), and where it is silent, a list of
// domains known to have tenants.
func Registrable(name string) (domain string, ok bool) {
	suffix, _ := publicsuffix.PublicSuffix(name)
	suffix = landlord(name, suffix)
	if len(name) <= len(suffix)+1 || suffix == "" {
		return "", false
	}
	rest := name[:len(name)-len(suffix)-1]
	_, label := cutLast(rest)
	return label + "." + suffix, label != ""
}

// landlord returns the part of name that its tenants share: suffix, or more.
func landlord(name, suffix string) string {
	for at := 0; at >= 0; at = next(name, at) {
		own, known := tenanted[name[at:]]
		if !known || len(name)-at <= len(suffix) {
			continue
		}
		for ; own > 0 && at > 0; own-- {
			at = strings.LastIndexByte(name[:at-1], '.') + 1
		}
		return name[at:]
	}
	return suffix
}

// next returns where the label after the one at at begins, -1 after the last.
func next(name string, at int) int {
	dot := strings.IndexByte(name[at:], '.')
	if dot < 0 {
		return -1
	}
	return at + dot + 1
}

// Below returns the domain of a wildcard: "example.com" for "*.example.com".
func Below(rule string) (domain string, wildcard bool) { return strings.CutPrefix(rule, "*.") }

// Wildcards yields the wildcards that may admit a name, narrowest first: those
// of the domains above it, up to the registrable one. None spans two owners:
// "*.amazonaws.com" does not hold for somebody's bucket. What no rule can name has none.
func Wildcards(name string) func(func(string) bool) {
	return func(yield func(string) bool) {
		domain, ok := Registrable(name)
		if !ok || !plain(domain) && !hostName(domain) {
			return
		}
		for at := next(name, 0); at >= 0 && len(name)-at >= len(domain); at = next(name, at) {
			if !yield("*." + name[at:]) {
				return
			}
		}
	}
}

// AdmitsName says whether a rule for a name or a wildcard holds for a host name.
func AdmitsName(rule, name string) bool {
	if _, wildcard := Below(rule); !wildcard {
		return rule != "" && rule == name
	}
	for w := range Wildcards(name) {
		if w == rule {
			return true
		}
	}
	return false
}

var errNoOwner = errors.New("anyone can have a name there")

// CheckName says what is wrong with the name of a rule, nil if nothing is. A
// wildcard must be for a registrable domain or below it.
func CheckName(rule string) error {
	domain, wildcard := Below(rule)
	if rule == "*" {
		domain, wildcard = "", true
	}
	domain = strings.TrimSuffix(domain, ".")
	if wildcard && !strings.Contains(domain, ".") {
		return WithHint(fmt.Errorf("the name %q is too wide: %w", rule, errNoOwner), "write a domain that one owner has registered: \"*.example.com\"")
	}
	if len(domain) > maxName {
		return fmt.Errorf("the name %q... is %d bytes long, a host name has at most %d", domain[:32], len(domain), maxName)
	}
	name, ok := HostName(domain)
	if !ok {
		return fmt.Errorf("invalid name %q", rule)
	}
	if _, owned := Registrable(name); wildcard && !owned {
		return WithHint(fmt.Errorf("the name %q is too wide: %s is shared by many owners, %w", rule, name, errNoOwner),
			"name the owner as well: \"*.example.%s\", or write each name", name)
	}
	return nil
}
