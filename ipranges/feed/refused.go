package feed

import (
	"fmt"
	"path"
	"strings"
)

// A caller is a published list of addresses that call in: crawlers, runners and
// webhooks. Whoever takes one for destinations admits machines that serve
// nobody, and often half a cloud with them.
type caller struct {
	names []string // as files and lists are called, in lower case
	whose string
}

var callers = []caller{
	{
		[]string{"gptbot", "searchbot", "chatgpt-user", "chatgpt-agents", "chatgpt-connectors"},
		"OpenAI's crawlers and agents, which call sites; its API is reached by name, on addresses of Cloudflare",
	},
	{
		[]string{"claudebot", "claude-bot", "anthropic-crawlers"},
		"Anthropic's crawlers, which call sites; its API is in the feed anthropic",
	},
	{
		[]string{"googlebot", "special-crawlers", "user-triggered-fetchers", "user-triggered-fetchers-google", "user-triggered-agents"},
		"Google's crawlers and fetchers, which call sites",
	},
	{[]string{"bingbot"}, "Microsoft's crawler, which calls sites"},
	{[]string{"perplexitybot", "perplexity-user"}, "Perplexity's crawlers, which call sites"},
	{[]string{"duckduckbot", "applebot", "ahrefsbot", "facebookbot", "meta-externalagent"}, "a crawler, which calls sites"},
	{
		[]string{"actions", "actions_macos", "actions-macos", "codespaces"},
		"machines that GitHub rents to its users, nearly all of them in Azure; they call out",
	},
	{[]string{"hooks", "importer", "github_enterprise_importer", "dependabot"}, "what GitHub calls others from"},
	{
		[]string{"cloudfront_origin_facing", "route53_healthchecks", "route53_healthchecks_publishing", "ec2_instance_connect"},
		"what AWS calls its customers' servers from",
	},
	{[]string{"akamai", "akamai-origin", "akamai-v4", "akamai-v6"}, "what Akamai fetches from origins with; its edge is AS20940 and AS16625"},
}

// Refused says why no destinations are taken from a list of that name, nil if
// nothing speaks against it. It takes "gptbot", "gptbot.json", a path or an
// address, and "github/actions".
func Refused(name string) error {
	base := strings.ToLower(path.Base(strings.ReplaceAll(name, `\`, "/")))
	base = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(base, ".json"), ".txt"), ".csv")
	for _, c := range callers {
		for _, n := range c.names {
			if n == base {
				return fmt.Errorf("%s lists no destinations: %s", n, c.whose)
			}
		}
	}
	return nil
}
