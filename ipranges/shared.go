package ipranges

import (
	"slices"
	"strings"
)

// catchAll says whether l is a provider's name for all it has, which is never a
// service of its own.
func catchAll(l Label) bool {
	switch strings.ToLower(l.Provider) {
	case "aws":
		return l.Service == "" || strings.EqualFold(l.Service, "AMAZON")
	case "azure":
		return l.Service == "" || hasPrefixFold(l.Service, "AzureCloud")
	case "google":
		return strings.EqualFold(l.Service, "goog")
	}
	return false
}

// front returns the service that a person would name for l, where several are
// published for the same machines: GitHub's lists of them differ by a few
// addresses, and the shortest one would name the rule of all who use git.
func front(l Label) (Label, bool) {
	same := tenancy{provider: "github", services: []string{"api", "git", "copilot"}}
	if strings.EqualFold(l.Provider, same.provider) && same.fits(l.Service) {
		return Label{Provider: l.Provider, Service: "web"}, true
	}
	return Label{}, false
}

// A tenancy says of a provider's services whether customers have a place there.
// An empty services list means all of them; an entry that ends in * means every
// service whose name begins so.
type tenancy struct {
	provider string
	services []string
	reason   string // why strangers answer there; "" if only the provider does
}

// tenancies is read from the top, the first that fits counts. What is not in it
// is taken for shared: a warning too many costs less than one too few.
var tenancies = []tenancy{
	{"aws", []string{"EC2"}, "virtual machines of any customer"},
	{"aws", []string{"S3", "EBS", "EFS"}, "storage of any customer"},
	{"aws", []string{"CLOUDFRONT", "GLOBALACCELERATOR"}, "front of any customer's site"},
	{"aws", []string{"API_GATEWAY"}, "programs of any customer"},
	{"aws", []string{"DYNAMODB", "AURORA_DSQL"}, "databases of any customer"},
	{"aws", []string{"ROUTE53*"}, "name servers of any customer's zone"},
	{"aws", nil, "services of any customer"},
	{"azure", []string{"CognitiveServices*"}, ""},
	{"azure", []string{"AzureActiveDirectory", "AzureActiveDirectory.*", "AzureResourceManager", "AzurePortal"}, ""},
	{"azure", []string{"AzureUpdateDelivery", "MicrosoftDefenderForEndpoint", "MicrosoftContainerRegistry", "OneDsCollector"}, ""},
	{"azure", []string{"Storage", "AzureDataLake", "AzureContainerRegistry"}, "storage of any customer"},
	{"azure", []string{"AppService", "ApiManagement", "LogicApps"}, "programs of any customer"},
	{"azure", []string{"AzureFrontDoor*", "AzureTrafficManager"}, "front of any customer's site"},
	{"azure", []string{"AzureCloud*"}, "virtual machines of any customer"},
	{"azure", nil, "services of any customer"},
	{"gcp", nil, "virtual machines of any customer"},
	{"google", []string{"goog"}, "includes the cloud: virtual machines of any customer"},
	{"google", nil, ""},
	{"anthropic", nil, ""},
	{"github", []string{"pages"}, "pages of any user"},
	{"github", nil, ""},
	{"m365", []string{"Exchange", "SharePoint"}, "mail and files of any customer"},
	{"m365", nil, ""},
	{"atlassian", nil, "sites of any customer"},
	{"oci", []string{"OBJECT_STORAGE"}, "storage of any customer"},
	{"oci", []string{"OCI"}, "virtual machines of any customer"},
	{"oci", nil, "services of any customer"},
	{"digitalocean", nil, "virtual machines of any customer"},
	{"linode", nil, "virtual machines of any customer"},
	{"cloudflare", nil, "front of any customer's site"},
	{"fastly", nil, "front of any customer's site"},
}

// Shared says whether anyone can rent a place at addresses of l. A label of
// which nothing is known is shared.
func Shared(l Label) bool { return SharedBecause(l) != "" }

// SharedBecause says in a few words who else is reached at addresses of l, ""
// if only the provider answers there.
func SharedBecause(l Label) string {
	for _, t := range tenancies {
		if strings.EqualFold(t.provider, l.Provider) && t.fits(l.Service) {
			return t.reason
		}
	}
	return "nothing is known of who answers there"
}

func (t tenancy) fits(service string) bool {
	return t.services == nil || slices.ContainsFunc(t.services, func(s string) bool {
		if prefix, ok := strings.CutSuffix(s, "*"); ok {
			return hasPrefixFold(service, prefix)
		}
		return strings.EqualFold(s, service)
	})
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
