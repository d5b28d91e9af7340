package learn

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// A Sink is one place that alerts go to, as the configuration has it. What only
// one kind of sink takes is in Settings; package enforce/alert knows the kinds.
type Sink struct {
	Name     string // what the configuration calls it: "phone"
	To       string // its kind: "telegram"
	Min      string // the least severity, "" for all
	Kinds    []string
	Agents   []string
	Statuses []string
	After    Threshold
	Quiet    Quiet
	Rate     Rate
	Window   time.Duration // how long what comes after a message is collected; negative: as the kind has it
	Timeout  time.Duration // of one try; 0: as the kind has it
	Trouble  time.Duration // how long it may fail before the others are told; 0: a default
	Queue    int           // alerts that may wait; 0: a default
	Batch    int           // alerts in one message; 0: as the kind has it
	Settings map[string]string

	file  string
	lines map[string]int
}

// A Threshold lets through what comes Count times Within. The zero value lets
// all through.
type Threshold struct {
	Count  int
	Within time.Duration
}

// Quiet are hours in which a sink is left alone, From and To in minutes of the
// day. The zero value is none.
type Quiet struct {
	From, To int
	Zone     string // an IANA name; "" is that of the machine
}

// A Rate is at most Count in any stretch of Per. The zero value is no limit.
type Rate struct {
	Count int
	Per   time.Duration
}

// Wrong puts the place of a setting in front of what is wrong with it.
func (s *Sink) Wrong(key string, err error) error {
	switch {
	case err == nil:
		return nil
	case s.file == "":
		return fmt.Errorf("alerts: %s: %w", s.where(key), err)
	}
	return fmt.Errorf("read %s: line %d: alerts: %s: %w", s.file, s.line(key), s.where(key), err)
}

func (s *Sink) where(key string) string {
	if key == "" {
		return s.Name
	}
	return s.Name + ": " + Printable(key)
}

// A sinkDoc is a sink as it is written. What is not here is its kind's.
type sinkDoc struct {
	To       string   `yaml:"to"`
	Min      string   `yaml:"min"`
	Kinds    []string `yaml:"kinds"`
	Agents   []string `yaml:"agents"`
	Statuses []string `yaml:"statuses"`
	After    struct {
		Count  int    `yaml:"count"`
		Within string `yaml:"within"`
	} `yaml:"after"`
	Quiet struct {
		From string `yaml:"from"`
		To   string `yaml:"to"`
		Zone string `yaml:"tz"`
	} `yaml:"quiet"`
	Rate    string               `yaml:"rate"`
	Window  string               `yaml:"window"`
	Timeout string               `yaml:"timeout"`
	Trouble string               `yaml:"trouble"`
	Queue   int                  `yaml:"queue"`
	Batch   int                  `yaml:"batch"`
	Rest    map[string]yaml.Node `yaml:",inline"`
}

var sinkName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)

// alerts reads where alerts go.
func (d *configDoc) alerts(file string, c *Config, node *yaml.Node) error {
	for name, doc := range d.Alerts {
		where := at(node, "alerts")
		if !sinkName.MatchString(name) {
			return where.errorf("alerts: %q: want a name of letters, digits, '-' and '_'", Printable(name))
		}
		s, err := doc.sink(at(node, "alerts", name).node)
		s.Name, s.file = name, file
		if key, ok := errors.AsType[*settingError](err); ok {
			return place{&yaml.Node{Line: s.line(key.key)}}.errorf("alerts: %s: %s: %w", name, key.key, key.err)
		}
		c.Alerts = append(c.Alerts, s)
	}
	slices.SortFunc(c.Alerts, func(a, b Sink) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func (s *Sink) line(key string) int {
	if line := s.lines[key]; line != 0 {
		return line
	}
	return s.lines[""]
}

// A settingError is what is wrong with one key of a sink.
type settingError struct {
	key string
	err error
}

// Error returns the text of both.
func (e *settingError) Error() string { return e.key + ": " + e.err.Error() }

func (e *settingError) Unwrap() error { return e.err }

func (d *sinkDoc) sink(node *yaml.Node) (Sink, error) {
	s := Sink{
		To: d.To, Min: d.Min, Kinds: d.Kinds, Agents: d.Agents, Statuses: d.Statuses, Queue: d.Queue, Batch: d.Batch,
		Settings: map[string]string{}, Window: -1, lines: map[string]int{"": node.Line},
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		s.lines[node.Content[i].Value] = node.Content[i].Line
	}
	for key, value := range d.Rest {
		if value.Kind != yaml.ScalarNode {
			return s, &settingError{key, errors.New("want one value")}
		}
		s.Settings[key] = value.Value
	}
	switch {
	case d.Queue < 0 || d.Queue > 1_000_000:
		return s, &settingError{"queue", errors.New("want 1 to 1000000 alerts")}
	case d.Batch < 0 || d.Batch > 10_000:
		return s, &settingError{"batch", errors.New("want 1 to 10000 alerts")}
	}
	return s, d.times(&s)
}

// times reads what is a time, or a number in some time.
func (d *sinkDoc) times(s *Sink) error {
	for _, t := range []struct {
		key, text string
		to        *time.Duration
		least     time.Duration
	}{{"window", d.Window, &s.Window, 0}, {"timeout", d.Timeout, &s.Timeout, time.Millisecond}, {"trouble", d.Trouble, &s.Trouble, time.Second}} {
		if t.text == "" {
			continue
		}
		v, err := time.ParseDuration(t.text)
		if err != nil || v < t.least {
			return &settingError{t.key, fmt.Errorf("%q: want a time of at least %s, such as 30s or 5m", Printable(t.text), t.least)}
		}
		*t.to = v
	}
	return errors.Join(d.after(s), d.quiet(s), d.rate(s))
}

func (d *sinkDoc) after(s *Sink) error {
	if d.After.Count == 0 && d.After.Within == "" {
		return nil
	}
	within, err := time.ParseDuration(d.After.Within)
	if err != nil || within <= 0 || d.After.Count < 2 || d.After.Count > 1000 {
		return &settingError{"after", errors.New("want a count of 2 to 1000 and a time, such as {count: 3, within: 5m}")}
	}
	s.After = Threshold{d.After.Count, within}
	return nil
}

func (d *sinkDoc) quiet(s *Sink) error {
	if d.Quiet.From == "" && d.Quiet.To == "" && d.Quiet.Zone == "" {
		return nil
	}
	from, errFrom := time.Parse("15:04", d.Quiet.From)
	to, errTo := time.Parse("15:04", d.Quiet.To)
	if errFrom != nil || errTo != nil || from.Equal(to) {
		return &settingError{"quiet", errors.New(`want two times of the day, such as {from: "22:00", to: "07:00", tz: Europe/Berlin}`)}
	}
	s.Quiet = Quiet{from.Hour()*60 + from.Minute(), to.Hour()*60 + to.Minute(), d.Quiet.Zone}
	return nil
}

func (d *sinkDoc) rate(s *Sink) error {
	if d.Rate == "" {
		return nil
	}
	count, per, _ := strings.Cut(d.Rate, "/")
	n, errCount := strconv.Atoi(count)
	if per != "" && (per[0] < '0' || per[0] > '9') {
		per = "1" + per
	}
	t, errPer := time.ParseDuration(per)
	if errCount != nil || errPer != nil || n < 1 || n > 10_000 || t <= 0 {
		return &settingError{"rate", fmt.Errorf("%q: want messages and a time, such as 20/m or 100/1h", Printable(d.Rate))}
	}
	s.Rate = Rate{n, t}
	return nil
}
