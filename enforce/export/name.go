package export

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"tripline/enforce"
	"tripline/learn"
)

const (
	longest  = 29 // bytes of a table's name: a pf table has 31, and port aliases add "_p"
	hashSize = 6

	defaultPrefix = "tripline"
)

// prefixes that make good names. With an agent and a protocol behind it, no
// name can be a word of pf, a service of /etc/services or an interface.
var goodPrefix = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*$`)

// badPrefixes belong to the firewall or to its packages.
var badPrefixes = []string{"pkg_", "cpzoneid_", "pfb_", "easyruleblockhosts"}

func checkPrefix(prefix string) error {
	for _, bad := range badPrefixes {
		if strings.HasPrefix(strings.ToLower(prefix)+"_", bad) {
			return learn.WithHint(fmt.Errorf("prefix %q belongs to the firewall itself", prefix), "--prefix tripline")
		}
	}
	if len(prefix) > 12 || !goodPrefix.MatchString(prefix) {
		return learn.WithHint(fmt.Errorf("invalid prefix %q, want up to 12 letters, digits and inner underscores", prefix), "--prefix tripline")
	}
	return nil
}

// A namer names tables. It knows all agents, exported or not: which names
// collapse must not depend on what is exported today.
type namer struct {
	prefix string
	agents map[string]int // how many agents there are with this slug
}

func newNamer(prefix string, agents []*enforce.AgentPolicy) *namer {
	n := &namer{prefix, map[string]int{}}
	for _, a := range agents {
		slug, _ := slugOf(a.Name)
		n.agents[slug]++
	}
	return n
}

// slugOf returns what of an agent's name may be in the name of a table; ok is
// false if something was lost that a reader would miss.
func slugOf(agent string) (slug string, ok bool) {
	ok = true
	var b strings.Builder
	for _, r := range strings.ToLower(agent) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		default:
			b.WriteByte(' ')
			ok = ok && strings.ContainsRune("-_. ", r)
		}
	}
	slug = strings.Join(strings.Fields(b.String()), "_")
	if slug == "" {
		return "agent", false
	}
	return slug, ok
}

// name returns the name of a table: prefix, agent, protocol and ports, and a
// hash of all that where it says less than the table is.
func (n *namer) name(t *table) string {
	slug, exact := slugOf(t.agent.Name)
	service, whole := serviceSlug(t)
	exact = exact && whole && n.agents[slug] == 1
	if name := n.prefix + "_" + slug + "_" + service; exact && len(name) <= longest {
		return name
	}
	room := longest - len(n.prefix) - len(service) - hashSize - 3
	if room < 5 && room < len(slug) {
		room += len(service) - len(protoSlug(t.proto))
		service = protoSlug(t.proto)
	}
	slug = strings.TrimRight(slug[:min(room, len(slug))], "_")
	return n.prefix + "_" + slug + "_" + service + "_" + n.hash(t)
}

// serviceSlug returns "tcp443" or "tcp80_443"; whole is false where ports are
// left out.
func serviceSlug(t *table) (slug string, whole bool) {
	proto := protoSlug(t.proto)
	slug = proto + strings.ReplaceAll(join(t.ports, "_"), ":", "to")
	if len(slug) <= 11 {
		return slug, true
	}
	return fmt.Sprintf("%s%detc", proto, t.ports[0].first), false
}

// protoSlug returns "tcp", or "p51" for a protocol without a name. With the
// longest prefix it leaves room for two letters of an agent.
func protoSlug(p learn.Proto) string { return strings.Replace(p.String(), "proto-", "p", 1) }

func (n *namer) hash(t *table) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %s", n.prefix, t.agent.Name, t.service()))
	return hex.EncodeToString(sum[:])[:hashSize]
}
