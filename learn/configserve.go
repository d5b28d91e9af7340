package learn

import (
	"fmt"
	"net/netip"
	"time"

	"gopkg.in/yaml.v3"
)

// A Serve is how a firewall fetches the alias files.
type Serve struct {
	Listen    string // address and port; "" is not at all
	TokenFile string // what holds the secret part of the path
	Cert, Key string // files, for https
	MaxShrink int    // percent of a table that may go at once without a person
}

type serveDoc struct {
	Listen    string `yaml:"listen"`
	TokenFile string `yaml:"token_file"`
	Cert      string `yaml:"tls_cert"`
	Key       string `yaml:"tls_key"`
	MaxShrink int    `yaml:"max_shrink"`
}

// An Offending is which destinations of findings go into a table to be blocked.
type Offending struct {
	On     bool
	Expire time.Duration  // after the last flow; 0 is a day
	Most   int            // of one agent; 0 is 1000
	Shared bool           // also addresses in published sets
	Never  []netip.Prefix // what is never blocked, whatever an agent does
}

type offendingDoc struct {
	On     bool     `yaml:"on"`
	Expire string   `yaml:"expire"`
	Most   int      `yaml:"most"`
	Shared bool     `yaml:"shared"`
	Never  []string `yaml:"never_block"`
}

// An Agreeing is how the firewall's tables are compared with what agents used.
type Agreeing struct {
	Command []string // with {table} for the name of the alias; empty is not at all
	Every   time.Duration
}

type agreeingDoc struct {
	Command []string `yaml:"command"`
	Every   string   `yaml:"every"`
}

func (d *configDoc) firewall(c *Config, node *yaml.Node) error {
	s := d.Serve
	if s.Listen != "" {
		if err := CheckListen(s.Listen); err != nil {
			return at(node, "serve", "listen").wrap(err)
		}
	}
	if (s.Cert == "") != (s.Key == "") {
		return at(node, "serve").errorf("want both tls_cert and tls_key, or neither")
	}
	if s.MaxShrink < 0 || s.MaxShrink > 100 {
		return at(node, "serve", "max_shrink").errorf("%d: want a share in percent, 1 to 100", s.MaxShrink)
	}
	c.Serve = Serve(s)
	if err := d.offending(c, node); err != nil {
		return err
	}
	c.Agree.Command = d.Agree.Command
	every, err := durationOf(d.Agree.Every, time.Hour, time.Minute)
	if err != nil {
		return at(node, "agree", "every").wrap(err)
	}
	c.Agree.Every = every
	return nil
}

func (d *configDoc) offending(c *Config, node *yaml.Node) error {
	o := d.Offenders
	expire, err := durationOf(o.Expire, 24*time.Hour, time.Minute)
	if err != nil {
		return at(node, "offenders", "expire").wrap(err)
	}
	if o.Most < 0 {
		return at(node, "offenders", "most").errorf("%d: want how many addresses, 1 or more", o.Most)
	}
	c.Offenders = Offending{On: o.On, Expire: expire, Most: o.Most, Shared: o.Shared}
	for i, text := range o.Never {
		s, err := ParseSelector(text)
		if err != nil || !s.Prefix.IsValid() {
			return at(node, "offenders", "never_block", i).errorf("%q: want an address or a prefix", Printable(text))
		}
		c.Offenders.Never = append(c.Offenders.Never, s.Prefix)
	}
	return nil
}

// durationOf reads a time such as 90m or 24h.
func durationOf(text string, otherwise, least time.Duration) (time.Duration, error) {
	if text == "" {
		return otherwise, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < least {
		return 0, fmt.Errorf("%q: want a time of %s or more, such as 90m or 24h", Printable(text), least)
	}
	return d, nil
}
