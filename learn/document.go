package learn

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"tripline/ipranges"
)

// Version is the first line of every document. Documents of this version will
// stay readable.
const Version = "baseline/1"

// The shapes of a baseline on disk. The order of the fields is the order of the
// text, and the text is what a digest is taken of.
type baselineDoc struct {
	Tripline string            `yaml:"tripline"`
	Agent    string            `yaml:"agent"`
	Parent   string            `yaml:"parent,omitempty"`
	Approved *approvalDoc      `yaml:"approved,omitempty"`
	Ranges   map[string]string `yaml:"ranges,omitempty"`
	Rules    []ruleDoc         `yaml:"rules"`
	Expired  []expiredDoc      `yaml:"expired,omitempty"`
}

type expiredDoc struct {
	To    toDoc    `yaml:"to,flow"`
	Ports []string `yaml:"ports,flow"`
	Addrs []string `yaml:"addresses,flow,omitempty"`
	Last  string   `yaml:"last,omitempty"`
}

type approvalDoc struct {
	By     quoted    `yaml:"by"`
	At     time.Time `yaml:"at"`
	Reason quoted    `yaml:"reason"`
	Shown  string    `yaml:"shown"`
}

type ruleDoc struct {
	To      toDoc    `yaml:"to,flow"`
	Ports   []string `yaml:"ports,flow"`
	Seen    seenDoc  `yaml:"seen,flow,omitempty"`
	Addrs   []string `yaml:"addresses,flow,omitempty"`
	Admits  uint64   `yaml:"admits"`
	Admits6 uint64   `yaml:"admits64,omitempty"`
	From    string   `yaml:"from"`
}

type toDoc struct {
	Name   string   `yaml:"name,omitempty"`
	Within []string `yaml:"within,omitempty,flow"`
	Label  string   `yaml:"label,omitempty"`
	ASN    uint32   `yaml:"asn,omitempty"`
	Prefix string   `yaml:"prefix,omitempty"`
}

type seenDoc struct {
	Destinations int    `yaml:"destinations"`
	Blocks       int    `yaml:"blocks"`
	Runs         int    `yaml:"runs"`
	First        string `yaml:"first,omitempty"`
	Last         string `yaml:"last,omitempty"`
	Names        int    `yaml:"names,omitempty"`
	New          string `yaml:"new,omitempty"`
}

// IsZero lets the encoder leave out evidence that is not there.
func (s seenDoc) IsZero() bool { return s == seenDoc{} }

// Encode returns the canonical text of baselines, one YAML document each.
func Encode(baselines []*Baseline) ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	for _, base := range baselines {
		if err := enc.Encode(toDocument(base)); err != nil {
			return nil, fmt.Errorf("write baseline of %s: %w", base.Agent, err)
		}
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("write baselines: %w", err)
	}
	return b.Bytes(), nil
}

// Digest returns the hex SHA-256 of a canonical text.
func Digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func toDocument(b *Baseline) baselineDoc {
	d := baselineDoc{Tripline: Version, Agent: b.Agent, Parent: b.Parent, Ranges: b.Ranges, Rules: []ruleDoc{}}
	if a := b.Approved; a != nil {
		d.Approved = &approvalDoc{By: quoted(a.By), At: a.At.UTC().Truncate(time.Second), Reason: quoted(a.Reason), Shown: a.Shown}
	}
	for i := range b.Rules {
		d.Rules = append(d.Rules, toRule(&b.Rules[i]))
	}
	for i := range b.Expired {
		r := toRule(&b.Expired[i].Rule)
		d.Expired = append(d.Expired, expiredDoc{r.To, r.Ports, r.Addrs, day(b.Expired[i].Last)})
	}
	return d
}

func toRule(r *Rule) ruleDoc {
	d := ruleDoc{Admits: r.Admits.V4, Admits6: r.Admits.V6, From: r.From}
	d.To = toDoc{Name: r.To.Name, ASN: r.To.ASN}
	for _, l := range r.To.Within {
		d.To.Within = append(d.To.Within, l.String())
	}
	if r.To.Label != (ipranges.Label{}) {
		d.To.Label = r.To.Label.String()
	}
	if r.To.Prefix.IsValid() {
		d.To.Prefix = r.To.Prefix.String()
	}
	for _, p := range r.Ports {
		d.Ports = append(d.Ports, p.String())
	}
	for _, a := range r.Addrs {
		d.Addrs = append(d.Addrs, a.String())
	}
	d.Seen = seenDoc{Destinations: r.Seen.Destinations, Blocks: r.Seen.Blocks, Runs: r.Seen.Runs, First: day(r.Seen.First), Last: day(r.Seen.Last), Names: r.Seen.Names, New: day(r.Seen.New)}
	return d
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// Decode reads baselines strictly: an unknown key, a wrong value or a rule that
// admits nothing is an error with its line. file is what errors call the text.
func Decode(file string, text []byte) ([]*Baseline, error) {
	strict, tree := yaml.NewDecoder(bytes.NewReader(text)), yaml.NewDecoder(bytes.NewReader(text))
	strict.KnownFields(true)
	var out []*Baseline
	for {
		var doc baselineDoc
		err := strict.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, plainly(err))
		}
		var node yaml.Node
		if err := tree.Decode(&node); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, plainly(err))
		}
		b, err := fromDocument(&doc, &node)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		out = append(out, b)
	}
	return out, distinct(file, out)
}

func distinct(file string, list []*Baseline) error {
	if len(list) == 0 {
		return fmt.Errorf("read %s: it holds no baseline, want a document that starts with \"tripline: %s\"", file, Version)
	}
	seen := map[string]bool{}
	for _, b := range list {
		if seen[b.Agent] {
			return fmt.Errorf("read %s: agent %s appears twice", file, Printable(b.Agent))
		}
		seen[b.Agent] = true
	}
	return nil
}

func fromDocument(d *baselineDoc, node *yaml.Node) (*Baseline, error) {
	if d.Tripline != Version {
		return nil, at(node, "tripline").errorf("this is %q, want %s", d.Tripline, Version)
	}
	if err := checkName(d.Agent); err != nil {
		return nil, at(node, "agent").wrap(err)
	}
	if err := d.words(node); err != nil {
		return nil, err
	}
	b := &Baseline{Agent: d.Agent, Parent: d.Parent, Ranges: d.Ranges}
	if a := d.Approved; a != nil {
		b.Approved = &Approval{By: string(a.By), At: a.At, Reason: string(a.Reason), Shown: a.Shown}
	}
	for i := range d.Rules {
		if name := d.Rules[i].To.Name; name != "" && d.Approved == nil {
			// What was approved stays readable when the list of suffixes grows.
			if err := CheckName(name); err != nil {
				return nil, at(node, "rules", i, "to", "name").wrap(err)
			}
		}
		r, err := fromRule(&d.Rules[i], node, "rules", i)
		if err != nil {
			return nil, err
		}
		b.Rules = append(b.Rules, r)
	}
	if i := repeated(b.Rules); i >= 0 {
		return nil, at(node, "rules", i, "to").errorf("a second rule for %s; write its ports in one rule", b.Rules[i].To)
	}
	for i := range d.Expired {
		e, err := fromExpired(&d.Expired[i], node, i)
		if err != nil {
			return nil, err
		}
		b.Expired = append(b.Expired, e)
	}
	return b, nil
}

func fromExpired(d *expiredDoc, node *yaml.Node, i int) (Expired, error) {
	r, err := fromRule(&ruleDoc{To: d.To, Ports: d.Ports, Addrs: d.Addrs}, node, "expired", i)
	if err != nil {
		return Expired{}, err
	}
	last, err := parseDay(d.Last)
	if err != nil {
		return Expired{}, at(node, "expired", i, "last").wrap(err)
	}
	return Expired{Rule: r, Last: last}, nil
}

// repeated returns the first rule that is for the same destination as one
// before it, or -1. [Diff] compares rules by their destination.
func repeated(rules []Rule) int {
	seen := map[string]bool{}
	for i := range rules {
		to := rules[i].To.String()
		if seen[to] {
			return i
		}
		seen[to] = true
	}
	return -1
}

// words holds digests and the names of range data to one plain word each.
func (d *baselineDoc) words(node *yaml.Node) error {
	if !plainWord(d.Parent) {
		return at(node, "parent").errorf("invalid digest %q", d.Parent)
	}
	if d.Approved != nil && !plainWord(d.Approved.Shown) {
		return at(node, "approved", "shown").errorf("invalid digest %q", d.Approved.Shown)
	}
	for name, digest := range d.Ranges {
		if name == "" || !plainWord(name) || !plainWord(digest) {
			return at(node, "ranges", name).errorf("invalid entry %q: %q", name, digest)
		}
	}
	return nil
}

func plainWord(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._:-", r))
	})
}

func fromRule(d *ruleDoc, node *yaml.Node, list string, i int) (Rule, error) {
	r := Rule{From: d.From, Admits: ipranges.Exposure{V4: d.Admits, V6: d.Admits6}}
	var err error
	if r.To, err = fromTo(&d.To); err != nil {
		return r, at(node, list, i, "to").wrap(err)
	}
	for _, text := range d.Ports {
		s, err := ParseService(text)
		if err != nil {
			return r, at(node, list, i, "ports").wrap(err)
		}
		r.Ports = append(r.Ports, s)
	}
	if len(r.Ports) == 0 {
		return r, at(node, list, i).errorf("the rule for %s has no ports, want for example ports: [tcp/443]", r.To)
	}
	slices.SortFunc(r.Ports, Service.Compare)
	r.Ports = slices.Compact(r.Ports)
	for _, text := range d.Addrs {
		t, err := ParseTo(text)
		if err != nil || !t.Prefix.IsValid() || !t.Prefix.IsSingleIP() {
			return r, at(node, list, i, "addresses").errorf("invalid address %q", text)
		}
		r.Addrs = append(r.Addrs, t.Prefix.Addr())
	}
	if !slices.Contains([]string{"", Learned, Allowed, Edited, Merged}, r.From) {
		return r, at(node, list, i, "from").errorf("unknown origin %q, want %s, %s, %s or %s", r.From, Learned, Allowed, Edited, Merged)
	}
	r.Seen, err = fromSeen(d.Seen)
	if err != nil {
		return r, at(node, list, i, "seen").wrap(err)
	}
	return r, nil
}

func fromSeen(d seenDoc) (Seen, error) {
	s := Seen{Destinations: d.Destinations, Blocks: d.Blocks, Runs: d.Runs, Names: d.Names}
	var err error
	if s.First, err = parseDay(d.First); err != nil {
		return s, err
	}
	if s.Last, err = parseDay(d.Last); err != nil {
		return s, err
	}
	s.New, err = parseDay(d.New)
	return s, err
}

func parseDay(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return t, fmt.Errorf("invalid day %q, want YYYY-MM-DD", text)
	}
	return t, nil
}

func fromTo(d *toDoc) (To, error) {
	given := 0
	for _, set := range []bool{d.Name != "", d.Label != "", d.ASN != 0, d.Prefix != ""} {
		if set {
			given++
		}
	}
	if given != 1 {
		return To{}, errors.New("want exactly one of name, label, asn and prefix")
	}
	switch {
	case d.Name != "":
		return fromName(d)
	case d.Label != "":
		l, err := ipranges.ParseLabel(d.Label)
		return To{Label: l}, err
	case d.ASN != 0:
		return To{ASN: d.ASN}, nil
	}
	t, err := ParseTo(d.Prefix)
	if err != nil || !t.Prefix.IsValid() {
		return To{}, fmt.Errorf("invalid prefix %q, want for example 203.0.113.0/24 or 203.0.113.7", d.Prefix)
	}
	return t, nil
}

func fromName(d *toDoc) (To, error) {
	bare, _ := Below(d.Name)
	if !hostName(bare) {
		return To{}, fmt.Errorf("invalid name %q", d.Name)
	}
	t := To{Name: strings.ToLower(strings.TrimSuffix(d.Name, "."))}
	for _, text := range d.Within {
		l, err := ipranges.ParseLabel(text)
		if err != nil {
			return To{}, err
		}
		t.Within = append(t.Within, l)
	}
	return t, nil
}
