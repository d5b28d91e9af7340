package feed

import (
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// MaxBytes is how large a file may be, decompressed. The largest one published
// today has 5 MB.
const MaxBytes = 64 << 20

// ErrNotModified is returned by [Fetch] if the server says that nothing has
// changed since the last time. Keep the last snapshot.
var ErrNotModified = errors.New("not modified")

// ErrFixed is returned by [Fetch] for a feed that is no file. Keep what comes
// with the program.
var ErrFixed = errors.New("published as a page for people; the list comes with the program")

// Validators are what is known of the last snapshot. The zero value means that
// there is none.
type Validators struct {
	ETag, LastModified string
	Entries            int       // see [Snapshot.Plausible]
	Token              string    // its [Edition]
	Now                time.Time // to guess the names of files that have their day in it; zero if they are not to be tried
}

// Fetch gets what a feed says now. It returns a snapshot only if the whole file
// was read and is plausible; otherwise the last one is still the best there is.
// The time it may take is the context's.
func Fetch(ctx context.Context, client *http.Client, f Feed, last Validators) (*Snapshot, error) {
	if f.Fixed {
		return nil, fmt.Errorf("fetch %s: %w", f.Name, ErrFixed)
	}
	s, err := fetch(ctx, secure(client), f, last)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", f.Name, err)
	}
	return s, nil
}

func fetch(ctx context.Context, client *http.Client, f Feed, last Validators) (*Snapshot, error) {
	s, err := f.get(ctx, client, f.URL, last)
	switch {
	case err == nil || errors.Is(err, ErrNotModified) || ctx.Err() != nil:
		return s, err
	case f.parts != nil:
		return f.together(ctx, client, last, err)
	case f.page == "":
		return nil, err
	}
	s, pageErr := f.followed(ctx, client, last)
	if pageErr == nil || errors.Is(pageErr, ErrNotModified) || ctx.Err() != nil {
		return s, pageErr
	}
	s, guessErr := f.guessed(ctx, client, last)
	if guessErr == nil || errors.Is(guessErr, ErrNotModified) {
		return s, guessErr
	}
	return nil, errors.Join(err, pageErr, guessErr)
}

// followed gets the file that the feed's page links to.
func (f Feed) followed(ctx context.Context, client *http.Client, last Validators) (*Snapshot, error) {
	current, err := linked(ctx, client, f)
	if err != nil {
		return nil, err
	}
	s, err := f.get(ctx, client, current, last)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// together makes one file of several lists, where the one file failed.
func (f Feed) together(ctx context.Context, client *http.Client, last Validators, failed error) (*Snapshot, error) {
	var all []byte
	for _, address := range f.parts {
		_, raw, err := download(ctx, client, address, Validators{})
		if err != nil {
			return nil, errors.Join(failed, err)
		}
		all = append(append(all, raw...), '\n')
	}
	s, err := f.Read(all)
	if err == nil {
		err = s.Plausible(last.Entries)
	}
	if err != nil {
		return nil, errors.Join(failed, fmt.Errorf("%s: %w", f.parts[0], err))
	}
	s.URL = f.parts[0]
	return s, nil
}

// get fetches and reads the feed's file at address.
func (f Feed) get(ctx context.Context, client *http.Client, address string, last Validators) (*Snapshot, error) {
	header, raw, err := download(ctx, client, f.identified(address), last)
	if err != nil {
		return nil, err
	}
	s, err := f.Read(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	s.URL = address
	s.ETag, s.LastModified = header.Get("ETag"), header.Get("Last-Modified")
	return s, s.Plausible(last.Entries)
}

// identified adds the identifier that a server wants of each of its clients. A
// new one every time says nothing of who asks.
func (f Feed) identified(address string) string {
	if f.client == "" {
		return address
	}
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%s?%s=%x-%x-%x-%x-%x", address, f.client, b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// download returns an answer in full.
func download(ctx context.Context, client *http.Client, address string, last Validators) (http.Header, []byte, error) {
	resp, err := request(ctx, client, address, last)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	raw, err := body(resp)
	if err != nil {
		return nil, nil, transient{fmt.Errorf("%s: %w", address, err)}
	}
	return resp.Header, raw, nil
}

// request returns an answer with status 200, or an error.
func request(ctx context.Context, client *http.Client, address string, last Validators) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "tripline")
	setIf(req.Header, "If-None-Match", last.ETag)
	setIf(req.Header, "If-Modified-Since", last.LastModified)
	resp, err := client.Do(req)
	if err != nil {
		return nil, transient{err}
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	if err := resp.Body.Close(); err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusNotModified {
		return nil, ErrNotModified
	}
	err = fmt.Errorf("%s: status %d %s", address, resp.StatusCode, http.StatusText(resp.StatusCode))
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= http.StatusInternalServerError {
		err = transient{err}
	}
	return nil, err
}

func setIf(h http.Header, key, value string) {
	if value != "" {
		h.Set(key, value)
	}
}

// body reads an answer up to MaxBytes. The transport decompresses what it asked
// for itself; what comes compressed all the same is decompressed here.
func body(resp *http.Response) ([]byte, error) {
	r := io.Reader(resp.Body)
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		r = z
	}
	raw, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("cut off after %d bytes: %w", len(raw), err)
	case err != nil:
		return nil, err
	case len(raw) > MaxBytes:
		return nil, fmt.Errorf("more than %d MiB", MaxBytes>>20)
	}
	return raw, nil
}

// secure returns a client that also refuses to be sent from https to http.
func secure(client *http.Client) *http.Client {
	c := *client
	next := c.CheckRedirect
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		switch {
		case via[0].URL.Scheme == "https" && req.URL.Scheme != "https":
			return errors.New("redirected from https to " + req.URL.Scheme)
		case next != nil:
			return next(req, via)
		case len(via) >= 5:
			return errors.New("redirected 5 times")
		}
		return nil
	}
	return &c
}

// link is what a file of service tags is called. What it leads to is checked
// before it is followed.
var link = regexp.MustCompile(`https?://[^"'<>\s\\]{1,300}/ServiceTags_Public_\d{8}\.json`)

// linked returns the address of the current file, as the feed's page says. It
// must be on the host that the feed is published on.
func linked(ctx context.Context, client *http.Client, f Feed) (string, error) {
	_, page, err := download(ctx, client, f.page, Validators{})
	if err != nil {
		return "", err
	}
	want, err := url.Parse(f.URL)
	if err != nil {
		return "", err
	}
	for _, found := range link.FindAllString(string(page), -1) {
		if u, err := url.Parse(found); err == nil && u.Host == want.Host && u.Scheme == want.Scheme {
			return found, nil
		}
	}
	return "", fmt.Errorf("%s: no link to a file of service tags on %s", f.page, want.Host)
}
