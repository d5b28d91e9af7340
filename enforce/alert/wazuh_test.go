package alert_test

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tripline/enforce"
)

// A wazuhRule is a rule of docs/wazuh as Wazuh reads it.
type wazuhRule struct {
	ID     string `xml:"id,attr"`
	Level  int    `xml:"level,attr"`
	If     string `xml:"if_sid"`
	After  string `xml:"if_matched_sid"`
	Fields []struct {
		Name  string `xml:"name,attr"`
		Value string `xml:",chardata"`
	} `xml:"field"`
	Description string `xml:"description"`
}

// matched returns the last rule on the way down the tree. Of siblings those of
// level 0 are looked at first, then the highest.
func matched(rules []wazuhRule, from string, line map[string]string) string {
	var children []wazuhRule
	for _, r := range rules {
		if r.After == "" && slices.Contains(strings.Split(r.If, ","), from) || from == "" && r.If == "" && r.After == "" {
			children = append(children, r)
		}
	}
	order := func(r wazuhRule) int {
		if r.Level == 0 {
			return 100
		}
		return r.Level
	}
	slices.SortStableFunc(children, func(a, b wazuhRule) int { return order(b) - order(a) })
	for _, r := range children {
		ok := true
		for _, f := range r.Fields {
			ok = ok && regexp.MustCompile(f.Value).MatchString(line[f.Name])
		}
		if ok {
			if deeper := matched(rules, r.ID, line); deeper != "" {
				return deeper
			}
			return r.ID
		}
	}
	return ""
}

func TestWazuhRules(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "wazuh", "tripline_rules.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var group struct {
		Rules []wazuhRule `xml:"rule"`
	}
	if err := xml.Unmarshal(text, &group); err != nil {
		t.Fatal(err)
	}
	resolved := spiteful()
	resolved.Status = enforce.StatusResolved
	for want, a := range map[string]*enforce.Alert{
		"110801": enforce.Finding("test", enforce.Info, time.Unix(1, 0), "bot", "x", "y"),
		"110802": enforce.Finding("unnamed", enforce.Medium, time.Unix(1, 0), "bot", "x", "y"),
		"110803": spiteful(),
		"110804": enforce.Finding("other", enforce.Critical, time.Unix(1, 0), "bot", "x", "y"),
		"110810": enforce.Finding(enforce.VolumeBudget, enforce.High, time.Unix(1, 0), "bot", "x", "y"),
		"110850": resolved,
		"110890": enforce.Finding(enforce.SensorSilent, enforce.Medium, time.Unix(1, 0), "", "x", "y"),
		"110891": enforce.Finding("sink_failed", enforce.High, time.Unix(1, 0), "", "x", "y"),
	} {
		line := map[string]string{}
		for key, v := range object(t, "wazuh", a)["tripline"].(map[string]any) {
			line["tripline."+key] = fmt.Sprint(v)
		}
		if got := matched(group.Rules, "", line); got != want {
			t.Errorf("%s, %s: got rule %s, want %s", a.Kind, a.Severity, got, want)
		}
	}
	for _, r := range group.Rules {
		for _, name := range regexp.MustCompile(`\$\((.*?)\)`).FindAllStringSubmatch(r.Description, -1) {
			key, own := strings.CutPrefix(name[1], "tripline.")
			got := object(t, "wazuh", spiteful())
			if own {
				got = got["tripline"].(map[string]any)
			}
			if got[key] == nil {
				t.Errorf("rule %s shows %s, which a line does not have", r.ID, name[1])
			}
		}
	}
}
