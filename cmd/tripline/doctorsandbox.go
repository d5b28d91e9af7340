package main

import (
	"context"
	"strings"
	"time"

	"tripline/learn/sandbox"
)

var sandboxCheck = check{name: "sandbox", short: "whether commands can be run in a sandbox, and if not, why", asked: true, look: lookAtSandbox}

// lookAtSandbox makes one, for a command that does nothing. It is the last check: what
// tripline gives up for it is gone.
func lookAtSandbox(ctx context.Context, d *doctor) error {
	warn := func(format string, args ...any) { d.warn("", "", format, args...) }
	r, err := sandbox.Run(ctx, sandbox.Options{Command: []string{"true"}, Warn: warn, Confine: confined()})
	if err != nil {
		d.failed("", err)
		return nil
	}
	if r.Link == "" {
		d.warn("", "", "commands run without namespaces: less is seen and held (docs/sandbox.md)")
	} else {
		d.ok("", "can be made (link: %s), and was ready in %s", r.Link, r.Ready.Round(time.Millisecond))
	}
	d.ok("", "tripline itself is held there: %s", strings.Join(r.Confined, "; "))
	return nil
}
