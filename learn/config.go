package learn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// A Config is what tripline.yaml says. The zero value is what holds without a
// file.
type Config struct {
	Agents   []Agent
	Zone     string // of time stamps that carry none, an IANA name
	Local    []netip.Prefix
	Inside   []string
	Outside  []string
	Firewall []netip.Addr
	Never    Never

	Quarantine Quarantine
	Tools      map[string][]string // that agents are declared to have

	Findings Finding // how what is found changes with time

	Ceiling   uint64   // IPv4 addresses that one rule may open; 0 is [DefaultCeilingV4]
	AllowWide []Choice // what may open more

	Service Daemon
	Alerts  []Sink     // where alerts go, by name
	Budgets *Budgeting // nil: none are asked for

	Kubernetes Kubernetes
	Vault      *Vault // nil: there is none
	Registries []Registry

	Serve     Serve
	Offenders Offending
	Agree     Agreeing
}

type configDoc struct {
	Agents map[string][]string `yaml:"agents"`
	Source struct {
		Zone     string   `yaml:"tz"`
		Local    []string `yaml:"local"`
		Inside   []string `yaml:"inside"`
		Outside  []string `yaml:"outside"`
		Firewall []string `yaml:"firewall"`
	} `yaml:"source"`
	Never      []string   `yaml:"never"`
	Findings   findingDoc `yaml:"findings"`
	Quarantine struct {
		Hours int `yaml:"hours"`
		Runs  int `yaml:"runs"`
	} `yaml:"quarantine"`
	Tools      map[string][]string    `yaml:"tools"`
	Ceiling    string                 `yaml:"ceiling"`
	AllowWide  []string               `yaml:"allow_wide"`
	Service    serviceDoc             `yaml:"service"`
	Alerts     map[string]sinkDoc     `yaml:"alerts"`
	Budgets    *budgetsDoc            `yaml:"budgets"`
	Vault      *vaultDoc              `yaml:"vault"`
	Registries map[string]registryDoc `yaml:"registries"`

	Kubernetes *kubernetesDoc `yaml:"kubernetes"`

	Serve     serveDoc     `yaml:"serve"`
	Offenders offendingDoc `yaml:"offenders"`
	Agree     agreeingDoc  `yaml:"agree"`
}

// DecodeConfig reads a configuration strictly: an unknown key or a wrong value
// is an error with its line. file is what errors call the text.
func DecodeConfig(file string, text []byte) (Config, error) {
	var doc configDoc
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, fmt.Errorf("read %s: %w", file, plainly(err))
	}
	var node, second yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		return Config{}, fmt.Errorf("read %s: %w", file, plainly(err))
	}
	if err := dec.Decode(&second); err == nil {
		return Config{}, fmt.Errorf("read %s: %w", file, at(&second).errorf("a second document; a configuration is one"))
	} else if !errors.Is(err, io.EOF) {
		return Config{}, fmt.Errorf("read %s: %w", file, plainly(err))
	}
	c, err := doc.config(&node)
	if err == nil {
		err = doc.alerts(file, &c, &node)
	}
	if err != nil {
		return Config{}, fmt.Errorf("read %s: %w", file, err)
	}
	return c, nil
}

func (d *configDoc) config(node *yaml.Node) (Config, error) {
	c := Config{Zone: d.Source.Zone, Inside: d.Source.Inside, Outside: d.Source.Outside}
	if q := d.Quarantine; q.Hours < 0 || q.Runs < 0 {
		return c, at(node, "quarantine").errorf("want hours and runs of 0 or more")
	}
	c.Quarantine = Quarantine(d.Quarantine)
	if err := d.findings(&c, node); err != nil {
		return c, err
	}
	if err := errors.Join(d.tools(&c, node), d.ceiling(&c, node), d.service(&c, node), d.Kubernetes.config(&c, node), d.witnesses(&c, node), d.firewall(&c, node)); err != nil {
		return c, err
	}
	for name, selectors := range d.Agents {
		a, err := ParseAgent(name + "=" + strings.Join(selectors, ","))
		if err != nil {
			return c, at(node, "agents", name).wrap(err)
		}
		c.Agents = append(c.Agents, a)
	}
	slices.SortFunc(c.Agents, func(a, b Agent) int { return strings.Compare(a.Name, b.Name) })
	for i, text := range d.Source.Local {
		s, err := ParseSelector(text)
		if err != nil || !s.Prefix.IsValid() {
			return c, at(node, "source", "local", i).errorf("invalid prefix %q", text)
		}
		c.Local = append(c.Local, s.Prefix)
	}
	for i, text := range d.Source.Firewall {
		s, err := ParseSelector(text)
		if err != nil || !s.Prefix.IsValid() || !s.Prefix.IsSingleIP() {
			return c, at(node, "source", "firewall", i).errorf("invalid address %q", text)
		}
		c.Firewall = append(c.Firewall, s.Prefix.Addr())
	}
	return c, d.never(&c, node)
}

func (d *configDoc) never(c *Config, node *yaml.Node) error {
	var prefixes []netip.Prefix
	var names []string
	for i, text := range d.Never {
		t, err := ParseTo(text)
		switch {
		case err != nil:
			return at(node, "never", i).wrap(err)
		case t.Prefix.IsValid():
			prefixes = append(prefixes, t.Prefix)
		case t.Name != "":
			names = append(names, t.Name)
		default:
			return at(node, "never", i).errorf("%q: want an address, a prefix or a name", text)
		}
	}
	c.Never = NewNever(prefixes, names)
	return nil
}
