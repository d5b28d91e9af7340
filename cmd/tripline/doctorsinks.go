package main

import (
	"bytes"
	"context"
	"strings"

	"tripline/enforce/alert"
	"tripline/learn"
)

var sinksCheck = check{name: "sinks", short: "the sinks of alerts are configured as they should be; --send sends a test", look: lookSinks}

func lookSinks(ctx context.Context, d *doctor) error {
	if d.broken != nil {
		return nil
	}
	if len(d.a.config.Alerts) == 0 {
		d.ok("", "no \"alerts:\" in %s: what is found is printed, and sent nowhere", configName)
	}
	for i := range d.a.config.Alerts {
		if d.send {
			d.trySink(ctx, &d.a.config.Alerts[i])
		} else {
			d.lookSink(&d.a.config.Alerts[i])
		}
	}
	return nil
}

// trySink really sends one alert, and says what was answered.
func (d *doctor) trySink(ctx context.Context, conf *learn.Sink) {
	var answer bytes.Buffer
	b := *d.a
	b.stdout = &answer
	if err := b.testSink(ctx, conf); err != nil {
		d.failed(conf.Name, err)
		return
	}
	d.ok("", "%s", strings.TrimSpace(answer.String()))
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
		d.ok(conf.Name, "%s; to try it: --send, or tripline alert test %s", r.Kind.Short, conf.Name)
	}
	if err == nil {
		_ = r.Sink.Close() // nothing was sent
	}
}
