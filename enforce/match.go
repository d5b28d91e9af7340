package enforce

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"tripline/ipranges"
	"tripline/learn"
)

// A Match selects alerts: all that it names must hold. The zero value selects all.
type Match struct {
	text     string
	agent    string
	kind     Kind
	verdict  string
	most     Severity // and what matters less
	subject  string
	to       learn.To
	service  learn.Service
	services bool
}

// matchKeys are the words of [ParseMatch], as an error tells them.
const matchKeys = "agent=, kind=, verdict=, severity=, to=, port= or subject="

// ParseMatch reads a selector: terms with commas between them, each KEY=VALUE. A
// verdict, an address, a prefix or a name needs no key, and any other word is an
// agent. "severity=low" is low and less.
func ParseMatch(text string) (Match, error) {
	m := Match{text: text}
	for term := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(term, "=")
		if !ok {
			key, value = bare(term), term
		}
		if value == "" {
			return Match{}, errors.New("an empty term selects nothing")
		}
		if err := m.set(key, value); err != nil {
			return Match{}, fmt.Errorf("%q: %w", learn.Printable(term), err)
		}
	}
	return m, nil
}

// bare says what a word without a key is.
func bare(word string) string {
	if slices.Contains(verdictNames[:], word) {
		return "verdict"
	}
	if _, err := learn.ParseService(word); err == nil {
		return "port"
	}
	if _, err := parseTo(word); err == nil {
		return "to"
	}
	return "agent"
}

// parseTo reads a destination, also names below another: "*.example.com".
func parseTo(text string) (learn.To, error) {
	below, wild := learn.Below(text)
	to, err := learn.ParseTo(below)
	if err != nil || !wild {
		return to, err
	}
	if to.Name == "" {
		return to, errors.New("only names have others below them")
	}
	to.Name = "*." + to.Name
	return to, nil
}

func (m *Match) set(key, value string) (err error) {
	switch key {
	case "agent":
		m.agent = value
	case "kind":
		m.kind = Kind(value)
	case "verdict":
		if m.verdict = value; !slices.Contains(verdictNames[1:], value) {
			return errors.New("want drift, unexpected or forbidden")
		}
	case "severity":
		if m.most = Severity(value); !slices.Contains(Severities, m.most) {
			return errors.New("want info, low, medium, high or critical")
		}
	case "subject":
		m.subject = value
	case "to":
		m.to, err = parseTo(value)
	case "port":
		m.service, err = learn.ParseService(value)
		m.services = true
	default:
		return errors.New("want " + matchKeys)
	}
	return err
}

// String returns what was parsed.
func (m Match) String() string { return m.text }

// Selects says whether the match selects a.
func (m Match) Selects(a *Alert) bool {
	return cmp.Or(m.agent, a.Agent) == a.Agent &&
		cmp.Or(m.kind, a.Kind) == a.Kind &&
		(m.verdict == "" || a.Kind == Destination && m.verdict == a.Verdict.String()) &&
		(m.most == "" || !a.Severity.Above(m.most)) &&
		cmp.Or(m.subject, a.Subject) == a.Subject &&
		(!m.services || keyOf(a).target.Service == m.service) &&
		m.reaches(a)
}

// reaches says whether the destination of a is what the match names.
func (m Match) reaches(a *Alert) bool {
	switch to := m.to; {
	case to.Prefix.IsValid():
		addr, err := netip.ParseAddr(a.Dst)
		return err == nil && to.Prefix.Contains(addr)
	case to.Name != "":
		name, _ := learn.HostName(a.Name)
		domain, wild := learn.Below(to.Name)
		return name == to.Name || wild && strings.HasSuffix(name, "."+domain)
	case to.ASN != 0:
		return a.Owner.ASN == to.ASN
	case to.Label != (ipranges.Label{}):
		return slices.Contains(a.Owner.Labels, to.Label.String())
	}
	return true
}
