package source_test

import (
	"slices"
	"strings"
	"testing"

	"tripline/learn"
	"tripline/learn/source"
)

func TestSourcesAreSortedAndComplete(t *testing.T) {
	var names []string
	for _, s := range source.All {
		names = append(names, s.Name)
		if s.Short == "" || strings.HasSuffix(s.Short, ".") || len(s.Short) > 60 || (s.Lines == nil) == (s.Open == nil) || s.Lines != nil && s.Sniff == nil {
			t.Errorf("%s: want a short help without full stop, and a parser with a sniffer or a way to open it", s.Name)
		}
		if got, err := source.Find(s.Name); err != nil || got.Name != s.Name {
			t.Errorf("Find(%q): got %q, %v", s.Name, got.Name, err)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("got %v, want them sorted", names)
	}
}

func TestFindHintsAtTheNearestName(t *testing.T) {
	for name, hint := range map[string]string{
		"filtrlog": `did you mean "filterlog"? "tripline sources" lists the sources`,
		"nothing":  `"tripline sources" lists the sources`,
		"":         `"tripline sources" lists the sources`,
	} {
		_, err := source.Find(name)
		if err == nil || learn.HintOf(err) != hint {
			t.Errorf("Find(%q): got %v with hint %q, want hint %q", name, err, learn.HintOf(err), hint)
		}
	}
}

func TestSniffRefusesWhatIsNoLog(t *testing.T) {
	s, err := source.Find("filterlog")
	if err != nil {
		t.Fatal(err)
	}
	for head, want := range map[string]string{
		"":                                    "",
		"Mar 28 12:00:00 fw filterlog[1]: 5":  "",
		"<134>Mar 28 12:00:00 filterlog: 5":   "",
		"5,,,1,em1":                           "",
		"\xef\xbb\xbf2026-03-28T12:00:00\t":   "",
		"anything else, counted line by line": "",
		"\x1f\x8b\x08":                        "gzip",
		"  <!DOCTYPE html>":                   "HTML",
		"<HTML>":                              "HTML",
		"<?xml version":                       "XML",
		"BZh91AY":                             "bzip2",
		"\xd4\xc3\xb2\xa1\x02":                "capture",
		"PAR1\x15\x04":                        "Parquet",
		"\n\r\r\n\x1c":                        "capture",
		"\xff\xfeM\x00a\x00":                  "UTF-16",
		"Mar 28 12:00:00 fw filterlog: 5\x00": "binary",
	} {
		err := s.Sniff([]byte(head))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", head, err, want)
		}
		if err != nil && learn.HintOf(err) == "" {
			t.Errorf("%q: %v has no hint", head, err)
		}
	}
}
