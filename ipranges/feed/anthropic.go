package feed

// What https://platform.claude.com/docs/en/api/ip-addresses says that its API
// answers at, as of November 2026: "these addresses will not change without
// notice". It is a page for people; the list in this program is a transcript of
// it (see builtin/anthropic.txt). Copies of the page elsewhere were found to
// have other addresses.
var anthropic = Feed{
	Name:     "anthropic",
	URL:      "https://platform.claude.com/docs/en/api/ip-addresses",
	Short:    "Anthropic: its API and its console",
	Parse:    parser("anthropic", readAnthropic),
	canaries: addrs("160.79.104.10"),
	Fixed:    true,
	read:     readAnthropic,
}

var readAnthropic = listReader("anthropic", "")
