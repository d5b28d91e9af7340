package export_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tripline/enforce"
	"tripline/enforce/export"
	"tripline/learn"
)

// small is a policy with two aliases, tripline_bot_tcp443 and its ports.
func small(t testing.TB) *enforce.Policy {
	t.Helper()
	return compile(t, &learn.Baseline{Agent: "bot", Digest: "3f9a2c", Rules: []learn.Rule{
		{To: learn.To{Prefix: netip.MustParsePrefix("192.0.2.7/32")}, Ports: services(t, "tcp/443")},
	}})
}

func file(t testing.TB, files []export.File, name string) []byte {
	t.Helper()
	for _, f := range files {
		if f.Name == name {
			return f.Text
		}
	}
	t.Fatalf("no file %s", name)
	return nil
}

// ours returns the two elements as they are written with an indent and a line
// end.
func ours(t testing.TB, indent, newline string) []string {
	t.Helper()
	files, _ := pfsense(t, small(t), export.Options{})
	text := string(file(t, files, "aliases-new-only.xml"))
	var out []string
	for part := range strings.SplitSeq(text, "\n\t<alias>") {
		if body, _, ok := strings.Cut(part, "</alias>"); ok {
			out = append(out, strings.ReplaceAll("<alias>"+body+"</alias>", "\n\t", newline+indent))
		}
	}
	return out
}

// foreign are aliases a user may have; other is what else may be there.
var foreign = []string{
	"<alias>\n\t\t\t<name>web</name><type>host</type><address>192.0.2.1</address><descr><![CDATA[AT&amp;T ]]></descr><detail></detail></alias>",
	"<alias><name>  My_Ports </name><type>port</type>\r\n<address>80 81</address></alias>",
	"<alias></alias>", "<alias/>",
	"<alias><name>tripline_bot_tcp443x</name><x><name>tripline_bot_tcp443</name></x></alias>",
	"<alias><name/><name>tripline_bot_tcp443</name></alias>", "<alias><name>\u00fcber</name>&#10;</alias>",
}

var other = []string{
	"<!-- <alias><name>tripline_bot_tcp443</name></alias> -->", "<?note x?>",
	"<other>\n<alias><name>tripline_bot_tcp443</name></alias></other>",
}

// stale are our two aliases as an earlier export, or a person, may have left
// them.
var stale = [][]string{
	{"<alias><name>tripline_bot_tcp443</name><type>host</type></alias>", "<alias>\n<type>url</type><name> tripline_bot<!-- x -->_tcp443\t</name></alias>"},
	{"<alias><name>tripline&#95;bot_tcp443_p</name></alias>", "<alias><name><![CDATA[tripline_bot_tcp443_p]]></name></alias>"},
}

// A document is a configuration and what merging has to make of it.
type document struct {
	in, want        strings.Builder
	newline, indent string
}

func (d *document) both(s string) { d.in.WriteString(s); d.want.WriteString(s) }

// TestMergeKeepsEverythingElse builds a document from pieces, and the expected
// one from the same pieces with ours exchanged.
func TestMergeKeepsEverythingElse(t *testing.T) {
	rounds(t, func(t *testing.T, r *rand.Rand) {
		d := document{newline: []string{"\n", "\r\n"}[r.IntN(2)], indent: []string{"\t", "  ", "\t\t", ""}[r.IntN(4)]}
		tail := d.newline + "<!-- end -->"
		if r.IntN(2) == 0 {
			d.both("\ufeff<?xml version=\"1.0\"?>" + d.newline)
			d.section(t, r)
			d.both(tail)
		} else {
			d.in.WriteString("<pfsense><system><alias><name>no</name></alias><aliases/></system>")
			d.want.WriteString("<?xml version=\"1.0\"?>" + d.newline)
			d.section(t, r)
			d.in.WriteString("<x/></pfsense>" + d.newline)
			d.want.WriteString(d.newline)
		}
		files, _ := pfsense(t, small(t), export.Options{Merge: []byte(d.in.String())})
		if diff := cmp.Diff(d.want.String(), string(file(t, files, "aliases.xml"))); diff != "" {
			t.Fatalf("document %q:\n%s", d.in.String(), diff)
		}
	})
}

// section writes aliases of the user and some of ours, then what is no alias.
func (d *document) section(t *testing.T, r *rand.Rand) {
	t.Helper()
	aliases := r.Perm(len(foreign) + 2)[:r.IntN(len(foreign)+2)]
	if len(aliases) == 0 {
		d.indent = "\t"
	}
	our := ours(t, d.indent, d.newline)
	d.both("<aliases>")
	for _, i := range aliases {
		d.both(d.newline + d.indent)
		if i < len(foreign) {
			d.both(d.lines(foreign[i]))
			continue
		}
		i -= len(foreign)
		d.in.WriteString(stale[i][r.IntN(2)])
		d.want.WriteString(our[i])
		our[i] = ""
	}
	for _, missing := range our {
		if missing != "" {
			d.want.WriteString(d.newline + d.indent + missing)
		}
	}
	for _, i := range r.Perm(len(other))[:r.IntN(len(other))] {
		d.both(d.newline + d.lines(other[i]))
	}
	d.both(d.newline + "</aliases>")
}

func (d *document) lines(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", d.newline)
}

func TestMergeIntoEmptySections(t *testing.T) {
	our := ours(t, "\t", "\n")
	both := "\n\t" + our[0] + "\n\t" + our[1] + "\n"
	for in, want := range map[string]string{
		"<aliases></aliases>":                     "<aliases>" + strings.TrimSuffix(both, "\n") + "</aliases>",
		"<aliases/>":                              "<aliases>" + both + "</aliases>",
		"<aliases />\n":                           "<aliases>" + both + "</aliases>\n",
		"<aliases>\n</aliases>":                   "<aliases>" + both + "</aliases>",
		"<pfsense><x/></pfsense>":                 "<?xml version=\"1.0\"?>\n<aliases>" + both + "</aliases>\n",
		"<pfsense>\n<aliases/>\n<y/>\n</pfsense>": "<?xml version=\"1.0\"?>\n<aliases>" + both + "</aliases>\n",
	} {
		files, _ := pfsense(t, small(t), export.Options{Merge: []byte(in)})
		if got := string(file(t, files, "aliases.xml")); got != want {
			t.Errorf("%s: %s", in, cmp.Diff(want, got))
		}
	}
}

// TestNothingToMergeWritesNoSection still notes what earlier exports left.
func TestNothingToMergeWritesNoSection(t *testing.T) {
	doc := "<aliases><alias><name>tripline_bot_tcp443</name></alias></aliases>"
	files, notes := pfsense(t, compile(t, &learn.Baseline{Agent: "bot"}), export.Options{Merge: []byte(doc)})
	if len(files) != 1 || files[0].Name != "README.txt" || !strings.Contains(fmt.Sprint(notes), "alias tripline_bot_tcp443 of an earlier export") {
		t.Errorf("got %d files, notes %v", len(files), notes)
	}
}

func TestMergeTwiceChangesNothing(t *testing.T) {
	files, _ := pfsense(t, small(t), export.Options{Merge: []byte("<aliases>\n\t" + foreign[0] + "\n</aliases>\n")})
	once := file(t, files, "aliases.xml")
	files, _ = pfsense(t, small(t), export.Options{Merge: once})
	if diff := cmp.Diff(string(once), string(file(t, files, "aliases.xml"))); diff != "" {
		t.Error(diff)
	}
}

func TestMergeDropsASecondAliasOfOurName(t *testing.T) {
	files, _ := pfsense(t, small(t), export.Options{Merge: []byte("<aliases>" + stale[0][0] + "<a/>" + stale[0][1] + "</aliases>")})
	if got := file(t, files, "aliases.xml"); bytes.Count(got, []byte("<name>tripline_bot_tcp443</name>")) != 1 || len(readConfig(t, got)) != 2 {
		t.Errorf("got %s", got)
	}
}

func TestMergeNotesAliasesOfEarlierExports(t *testing.T) {
	doc := "<aliases><alias><name>tripline_gone_tcp80</name></alias><alias><name>mine</name></alias></aliases>"
	_, notes := pfsense(t, small(t), export.Options{Merge: []byte(doc)})
	if len(notes) != 1 || !strings.Contains(notes[0].Why, "tripline_gone_tcp80") {
		t.Errorf("got %v, want one note on tripline_gone_tcp80", notes)
	}
	two := compile(t, &learn.Baseline{Agent: "bot"}, &learn.Baseline{Agent: "gone", Rules: []learn.Rule{
		{To: learn.To{Prefix: netip.MustParsePrefix("192.0.2.7/32")}, Ports: services(t, "tcp/80")},
	}})
	_, notes = pfsense(t, two, export.Options{Merge: []byte(doc), Agents: []string{"bot"}})
	if strings.Contains(fmt.Sprint(notes), "earlier export") {
		t.Errorf("got %v, want no note on an agent that is only not exported now", notes)
	}
}

func TestMergeRefusesWhatPfsenseCannotRead(t *testing.T) {
	format, err := export.Find("pfsense")
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"<aliases>\n<alias>\n</aliases>":               "line 3: element",
		"<aliases>\n<alias>":                           "line 2: unexpected EOF",
		"<aliases>\n&x;</aliases>":                     "line 2: invalid character entity",
		"<opnsense/>":                                  "line 1: <opnsense> is no configuration of pfSense",
		"<html>\n</html>":                              "line 1: <html> is no configuration",
		"<pfsense>\n<aliases/>\n<aliases/></pfsense>":  "line 3: a second <aliases>",
		"<aliases/>\n<aliases/>":                       "line 2: something after the end",
		"---- BEGIN config.xml ----\nU2FsdGVk":         "line 2: text outside the configuration",
		"<!DOCTYPE x [<!ENTITY a \"b\">]>\n<aliases/>": "a document type",
		"": "line 1: no XML",
		"<?xml version=\"1.0\" encoding=\"utf-16\"?><aliases/>":     "line 1: the file says it is in encoding \"utf-16\"; pfSense writes UTF-8",
		"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><aliases/>": "line 1: the file says it is in encoding \"ISO-8859-1\"; pfSense writes UTF-8",
		"\xff\xfe<\x00a\x00/\x00>\x00":                              "encoding \"UTF-16\"; pfSense writes UTF-8",
		"\xfe\xff\x00<\x00a\x00/\x00>":                              "encoding \"UTF-16\"; pfSense writes UTF-8",
		"<\x00a\x00l\x00":                                           "encoding \"UTF-16\"; pfSense writes UTF-8",
		"<aliases><b></a></aliases>":                                "line 1: element <b> closed by </a>",
		"<aliases><\x1b[2J></aliases>":                              "line 1: ",
		"<aliases><alias><name>\xff</name></alias></aliases>":       "line 1: invalid UTF-8",
		"<x:aliases xmlns:x=\"http://192.0.2.1/\"></x:aliases>":     "is no configuration of pfSense",
	} {
		_, _, err := format.Files(small(t), export.Options{Merge: []byte(in)})
		if err == nil || !strings.HasPrefix(err.Error(), "configuration to merge into: line ") || !strings.Contains(err.Error(), want) || learn.HintOf(err) == "" {
			t.Errorf("%q: got %v, want %q", in, err, want)
		}
	}
}

// TestReadmeTellsTheCommandThatMergesThisExport follows README.txt: what it says
// to run makes the same aliases.
func TestReadmeTellsTheCommandThatMergesThisExport(t *testing.T) {
	const base = "         tripline export --to pfsense --merge FILE -o DIR"
	for want, o := range map[string]export.Options{
		base + "\n": {},
		base + " --url http://192.0.2.5/a --prefix lab --agent bot\n": {URL: "http://192.0.2.5/a/", Prefix: "lab", Agents: []string{"bot"}},
	} {
		files, _ := pfsense(t, small(t), o)
		if got := string(file(t, files, "README.txt")); !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// FuzzMerge merges into any bytes: what is accepted comes back readable, ours
// once each, every foreign alias as it was and in its order.
func FuzzMerge(f *testing.F) {
	for _, s := range append(foreign, other...) {
		f.Add([]byte("<aliases>\n\t" + s + "\n</aliases>"))
		f.Add([]byte("<pfsense><aliases>" + s + stale[0][0] + stale[1][1] + "\r\n</aliases></pfsense>"))
	}
	f.Add([]byte("<aliases/>"))
	f.Add([]byte("<pfsense></pfsense>"))
	p := small(f)
	format, err := export.Find("pfsense")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		files, _, err := format.Files(p, export.Options{Merge: append([]byte{}, document...)})
		if err != nil {
			return
		}
		out := file(t, files, "aliases.xml")
		before, after := export.Elements(t, document), export.Elements(t, out)
		for _, name := range []string{"tripline_bot_tcp443", "tripline_bot_tcp443_p"} {
			if n := len(after[name]); n != 1 {
				t.Fatalf("%q: %d of %s in %q", document, n, name, out)
			}
			delete(before, name)
			delete(after, name)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Fatalf("%q: foreign aliases:\n%s", document, diff)
		}
		files, _, err = format.Files(p, export.Options{Merge: out})
		if err != nil || !slices.Equal(file(t, files, "aliases.xml"), out) {
			t.Fatalf("%q: merging into the result: %v\n%s", document, err, out)
		}
	})
}
