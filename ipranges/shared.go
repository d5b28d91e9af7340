package ipranges

import "strings"

// catchAll says whether l is a provider's name for all it has, which is never a
// service of its own.
func catchAll(l Label) bool {
	switch strings.ToLower(l.Provider) {
	case "aws":
		return l.Service == "" || strings.EqualFold(l.Service, "AMAZON")
	case "azure":
		return l.Service == "" || hasPrefixFold(l.Service, "AzureCloud")
	}
	return false
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// Shared says whether anyone can rent a place at addresses of l.
func Shared(l Label) bool { return catchAll(l) }
