package feed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// weeks is how many names are guessed. Publishers skip a week now and then.
const weeks = 6

// dayMark stands in an address for the day that a file is of.
const dayMark = "YYYYMMDD"

// guessed gets the newest file that is named after one of the last Mondays.
func (f Feed) guessed(ctx context.Context, client *http.Client, last Validators) (*Snapshot, error) {
	if f.dated == "" || last.Now.IsZero() {
		return nil, errors.New("no day to guess the name of a file by")
	}
	var failed error
	for _, monday := range mondays(last.Now) {
		address := strings.Replace(f.dated, dayMark, monday.Format("20060102"), 1)
		s, err := f.get(ctx, client, address, last)
		switch {
		case errors.Is(err, ErrNotModified) || ctx.Err() != nil:
			return nil, err
		case err == nil && older(s.Token, last.Token):
			return nil, fmt.Errorf("%s: older than the list that is kept", address)
		case err == nil:
			return s, nil
		case failed == nil:
			failed = err // of the newest one, which says most
		}
	}
	return nil, fmt.Errorf("no file of the last %d Mondays: %w", weeks, failed)
}

// mondays returns the last Mondays in UTC, newest first. One that begins now
// counts.
func mondays(now time.Time) []time.Time {
	now = now.UTC()
	first := now.AddDate(0, 0, -(int(now.Weekday()+6) % 7))
	out := make([]time.Time, weeks)
	for i := range out {
		out[i] = first.AddDate(0, 0, -7*i)
	}
	return out
}

// older says whether a was published before b, where both are counted.
func older(a, b string) bool {
	m, err := strconv.Atoi(a)
	if err != nil {
		return false
	}
	n, err := strconv.Atoi(b)
	return err == nil && m < n
}
