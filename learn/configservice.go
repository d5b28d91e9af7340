package learn

import (
	"fmt"
	"net/netip"
	"strings"

	"gopkg.in/yaml.v3"
)

// A Daemon is how a tripline that follows a log runs for years.
type Daemon struct {
	Metrics string // address and port of /metrics, /healthz and /readyz; "" is none
	PIDFile string
	Log     string // of its own: text or json of slog; "" is words for a person
}

// serviceDoc is a Daemon in a configuration.
type serviceDoc struct {
	Metrics string `yaml:"metrics"`
	PIDFile string `yaml:"pidfile"`
	Log     string `yaml:"log"`
}

func (d *configDoc) service(c *Config, node *yaml.Node) error {
	s := d.Service
	if s.Metrics != "" {
		if err := CheckListen(s.Metrics); err != nil {
			return at(node, "service", "metrics").wrap(err)
		}
	}
	if s.Log != "" && s.Log != "text" && s.Log != "json" {
		return at(node, "service", "log").errorf("%q: want text or json", s.Log)
	}
	c.Service = Daemon(s)
	return nil
}

// CheckListen says whether text is an address and a port to listen at, such as
// 127.0.0.1:9470 or [::1]:9470.
func CheckListen(text string) error {
	if _, err := netip.ParseAddrPort(strings.Replace(text, "localhost:", "127.0.0.1:", 1)); err != nil {
		return WithHint(fmt.Errorf("%q: want an address and a port", Printable(text)), "for example 127.0.0.1:9470; 0.0.0.0:9470 is every address of this machine")
	}
	return nil
}
