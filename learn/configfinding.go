package learn

import (
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// A Finding is how what was found changes its status with time. The zero value is
// the defaults.
type Finding struct {
	Active     time.Duration // seen again after that long
	Persistent time.Duration // still seen after that long
	Resolved   time.Duration // not seen for that long
	Keep       time.Duration // how long it is kept since it was last seen
}

// findingDoc is a Finding in a configuration.
type findingDoc struct {
	Active     string `yaml:"active_after"`
	Persistent string `yaml:"persistent_after"`
	Resolved   string `yaml:"resolved_after"`
	Keep       string `yaml:"keep"`
}

func (d *configDoc) findings(c *Config, node *yaml.Node) error {
	for _, set := range []struct {
		key, text string
		to        *time.Duration
	}{
		{"active_after", d.Findings.Active, &c.Findings.Active},
		{"persistent_after", d.Findings.Persistent, &c.Findings.Persistent},
		{"resolved_after", d.Findings.Resolved, &c.Findings.Resolved},
		{"keep", d.Findings.Keep, &c.Findings.Keep},
	} {
		if set.text == "" {
			continue
		}
		v, ok := spanOf(set.text)
		if !ok {
			return at(node, "findings", set.key).errorf("findings: %s: %q: want a time such as 90s, 1h or 30d", set.key, Printable(set.text))
		}
		*set.to = v
	}
	return nil
}

// spanOf reads a time of days or what Go calls a duration, more than none and no
// longer than a hundred years.
func spanOf(text string) (time.Duration, bool) {
	const most = 36500 * 24 * time.Hour
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err == nil && n > 0 && n <= 36500
	}
	v, err := time.ParseDuration(text)
	return v, err == nil && v > 0 && v <= most
}
