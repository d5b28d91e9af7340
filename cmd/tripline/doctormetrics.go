package main

import (
	"context"
	"strings"
)

var metricsCheck = check{name: "metrics", short: "enforce answers at its port, and is well", look: lookMetrics}

func lookMetrics(ctx context.Context, d *doctor) error {
	where := d.a.config.Service.Metrics
	if where == "" {
		d.ok("", "no port is configured: service: {metrics: 127.0.0.1:9470} lets others ask how enforce is")
		return nil
	}
	text, err := fetchLocal(ctx, "http://"+reachable(where)+"/healthz")
	switch {
	case err != nil && text != "":
		d.fail(where, "curl http://"+reachable(where)+"/healthz", "enforce says that it is not well: %s", strings.Join(strings.Fields(text), " "))
	case err != nil:
		d.warn(where, "is it running? tripline enforce --follow /var/log/filter.log --metrics "+where, "nobody answers: %v", plainURL(err))
	default:
		d.ok(where, "enforce is well")
	}
	return nil
}
