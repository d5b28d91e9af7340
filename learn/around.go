package learn

import "strings"

// Sandboxed begins the interface of a flow of a sandbox; what follows is the agent.
const Sandboxed = "sandbox:"

// Labels of flows that go around names, or stay with them, in the place of a firewall's
// rule. A sandbox gives them, which knows every name that was asked for.
const (
	NoName        = "no-name"
	OtherResolver = "other-resolver"
	HiddenDNS     = "encrypted-dns"
	OnlyAsked     = "only-asked" // no more than a question for a name
)

// around says them in words.
var around = map[string]string{
	NoName:        "to a bare address: no name was asked for",
	OtherResolver: "asks a DNS resolver of its own choice",
	HiddenDNS:     "encrypted DNS: what it asks for cannot be seen",
	OnlyAsked:     "asked for and not connected to",
}

// Around says in words how a flow of a sandbox went around names, "" if it did not. A
// rule of a firewall may be called anything, so the interface counts as well.
func Around(iface, rule string) string {
	if !strings.HasPrefix(iface, Sandboxed) {
		return ""
	}
	return around[rule]
}
