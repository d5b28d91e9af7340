package ipranges

import "strings"

// inbound are services whose published addresses call their customers: health
// checks, webhooks, the back of a front. Nobody connects to them, and a rule
// that is folded to one opens what nothing needs. An entry that ends in * means
// every service whose name begins so.
var inbound = []tenancy{
	{provider: "aws", services: []string{"CLOUDFRONT_ORIGIN_FACING", "ROUTE53_HEALTHCHECKS*", "EC2_INSTANCE_CONNECT"}},
	{provider: "azure", services: []string{
		"ActionGroup", "ApplicationInsightsAvailability", "AzureFrontDoor.Backend", "AzureTrafficManager", "GatewayManager",
	}},
	{provider: "github", services: []string{"hooks", "actions*", "codespaces", "dependabot", "importer", "github_enterprise_importer"}},
}

// Inbound says whether l is of addresses that call in, and is not one to fold
// to. It says so by name; a label above others, such as a provider, is not.
func Inbound(l Label) bool {
	for _, t := range inbound {
		if strings.EqualFold(t.provider, l.Provider) && t.fits(l.Service) {
			return true
		}
	}
	return false
}
