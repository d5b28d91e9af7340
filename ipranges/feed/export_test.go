package feed

import (
	"context"
	"net/http"
	"time"
)

// Moved returns f as it would be published elsewhere.
func Moved(f Feed, url string, parts ...string) Feed {
	f.URL, f.parts = url, parts
	return f
}

// Patient is Persist with the same short wait each time.
func Patient(ctx context.Context, client *http.Client, f Feed, wait time.Duration) (*Snapshot, error) {
	return persist(ctx, client, f, Validators{}, []time.Duration{wait, wait})
}
