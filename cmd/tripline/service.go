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
}

// serve checks the flags of a service and takes what they leave open from the
// configuration.
func (o *enforceOptions) serve(a *app) error {
	if o.service != (learn.Daemon{}) && !o.follow {
		return learn.WithHint(errors.New("--metrics is for a log that is followed"), "add --follow")
	}
	if o.service.Metrics != "" {
		if err := learn.CheckListen(o.service.Metrics); err != nil {
			return fmt.Errorf("--metrics: %w", err)
		}
	}
	o.service.Metrics = cmp.Or(o.service.Metrics, a.config.Service.Metrics)
	return nil
}
