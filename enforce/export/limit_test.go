package export_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"tripline/enforce/export"
	"tripline/ipranges"
	"tripline/learn"
)

// TestLimitedTablesOpenWhatTheyTell: no table has more entries than asked for,
// none lacks what the policy admits, none opens what is never to be admitted,
// and what each opens beyond the policy is told in its file and as a note.
func TestLimitedTablesOpenWhatTheyTell(t *testing.T) {
	format, err := export.Find("pfsense")
	if err != nil {
		t.Fatal(err)
	}
	limited, refused := 0, 0
	rounds(t, func(t *testing.T, r *rand.Rand) {
		p := random(t, r)
		most := 1 + r.IntN(6)
		whole, _ := pfsense(t, p, export.Options{})
		files, notes, err := format.Files(p, export.Options{Most: most})
		if err != nil {
			if !strings.Contains(err.Error(), "fewer would open what is never") || learn.HintOf(err) == "" {
				t.Fatal(err)
			}
			refused++
			return
		}
		told := fmt.Sprint(notes)
		for _, f := range whole {
			if !strings.HasSuffix(f.Name, ".txt") || strings.Count(f.Name, ".") > 1 || strings.HasSuffix(f.Name, "_ports.txt") || f.Name == "README.txt" {
				continue
			}
			name := strings.TrimSuffix(f.Name, ".txt")
			text := string(file(t, files, f.Name))
			had, has := readURLTable(t, string(f.Text)), readURLTable(t, text)
			beyond := has.Subtract(had)
			switch n := len(has.Prefixes()); {
			case n > most || !had.Subtract(has).IsEmpty():
				t.Fatalf("%s: %d entries for at most %d, %v lacks of %v", name, n, most, has.Prefixes(), had.Prefixes())
			case !beyond.Intersect(p.Never.Hosts()).IsEmpty():
				t.Fatalf("%s opens what is never to be admitted: %v", name, beyond.Prefixes())
			}
			if beyond.IsEmpty() {
				continue
			}
			limited++
			opens := ipranges.Exposure{V4: has.Exposure().V4 - had.Exposure().V4, V6: has.Exposure().V6 - had.Exposure().V6}
			want := fmt.Sprintf("alias %s has %d entr", name, len(has.Prefixes()))
			if !strings.Contains(told, want) || !strings.Contains(text, want) {
				t.Fatalf("%s opens %v more, told %s\n%s", name, opens, told, text)
			}
			if v4 := ipranges.Thousands(opens.V4) + " address"; opens.V4 > 0 && (!strings.Contains(told, "beyond the baseline, "+v4) || !strings.Contains(text, "to have fewer entries: "+v4)) {
				t.Fatalf("%s opens %v more, told %s\n%s", name, opens, told, text)
			}
		}
	})
	if limited == 0 {
		t.Errorf("no table was limited, %d refused", refused)
	}
}

func TestLimitKeepsWhatIsNeverAdmittedClosed(t *testing.T) {
	p := compile(t, &learn.Baseline{Agent: "bot", Digest: "77", Rules: []learn.Rule{
		{To: learn.To{Name: "a.example.com"}, Ports: services(t, "tcp/443"), Addrs: addrs("192.168.1.5", "192.168.1.9", "198.51.100.1", "198.51.100.3")},
	}})
	files, notes := pfsense(t, p, export.Options{Most: 3})
	text := string(file(t, files, "tripline_bot_tcp443.txt"))
	if got, want := readURLTable(t, text), []string{"192.168.1.5/32", "192.168.1.9/32", "198.51.100.0/30"}; fmt.Sprint(got.Prefixes()) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got.Prefixes(), want)
	}
	if !slices.ContainsFunc(notes, func(n export.Note) bool {
		return n.Why == "alias tripline_bot_tcp443 has 3 entries instead of 4 and so opens, beyond the baseline, 2 addresses: no list of so few entries opens less; what goes there passes, and is reported by tripline enforce"
	}) {
		t.Errorf("got notes %v", notes)
	}
	_, _, err := export.All[0].Files(p, export.Options{Most: 2})
	if err == nil || err.Error() != "alias tripline_bot_tcp443 needs 3 entries, more than 2: fewer would open what is never to be admitted, or join IPv4 and IPv6" || learn.HintOf(err) != "--max-entries 3" {
		t.Errorf("got %v, hint %q", err, learn.HintOf(err))
	}
}

func TestLimitWithinOneNetworkSaysSo(t *testing.T) {
	p := compile(t, &learn.Baseline{Agent: "bot", Digest: "77", Rules: []learn.Rule{
		{To: learn.To{Name: "a.example.com"}, Ports: services(t, "tcp/443"), Addrs: []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::9")}},
	}})
	_, notes := pfsense(t, p, export.Options{Most: 1})
	if !strings.Contains(fmt.Sprint(notes), "no address outside the /64 networks that the baseline opens a part of") {
		t.Errorf("got notes %v", notes)
	}
}
