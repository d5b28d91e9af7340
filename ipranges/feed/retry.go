package feed

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// transient is an error that may be gone in a moment: no connection, an answer
// that was cut off, a server that is too busy.
type transient struct{ error }

func (t transient) Unwrap() error { return t.error }

// Persist is [Fetch], tried twice more where it failed for a reason that may
// pass. What a server says clearly is taken as said.
func Persist(ctx context.Context, client *http.Client, f Feed, last Validators) (*Snapshot, error) {
	return persist(ctx, client, f, last, []time.Duration{time.Second, 4 * time.Second})
}

func persist(ctx context.Context, client *http.Client, f Feed, last Validators, waits []time.Duration) (*Snapshot, error) {
	for _, wait := range waits {
		s, err := Fetch(ctx, client, f, last)
		if again := new(transient); err == nil || !errors.As(err, again) || !sleep(ctx, wait) {
			return s, err
		}
	}
	return Fetch(ctx, client, f, last)
}

// sleep says whether it could wait that long before the context ended.
func sleep(ctx context.Context, d time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
