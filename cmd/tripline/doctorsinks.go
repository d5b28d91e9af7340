package main

import (
	"context"

	"tripline/enforce/alert"
	"tripline/learn"
)

var sinksCheck = check{name: "sinks", short: "the sinks of alerts are configured as they should be; nothing is sent", look: lookSinks}

func lookSinks(_ context.Context, d *doctor) error {
	if d.broken != nil {
		return nil
	}
	if len(d.a.config.Alerts) == 0 {
		d.ok("", "no \"alerts:\" in %s: what is found is printed, and sent nowhere", configName)
	}
	for i := range d.a.config.Alerts {
		d.lookSink(&d.a.config.Alerts[i])
	}
	return nil
}

func (d *doctor) lookSink(conf *learn.Sink) {
	warned := false
	r, err := alert.Open(conf, d.a.stdout, func(text string) {
		warned = true
		d.warn(conf.Name, "", "%s", text)
	})
	switch {
	case err != nil:
		d.failed(conf.Name, err)
	case !warned:
		d.ok(conf.Name, "%s; to try it: tripline alert test %s", r.Kind.Short, conf.Name)
	}
	if err == nil {
		_ = r.Sink.Close() // nothing was sent
	}
}
