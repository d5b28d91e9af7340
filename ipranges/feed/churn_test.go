package feed_test

import (
	"testing"

	"tripline/ipranges"
	"tripline/ipranges/feed"
)

// earlier are files of the same publishers, of an earlier date.
var earlier = map[string]string{
	"aws":    "aws/ip-ranges-2026-05-29.json",
	"azure":  "azure/ServiceTags_Public_20250908.json",
	"gcp":    "gcp/cloud-2026-05-29.json",
	"google": "gcp/goog-2026-05-29.json",
}

// tableOf reads the named files.
func tableOf(tb testing.TB, paths map[string]string, names ...string) *ipranges.Table {
	tb.Helper()
	all := map[string][]ipranges.Range{}
	for _, name := range names {
		s, err := find(tb, name).Read(whole(tb, paths[name]))
		if err != nil {
			tb.Fatal(err)
		}
		all[name] = s.Ranges
	}
	return ipranges.NewTable(feed.Assemble(all))
}

// The figures were computed independently of this code, from the same files.
func TestPublishedChurn(t *testing.T) {
	names := []string{"aws", "azure", "gcp", "google"}
	got := map[string]ipranges.Change{}
	for _, c := range ipranges.Diff(tableOf(t, earlier, names...), tableOf(t, published, names...)) {
		got[c.Label.String()] = c
	}
	for label, want := range map[string][2]uint64{
		"aws/AMAZON": {256028, 140064}, "aws/EC2": {3549952, 72448}, "aws/EC2/us-east-1": {543744, 7168},
		"aws/S3": {0, 0}, "aws/S3/us-east-1": {0, 0}, "aws/CLOUDFRONT": {34304, 0}, "aws/API_GATEWAY": {512, 0},
		"gcp/cloud": {1819648, 0}, "gcp/cloud/us-central1": {327680, 0}, "google/services": {67840, 1819648},
		"azure/AzureCloud": {2574944, 16734}, "azure/Storage": {65536, 0}, "azure/Storage/eastus": {6912, 0},
		"azure/CognitiveServicesManagement": {984, 0}, "azure/AzureFrontDoor.Frontend": {448, 0},
	} {
		if c := got[label]; c.Added.V4 != want[0] || c.Removed.V4 != want[1] {
			t.Errorf("%s: +%d -%d, want +%d -%d", label, c.Added.V4, c.Removed.V4, want[0], want[1])
		}
	}
}
