package export_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tripline/enforce"
	"tripline/enforce/export"
	"tripline/learn"
)

// onto returns what is in a directory after an export into it: of each file that
// was there, its first KiB is all that is passed on.
func onto(t testing.TB, dir map[string]string, p *enforce.Policy, o export.Options) ([]export.Note, map[string]string) {
	t.Helper()
	after := map[string]string{}
	for name, text := range dir {
		after[name] = text
		o.Old = append(o.Old, export.File{Name: name, Text: []byte(text[:min(len(text), 1<<10)])})
	}
	files, notes := pfsense(t, p, o)
	for _, f := range files {
		if f.Text == nil {
			delete(after, f.Name)
			continue
		}
		after[f.Name] = string(f.Text)
	}
	return notes, after
}

// admitted returns how many entries a table has that pfSense would keep.
func admitted(t testing.TB, text string) int {
	t.Helper()
	n := 0
	for line := range strings.Lines(text) {
		if len(line) > 254 {
			t.Fatalf("line %q is too long", line)
		}
		if !strings.HasPrefix(line, "#") {
			n++
		}
	}
	return n
}

// grown is [small] with one table more.
func grown(t testing.TB) *enforce.Policy {
	t.Helper()
	host := learn.To{Prefix: netip.MustParsePrefix("192.0.2.7/32")}
	return compile(t, &learn.Baseline{Agent: "bot", Digest: "aaaa", Rules: []learn.Rule{
		{To: host, Ports: services(t, "tcp/443")}, {To: host, Ports: services(t, "tcp/8200")},
	}})
}

const over8200 = `# tripline: what agent bot may reach on tcp/8200
# alias tripline_bot_tcp8200, baseline 3f9a2c
# opens nothing: that baseline removed its last rule
# Remove the alias and its rule in pfSense, then delete this file.
`

func TestTableOfARemovedRuleAdmitsNothing(t *testing.T) {
	_, dir := onto(t, nil, grown(t), export.Options{Whole: true})
	notes, dir := onto(t, dir, small(t), export.Options{Whole: true})
	if diff := cmp.Diff(over8200, dir["tripline_bot_tcp8200.txt"]); diff != "" {
		t.Error(diff)
	}
	if n := admitted(t, dir["tripline_bot_tcp8200.txt"]); n != 0 {
		t.Errorf("it has %d entries", n)
	}
	for _, name := range []string{"tripline_bot_tcp8200_ports.txt", "tripline_bot_tcp8200.import.txt"} {
		if _, there := dir[name]; there {
			t.Errorf("%s is still there", name)
		}
	}
	const want = "bot: alias tripline_bot_tcp8200 is no longer used: remove it and its rule in pfSense, then delete tripline_bot_tcp8200.txt; until then it stays open, unless pfSense fetches that file, which admits nothing now"
	if !strings.Contains(fmt.Sprint(notes), want) || !strings.Contains(dir["README.txt"], "  - "+want+"\n") {
		t.Errorf("notes %v, README.txt %s", notes, dir["README.txt"])
	}
}

func TestTableThatIsOverStaysAsItIs(t *testing.T) {
	_, dir := onto(t, nil, grown(t), export.Options{})
	_, once := onto(t, dir, small(t), export.Options{})
	notes, twice := onto(t, once, small(t), export.Options{})
	if diff := cmp.Diff(once, twice); diff != "" || !strings.Contains(fmt.Sprint(notes), "no longer used") {
		t.Errorf("notes %v\n%s", notes, diff)
	}
	later := compile(t, &learn.Baseline{Agent: "bot", Digest: "later"})
	_, dir = onto(t, once, later, export.Options{})
	if diff := cmp.Diff(over8200, dir["tripline_bot_tcp8200.txt"]); diff != "" {
		t.Errorf("the baseline that ended it: %s", diff)
	}
	if _, dir = onto(t, dir, grown(t), export.Options{}); admitted(t, dir["tripline_bot_tcp8200.txt"]) == 0 {
		t.Error("the rule came back, its table did not")
	}
}

// TestFilesOfOthersAreLeftAlone holds what an export does not touch: tables of
// agents it leaves out, of other prefixes, and what tripline did not write.
func TestFilesOfOthersAreLeftAlone(t *testing.T) {
	table := func(agent, name string) string {
		return "# tripline: what agent " + agent + " may reach on tcp/1\n# alias " + name + ", baseline 1\n# opens\n192.0.2.1\n"
	}
	dir := map[string]string{
		"notes.txt":              "mine\n",
		"tripline_bot_mine.txt":  "192.0.2.1\n",
		"tripline_bot_copy.txt":  table("bot", "tripline_bot_tcp1"),
		"tripline_bot_odd.txt":   strings.Replace(table("bot", "tripline_bot_odd"), "bot may", "b\x1bot may", 1),
		"tripline_bot_short.txt": "# tripline: what agent bot may reach on tcp/1\n",
		"tripline_web_tcp1.txt":  table("web", "tripline_web_tcp1"),
		"lab_bot_tcp1.txt":       table("bot", "lab_bot_tcp1"),
	}
	notes, after := onto(t, dir, small(t), export.Options{})
	for name, text := range dir {
		if after[name] != text {
			t.Errorf("%s: got %q", name, after[name])
		}
	}
	if strings.Contains(fmt.Sprint(notes), "no longer used") {
		t.Errorf("got %v", notes)
	}
	_, after = onto(t, dir, small(t), export.Options{Whole: true})
	if !strings.Contains(after["tripline_web_tcp1.txt"], "baseline none\n# opens nothing: ") {
		t.Errorf("an agent that is no more: got %q", after["tripline_web_tcp1.txt"])
	}
	_, after = onto(t, dir, small(t), export.Options{Whole: true, Agents: []string{"bot"}})
	if after["tripline_web_tcp1.txt"] != dir["tripline_web_tcp1.txt"] {
		t.Errorf("an agent that is only not exported: got %q", after["tripline_web_tcp1.txt"])
	}
}

// TestDirectoryHoldsTheLastPolicyOnly exports one policy over another: what can
// be fetched then admits what the second one alone admits.
func TestDirectoryHoldsTheLastPolicyOnly(t *testing.T) {
	rounds(t, func(t *testing.T, r *rand.Rand) {
		_, dir := onto(t, nil, random(t, r), export.Options{Whole: true})
		p := random(t, r)
		_, fresh := onto(t, nil, p, export.Options{Whole: true})
		_, dir = onto(t, dir, p, export.Options{Whole: true})
		for name, text := range dir {
			switch table := strings.HasPrefix(text, "# tripline: what agent "); {
			case fresh[name] != "" && (name == "README.txt" || text == fresh[name]), name == "aliases-new-only.xml":
			case fresh[name] != "" || !table:
				t.Fatalf("%s: got %q, want %q", name, text, fresh[name])
			case admitted(t, text) != 0:
				t.Fatalf("%s of the first policy still admits: %q", name, text)
			}
		}
	})
}
