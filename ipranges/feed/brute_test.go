package feed_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tripline/ipranges"
	"tripline/ipranges/feed"
)

// A row is a prefix as a raw file has it. This is the slow twin of all that
// reads, joins and looks up: it shares no code with it.
type row struct {
	prefix netip.Prefix
	label  string
}

// object reads any JSON.
func object(tb testing.TB, path string) map[string]any {
	tb.Helper()
	var out map[string]any
	if err := json.Unmarshal(whole(tb, path), &out); err != nil {
		tb.Fatal(err)
	}
	return out
}

func text(v any) string { s, _ := v.(string); return s }

func items(v any) []any { l, _ := v.([]any); return l }

// rawRows reads the published files by their field names.
func rawRows(tb testing.TB) (rows []row) {
	tb.Helper()
	add := func(prefix any, label string) {
		rows = append(rows, row{netip.MustParsePrefix(text(prefix)), label})
	}
	aws := object(tb, published["aws"])
	for _, key := range []string{"prefixes", "ipv6_prefixes"} {
		for _, v := range items(aws[key]) {
			m := v.(map[string]any)
			add(text(m["ip_prefix"])+text(m["ipv6_prefix"]), "aws/"+text(m["service"])+"/"+text(m["region"]))
		}
	}
	for _, v := range items(object(tb, published["gcp"])["prefixes"]) {
		m := v.(map[string]any)
		add(text(m["ipv4Prefix"])+text(m["ipv6Prefix"]), "gcp/cloud/"+text(m["scope"]))
	}
	for _, v := range items(object(tb, published["google"])["prefixes"]) {
		m := v.(map[string]any)
		add(text(m["ipv4Prefix"])+text(m["ipv6Prefix"]), "goog")
	}
	for _, v := range items(object(tb, published["azure"])["values"]) {
		p := v.(map[string]any)["properties"].(map[string]any)
		label := "azure/" + text(v.(map[string]any)["name"])
		if region := text(p["region"]); region != "" {
			label = label[:strings.LastIndex(label, ".")] + "/" + region
		}
		for _, prefix := range items(p["addressPrefixes"]) {
			add(prefix, label)
		}
	}
	github := object(tb, published["github"])
	for _, key := range []string{"web", "api", "git", "packages", "pages", "copilot"} {
		for _, prefix := range items(github[key]) {
			add(prefix, "github/"+key)
		}
	}
	for line := range strings.FieldsSeq(string(whole(tb, published["cloudflare"]))) {
		add(line, "cloudflare")
	}
	for _, prefix := range items(object(tb, published["fastly"])["addresses"]) {
		add(prefix, "fastly")
	}
	return rows
}

// scan returns what rows say of a, in order.
func scan(rows []row, a netip.Addr) []string {
	found := map[string]bool{}
	for _, r := range rows {
		if r.prefix.Contains(a) {
			found[r.label] = true
		}
	}
	if found["goog"] && !slices.ContainsFunc(rows, func(r row) bool { return strings.HasPrefix(r.label, "gcp/") && r.prefix.Contains(a) }) {
		found["google/services"] = true
	}
	delete(found, "goog")
	split := func(service string) bool {
		return slices.ContainsFunc(rows, func(r row) bool {
			return len(r.label) > len(service) && r.label[len(service)] == '/' && strings.EqualFold(r.label[:len(service)], service)
		})
	}
	for label := range found {
		if region, ok := strings.CutPrefix(label, "azure/AzureCloud/"); ok {
			for service := range found {
				if strings.HasPrefix(service, "azure/") && strings.Count(service, "/") == 1 && !split(service) {
					found[service+"/"+region] = true
				}
			}
		}
	}
	return sortedKeys(found)
}

func sortedKeys(m map[string]bool) []string {
	out := []string{}
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// observed returns every address that a homelab, desktops and devices talked to.
func observed(tb testing.TB) (out []netip.Addr) {
	tb.Helper()
	seen := map[netip.Addr]bool{}
	add := func(text string) {
		if a, err := netip.ParseAddr(text); err == nil && !seen[a] { // a resolver's name is none
			seen[a] = true
			out = append(out, a)
		}
	}
	records, err := csv.NewReader(bytes.NewReader(whole(tb, "../evaluation/homelab-egress.csv"))).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	for _, r := range records[1:] {
		add(r[2])
	}
	for _, name := range []string{
		"CTU-Honeypot-4-1", "CTU-Malware-34-1", "CTU-Malware-44-1", "ctu-normal-008", "ctu-normal-012", "iot-sentinel-runs", "rita-rolling-7h",
	} {
		for _, dst := range destinations(tb, "../evaluation/flows/"+name+".jsonl.gz") {
			add(dst)
		}
	}
	return out
}

// destinations returns where the flows of a file went.
func destinations(tb testing.TB, file string) (out []string) {
	tb.Helper()
	r, err := gzip.NewReader(bytes.NewReader(whole(tb, file)))
	if err != nil {
		tb.Fatal(err)
	}
	for d := json.NewDecoder(r); d.More(); {
		var f struct{ Dst string }
		if err := d.Decode(&f); err != nil {
			tb.Fatal(err)
		}
		out = append(out, f.Dst)
	}
	return out
}

func TestLabelsAreWhatTheRawFilesSay(t *testing.T) {
	rows, all := rawRows(t), map[string][]ipranges.Range{}
	for _, name := range []string{"aws", "azure", "cloudflare", "fastly", "gcp", "github", "google"} {
		s, err := find(t, name).Read(whole(t, published[name]))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = s.Ranges
	}
	table := ipranges.NewTable(feed.Assemble(all))
	addresses, labelled := observed(t), 0
	for _, a := range append(addresses, addresses6...) {
		got := []string{}
		for _, l := range table.Labels(a) {
			got = append(got, l.String())
		}
		slices.Sort(got)
		if d := cmp.Diff(scan(rows, a), got); d != "" {
			t.Errorf("%s (-raw files +table):\n%s", a, d)
		}
		if len(got) > 0 {
			labelled++
		}
	}
	if labelled*3 < len(addresses) {
		t.Errorf("only %d of %d addresses have a label", labelled, len(addresses))
	}
	t.Logf("%d of %d addresses have a label", labelled, len(addresses)+len(addresses6))
}

// addresses6 are of S3, EC2, Google, Google Cloud, Cloudflare and GitHub; the
// homelab had IPv4 alone. The last are of Azure's language models.
var addresses6 = []netip.Addr{
	addr("2600:1ff8:2c00::1"), addr("2600:1f18::1"), addr("2001:4860:4860::8888"), addr("2600:1900:4000::1"),
	addr("2606:4700::1"), addr("2606:50c0:8000::153"), addr("20.42.4.208"), addr("20.232.91.180"), addr("40.71.13.177"),
}
