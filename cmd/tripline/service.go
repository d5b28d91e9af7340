package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tripline/learn"
)

// serviceFlags are those of a tripline that follows a log for years.
func (o *enforceOptions) serviceFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.service.Metrics, "metrics", "", "`ADDRESS:PORT` to serve /metrics, /healthz and /readyz at while following, such as 127.0.0.1:9470")
	f.StringVar(&o.service.PIDFile, "pidfile", "", "keep the process number in `FILE` while following")
	f.StringVar(&o.service.Log, "log-format", "", "`FORMAT` of what is said on standard error while following: text or json, one record a line with time and level (default words for a person)")
}

// serve checks the flags of a service and takes what they leave open from the
// configuration.
func (o *enforceOptions) serve(a *app) error {
	if o.service != (learn.Daemon{}) && !o.follow {
		return learn.WithHint(errors.New("--metrics, --pidfile and --log-format are for a log that is followed"), "add --follow")
	}
	if o.service.Metrics != "" {
		if err := learn.CheckListen(o.service.Metrics); err != nil {
			return fmt.Errorf("--metrics: %w", err)
		}
	}
	if l := o.service.Log; l != "" && l != "text" && l != "json" {
		return fmt.Errorf("--log-format %q: want text or json", learn.Printable(l))
	}
	c := a.config.Service
	o.service = learn.Daemon{
		Metrics: cmp.Or(o.service.Metrics, c.Metrics), PIDFile: cmp.Or(o.service.PIDFile, c.PIDFile), Log: cmp.Or(o.service.Log, c.Log),
	}
	if o.follow && o.service.Log != "" {
		a.logTo(o.service.Log)
	}
	return nil
}
