package export_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tripline/enforce"
	"tripline/enforce/export"
	"tripline/ipranges"
	"tripline/learn"
)

const golden = "../../testdata/export/pfsense"

func pfsense(t testing.TB, p *enforce.Policy, o export.Options) ([]export.File, []export.Note) {
	t.Helper()
	f, err := export.Find("pfsense")
	if err != nil {
		t.Fatal(err)
	}
	files, notes, err := f.Files(p, o)
	if err != nil {
		t.Fatal(err)
	}
	return files, notes
}

func TestPfsenseGolden(t *testing.T) {
	merge, err := os.ReadFile(filepath.Join(golden, "own.xml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]export.Options{
		"inline": {},
		"url":    {URL: "http://192.0.2.5/aliases/", Merge: merge, Agents: []string{"bot"}},
	} {
		t.Run(name, func(t *testing.T) {
			files, notes := pfsense(t, homelab(t), o)
			var told strings.Builder
			for _, n := range notes {
				told.WriteString(n.String() + "\n")
			}
			compare(t, filepath.Join(golden, name), append(files, export.File{Name: "notes", Text: []byte(told.String())}))
		})
	}
}

// compare compares files with those in dir, or writes them if TRIPLINE_UPDATE
// is set.
func compare(t *testing.T, dir string, files []export.File) {
	t.Helper()
	if os.Getenv("TRIPLINE_UPDATE") != "" {
		rewrite(t, dir, files)
	}
	got, want := map[string]string{}, map[string]string{}
	for _, f := range files {
		got[f.Name] = string(f.Text)
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatalf("%v; run the test with TRIPLINE_UPDATE=1 and read what it writes", err)
	}
	for _, n := range names {
		text, err := os.ReadFile(filepath.Join(dir, n.Name()))
		if err != nil {
			t.Fatal(err)
		}
		want[n.Name()] = string(text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files of %s (-want +got):\n%s", dir, diff)
	}
}

func rewrite(t *testing.T, dir string, files []export.File) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// rounds calls check with random policies. TRIPLINE_ROUNDS asks for more,
// TRIPLINE_SEED repeats one.
func rounds(t *testing.T, check func(*testing.T, *rand.Rand)) {
	t.Helper()
	n, first := 300, rand.Uint64()
	if v, err := strconv.Atoi(os.Getenv("TRIPLINE_ROUNDS")); err == nil {
		n = v
	}
	if v, err := strconv.ParseUint(os.Getenv("TRIPLINE_SEED"), 10, 64); err == nil {
		n, first = 1, v
	}
	for seed := first; seed < first+uint64(n); seed++ {
		if !t.Run("", func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("repeat with TRIPLINE_SEED=%d", seed)
				}
			}()
			check(t, rand.New(rand.NewPCG(seed, 1)))
		}) {
			return
		}
	}
}

func TestExportReadsBackThePolicy(t *testing.T) {
	rounds(t, func(t *testing.T, r *rand.Rand) {
		p := random(t, r)
		files, _ := pfsense(t, p, export.Options{})
		pairs := readBack(t, files)
		for _, a := range p.Agents {
			for _, text := range portTexts {
				s := services(t, text)[0]
				got, want := tableSet(pairs, a.Name, s), ruleSet(a, s)
				if inexpressible(s) {
					want = ipranges.Set{}
				}
				if !got.Equal(want) {
					t.Fatalf("%q %s: got %v, want %v", a.Name, s, got.Prefixes(), want.Prefixes())
				}
			}
		}
	})
}

// inexpressible says what has no rule in pfSense at all.
func inexpressible(s learn.Service) bool {
	return s.Proto == learn.SCTP || s.Proto == 99 || s.Proto.HasPorts() && s.Port == 0
}

func ruleSet(a *enforce.AgentPolicy, s learn.Service) ipranges.Set {
	var set ipranges.Set
	for _, r := range a.Rules {
		if slices.Contains(r.Ports, s) {
			set = set.Union(r.Set)
		}
	}
	return set
}

// tableSet returns where the tables let the agent go with service s.
func tableSet(pairs []pair, agent string, s learn.Service) ipranges.Set {
	var set ipranges.Set
	for _, p := range pairs {
		if p.agent == shown(agent) && p.covers(s) {
			set = set.Union(p.set)
		}
	}
	return set
}

func (p *pair) covers(s learn.Service) bool {
	switch {
	case p.ports != nil:
		return strings.EqualFold(p.proto, s.Proto.String()) && p.ports[s.Port]
	case s.Proto == learn.ICMPv6:
		return p.proto == "ICMP" && p.family == "IPv6"
	case s.Proto == learn.ICMP:
		return p.proto == "ICMP" && p.family == "IPv4"
	case s.Proto == 51:
		return p.proto == "AH"
	}
	return strings.EqualFold(p.proto, s.Proto.String())
}

// shown is an agent's name in the alphabet of the files, written independently
// of what is tested.
func shown(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); {
		r := []rune(name[i:])[0]
		size := len(string(r))
		switch {
		case r == 0xFFFD && !strings.HasPrefix(name[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, name[i])
			size = 1
		case r < 0x20, r == 0x7f, r == ' ' && (i == 0 || i == len(name)-1), strings.ContainsRune(`<>&"'`+"`"+`;|\`, r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case r > 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// TestTablesAgreeWithCheck asks the checker: what enforce admits and what the
// tables admit is the same, except where a note says that it cannot be.
func TestTablesAgreeWithCheck(t *testing.T) {
	rounds(t, func(t *testing.T, r *rand.Rand) {
		p := random(t, r)
		files, notes := pfsense(t, p, export.Options{})
		pairs := readBack(t, files)
		for range 200 {
			a := p.Agents[r.IntN(len(p.Agents))]
			f := learn.Flow{Agent: a.Name, Dst: edgeAddr(a, r)}
			s := services(t, portTexts[r.IntN(len(portTexts))])[0]
			f.Proto, f.DstPort, f.Name = s.Proto, s.Port, edgeName(a, r)
			admits := tableSet(pairs, a.Name, s).Contains(f.Dst)
			allowed := p.Check(&f) == enforce.Allowed
			switch {
			case admits == allowed, admits && f.Name != "": // the comment of every table says so
			case !admits && noted(notes, a.Name, f.Name, s):
			default:
				t.Fatalf("%q %s %s %q: table admits %v, policy rules %v", a.Name, f.Dst, s, f.Name, admits, p.Rule(&f))
			}
		}
	})
}

// edgeAddr returns an address near the edge of a rule, or any.
func edgeAddr(a *enforce.AgentPolicy, r *rand.Rand) netip.Addr {
	if len(a.Rules) > 0 && r.IntN(4) > 0 {
		if all := a.Rules[r.IntN(len(a.Rules))].Set.Prefixes(); len(all) > 0 {
			start := all[r.IntN(len(all))].Addr()
			return [...]netip.Addr{start, start.Next(), start.Prev()}[r.IntN(3)]
		}
	}
	return randomAddr(r)
}

// edgeName returns mostly no name, sometimes one that is in a rule or foreign.
func edgeName(a *enforce.AgentPolicy, r *rand.Rand) string {
	switch {
	case r.IntN(3) > 0:
		return ""
	case len(a.Rules) > 0 && r.IntN(2) > 0:
		return a.Rules[r.IntN(len(a.Rules))].To.Name
	}
	return "foreign.example.net"
}

// noted says whether a note names the service, or the name and its other
// addresses.
func noted(notes []export.Note, agent, name string, s learn.Service) bool {
	return slices.ContainsFunc(notes, func(n export.Note) bool {
		about := strings.HasPrefix(n.Rule, shown(name)+" ") && strings.Contains(n.Why, "which tripline allows")
		return n.Agent == shown(agent) && (strings.HasSuffix(n.Rule, " "+s.String()) || name != "" && about)
	})
}

func TestConfigSectionIsTheSamePolicy(t *testing.T) {
	rounds(t, func(t *testing.T, r *rand.Rand) {
		p := random(t, r)
		for _, url := range []string{"", "https://192.0.2.5/a+b"} {
			files, _ := pfsense(t, p, export.Options{URL: url})
			pairs := readBack(t, files)
			i := slices.IndexFunc(files, func(f export.File) bool { return f.Name == "aliases-new-only.xml" })
			if i < 0 {
				if len(pairs) > 0 {
					t.Fatal("no section, but tables")
				}
				continue
			}
			checkConfig(t, readConfig(t, files[i].Text), pairs)
		}
	})
}

// TestHostileTextStaysOneToken looks at all texts: ASCII, no line that a name
// made. The readers above check each file's own tokens.
func TestHostileTextStaysOneToken(t *testing.T) {
	rounds(t, func(t *testing.T, r *rand.Rand) {
		files, notes := pfsense(t, random(t, r), export.Options{})
		for _, f := range files {
			if bad := bytes.IndexFunc(f.Text, func(r rune) bool { return r != '\n' && r != '\t' && (r < ' ' || r > '~') }); bad >= 0 {
				t.Fatalf("%s: byte %#x", f.Name, f.Text[bad])
			}
			for line := range bytes.Lines(f.Text) {
				if f.Name == "README.txt" && (bytes.HasPrefix(line, []byte("0.0.0.0/0")) || bytes.HasPrefix(line, []byte("Pass"))) {
					t.Fatalf("%s: line %q", f.Name, line)
				}
			}
		}
		for _, n := range notes {
			if strings.ContainsFunc(n.String(), func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Fatalf("note %q", n)
			}
		}
	})
}

func TestNotesStandInTheFiles(t *testing.T) {
	rounds(t, func(t *testing.T, r *rand.Rand) {
		files, notes := pfsense(t, random(t, r), export.Options{})
		i := slices.IndexFunc(files, func(f export.File) bool { return f.Name == "README.txt" })
		for _, n := range notes {
			if !strings.Contains(string(files[i].Text), "  - "+n.String()+"\n") {
				t.Fatalf("note %q is not in README.txt", n)
			}
		}
	})
}

func TestEqualPoliciesGiveEqualBytes(t *testing.T) {
	rounds(t, func(t *testing.T, r *rand.Rand) {
		p := random(t, r)
		files, notes := pfsense(t, p, export.Options{})
		again, notesAgain := pfsense(t, p, export.Options{})
		if !reflect.DeepEqual(files, again) || !slices.Equal(notes, notesAgain) {
			t.Fatalf("got %s, then %s", files, again)
		}
	})
}

// TestNamesDoNotDependOnWhatIsExported exports agents alone and together.
func TestNamesDoNotDependOnWhatIsExported(t *testing.T) {
	rounds(t, func(t *testing.T, r *rand.Rand) {
		p := random(t, r)
		all, _ := pfsense(t, p, export.Options{})
		var want, got []string
		for _, pair := range readBack(t, all) {
			want = append(want, pair.name)
		}
		for _, a := range p.Agents {
			alone, _ := pfsense(t, p, export.Options{Agents: []string{a.Name}})
			for _, pair := range readBack(t, alone) {
				got = append(got, pair.name)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestAllNamesAreDifferent(t *testing.T) {
	var baselines []*learn.Baseline
	for _, agent := range agentNames {
		b := &learn.Baseline{Agent: agent}
		for i, text := range []string{"tcp/443", "tcp/8443", "tcp/65535", "udp/443", "icmp", "proto-51"} {
			b.Rules = append(b.Rules,
				learn.Rule{To: learn.To{Prefix: netip.MustParsePrefix("192.0.2.1/32")}, Ports: services(t, text)},
				learn.Rule{To: learn.To{Prefix: netip.MustParsePrefix("192.0.2.2/32")}, Ports: services(t, "tcp/1", "tcp/5", "tcp/"+strconv.Itoa(7+2*i))})
		}
		baselines = append(baselines, b)
	}
	for _, prefix := range []string{"", "x", "my_tripline1"} {
		files, _ := pfsense(t, compile(t, baselines...), export.Options{Prefix: prefix})
		pairs := readBack(t, files)
		if want := 12 * len(agentNames); len(pairs) != want {
			t.Errorf("prefix %q: %d tables, want %d", prefix, len(pairs), want)
		}
		seen := map[string]bool{}
		for _, p := range pairs {
			if n := p.name; seen[strings.ToLower(n)] || len(n) > 29 || !pfName.MatchString(n) {
				t.Errorf("name %q", n)
			}
			seen[strings.ToLower(p.name)] = true
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	p := compile(t, &learn.Baseline{Agent: "bot"})
	format, err := export.Find("pfsense")
	if err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]export.Options{
		`agent "nobody" has no approved baseline`: {Agents: []string{"bot", "nobody"}},
		`invalid prefix "a b"`:                    {Prefix: "a b"},
		`invalid prefix "_a"`:                     {Prefix: "_a"},
		`invalid prefix "abcdefghijklm"`:          {Prefix: "abcdefghijklm"},
		`prefix "pkg_x" belongs to the firewall`:  {Prefix: "pkg_x"},
		`prefix "pfB" belongs to the firewall`:    {Prefix: "pfB"},
		`invalid URL "ftp://192.0.2.5/"`:          {URL: "ftp://192.0.2.5/"},
		`invalid URL "http://192.0.2.5/?a=b"`:     {URL: "http://192.0.2.5/?a=b"},
		`invalid URL "http://a b/"`:               {URL: "http://a b/"},
		`invalid URL "http:///aliases"`:           {URL: "http:///aliases"},
		`invalid URL "http://u:p@192.0.2.5/"`:     {URL: "http://u:p@192.0.2.5/"},
		"line 1: no XML":                          {Merge: []byte{}},
	} {
		files, notes, err := format.Files(p, o)
		if err == nil || !strings.Contains(err.Error(), want) || learn.HintOf(err) == "" || files != nil || notes != nil {
			t.Errorf("%+v: got %v, hint %q, want %q", o, err, learn.HintOf(err), want)
		}
	}
	if _, _, err := format.Files(compile(t), export.Options{}); err == nil {
		t.Error("a policy without agents was exported")
	}
}

func TestFindHintsAtTheFormats(t *testing.T) {
	_, err := export.Find("pfsence")
	if err == nil || learn.HintOf(err) != "the formats are: pfsense" {
		t.Errorf("got %v, hint %q", err, learn.HintOf(err))
	}
	if !slices.IsSortedFunc(export.All, func(a, b export.Format) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the formats are not sorted")
	}
}

// TestLargeExportIsNoted counts entries against what pfSense holds.
func TestLargeExportIsNoted(t *testing.T) {
	var seen []netip.Addr
	a := netip.MustParseAddr("2001:db8::")
	for range 200_001 {
		seen = append(seen, a)
		a = a.Next().Next()
	}
	rule := learn.Rule{To: learn.To{Name: "many.example.com"}, Ports: services(t, "tcp/443"), Addrs: seen}
	_, notes := pfsense(t, compile(t, &learn.Baseline{Agent: "bot", Rules: []learn.Rule{rule}}), export.Options{})
	for _, want := range []string{"200,001 entries in all", "tripline_bot_tcp443 has 200,001 entries"} {
		if !strings.Contains(fmt.Sprint(notes), want) {
			t.Errorf("no note says %q: %.400s", want, fmt.Sprint(notes))
		}
	}
}
