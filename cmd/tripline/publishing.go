package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tripline/enforce"
	"tripline/enforce/export/publish"
	"tripline/learn"
)

// publishFlags are those of what a firewall fetches alias files from.
func (p *publishOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&p.TokenFile, "token-file", "", "`FILE` with the secret part of the path, made if it is missing (default serve.token beside the database)")
	f.StringVar(&p.Cert, "tls-cert", "", "`FILE` with the certificate, for https")
	f.StringVar(&p.Key, "tls-key", "", "`FILE` with its key")
}

type publishOptions struct{ learn.Serve }

// settle takes what the flags leave open from the configuration.
func (p *publishOptions) settle(a *app) error {
	c := a.config.Serve
	p.Listen, p.TokenFile = cmp.Or(p.Listen, c.Listen), cmp.Or(p.TokenFile, c.TokenFile, a.tokenFile())
	if p.Cert == "" && p.Key == "" {
		p.Cert, p.Key = c.Cert, c.Key
	}
	p.MaxShrink = cmp.Or(p.MaxShrink, c.MaxShrink, 100*maxShrink)
	if (p.Cert == "") != (p.Key == "") {
		return learn.WithHint(errors.New("want both --tls-cert and --tls-key"), "--tls-cert fw.crt --tls-key fw.key")
	}
	if p.Listen == "" {
		return nil
	}
	return learn.CheckListen(p.Listen)
}

// tokenFile and aliasDir are where these are if nobody says.
func (a *app) tokenFile() string { return filepath.Join(filepath.Dir(a.path()), "serve.token") }

func (a *app) aliasDir() string { return filepath.Join(filepath.Dir(a.path()), "aliases") }

// An outlet lets a firewall fetch the files of a directory.
type outlet struct {
	a      *app
	shelf  *publish.Shelf
	dir    string
	server *http.Server
	done   chan error
	ended  error
	unread error // why the directory cannot be read, told already
}

// newOutlet begins to listen. The files are those of dir; what is guarded where
// they are written is not guarded again.
func newOutlet(a *app, o publishOptions, dir string, guarded bool) (*outlet, error) {
	token, made, err := publish.Token(o.TokenFile)
	if err != nil {
		return nil, err
	}
	if made {
		a.say("a token was made in %s; \"tripline serve token\" prints it", o.TokenFile)
	}
	p := &outlet{a: a, shelf: &publish.Shelf{}, dir: dir, done: make(chan error, 1)}
	if !guarded {
		p.shelf.MaxShrink = float64(o.MaxShrink) / 100
	}
	p.server = publish.NewServer(publish.Handler(p.shelf, token, a.now), log.New(spoken{a}, "", 0))
	if o.Cert != "" {
		if p.server.TLSConfig, err = publish.TLS(o.Cert, o.Key); err != nil {
			return nil, err
		}
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), networkOf(o.Listen), o.Listen)
	if err != nil {
		return nil, learn.WithHint(fmt.Errorf("serve alias files: %w", err), "another program may be there already: choose another port, as 127.0.0.1:8081")
	}
	p.begin(publish.Limit(l), o)
	return p, nil
}

// networkOf is the network of an address: that of all IPv4 is not that of IPv6 as well.
func networkOf(listen string) string {
	if at, err := netip.ParseAddrPort(listen); err == nil && at.Addr().Is4() {
		return "tcp4"
	}
	return "tcp"
}

func (p *outlet) begin(l net.Listener, o publishOptions) {
	scheme := "http"
	if o.Cert != "" {
		scheme = "https"
	}
	at, err := netip.ParseAddrPort(l.Addr().String())
	if err == nil && !at.Addr().Unmap().IsLoopback() && o.Cert == "" {
		p.a.warn("alias files at %s go over the network unencrypted, the token as well: whoever is in between can read it and open the tables. --tls-cert and --tls-key, and in pfSense \"Check certificate of aliases URLs\"", at)
	}
	p.a.say("alias files of %s at %s://%s/TOKEN/NAME.txt; \"tripline serve token\" prints the token", p.dir, scheme, l.Addr())
	go func() {
		if o.Cert != "" {
			p.done <- p.server.ServeTLS(l, "", "")
			return
		}
		p.done <- p.server.Serve(l)
	}()
}

// look takes up what has changed in the directory. A directory that cannot be read
// is told once, and what was read before is served on.
func (p *outlet) look() []publish.Refused {
	refused, err := p.shelf.Load(p.dir)
	if err != nil && (p.unread == nil || p.unread.Error() != err.Error()) {
		p.a.warn("%v: what was read before is served on", err)
	}
	p.unread = err
	return refused
}

// fate says why serving has ended by itself, nil while it goes on.
func (p *outlet) fate() error {
	select {
	case p.ended = <-p.done:
	default:
	}
	return p.ended
}

func (p *outlet) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := p.server.Shutdown(ctx); err != nil {
		return errors.Join(p.server.Close())
	}
	return nil
}

// Spoken is standard error, for a library that writes lines.
type spoken struct{ a *app }

func (t spoken) Write(line []byte) (int, error) {
	t.a.say("serve: %s", learn.Printable(strings.TrimRight(string(line), "\n")))
	return len(line), nil
}

// A publishing is an outlet beside enforce.
type publishing struct {
	*outlet
	w    *watching
	told bool
}

func newPublishing(w *watching) (part, error) {
	if w.o.publish.Listen == "" || !w.o.follow {
		return nil, nil //nolint:nilnil // nobody asked for it
	}
	p, err := newOutlet(w.a, w.o.publish, w.o.export.out, true)
	if err != nil {
		return nil, err
	}
	g := &publishing{outlet: p, w: w}
	return g, g.tick(context.Background(), w.a.now())
}

func (g *publishing) flow(*learn.Flow, enforce.Verdict) error { return nil }

// tick serves what was written since, and says what it does not.
func (g *publishing) tick(_ context.Context, now time.Time) error {
	var err error
	for _, r := range g.look() {
		why := fmt.Sprintf("not served, the last one is: %v", r.Why)
		err = errors.Join(err, g.w.raise(enforce.Finding(tableRefused, enforce.High, now, "", strings.TrimSuffix(r.Name, ".txt"), why)))
	}
	if fate := g.fate(); fate != nil && !g.told {
		g.told = true
		g.w.health.fails("serve", now, fate.Error(), "restart tripline")
	}
	return err
}

// publish checks what is to be served, and where the files of it are.
func (o *enforceOptions) published(a *app) error {
	if o.publish.Listen != "" && !o.follow {
		return learn.WithHint(errors.New("--serve is for a log that is followed"), "add --follow, or: tripline serve")
	}
	if err := o.publish.settle(a); err != nil {
		return fmt.Errorf("--serve: %w", err)
	}
	if o.publish.Listen != "" && o.follow && o.export.out == "" {
		o.export.out = a.aliasDir()
	}
	return nil
}
