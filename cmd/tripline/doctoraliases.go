package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tripline/enforce"
	"tripline/enforce/export/publish"
	"tripline/learn"
	"tripline/store"
)

var aliasesCheck = check{name: "aliases", short: "the alias files are what was approved, and are fetched", stored: true, look: lookAliases}

func lookAliases(ctx context.Context, d *doctor) error {
	dir := d.out
	if dir == "" {
		dir = d.a.aliasDir()
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if d.out != "" {
			d.fail(dir, "tripline export --to pfsense -o "+quotedPath(dir), "there is no such directory")
		} else {
			d.ok("", "no alias files in %s; --aliases DIR looks elsewhere", dir)
		}
		return d.lookServe(ctx)
	}
	if d.guarded(dir, "what the firewall lets pass") {
		if err := d.lookTables(dir); err != nil {
			d.failed(dir, err)
		}
	}
	return d.lookServe(ctx)
}

// lookTables compares the files with what an export would write now.
func (d *doctor) lookTables(dir string) error {
	var p *enforce.Policy
	err := d.a.read(func(s *store.Store) (err error) {
		p, err = d.a.filtered(s, nil)
		return err
	})
	if err != nil {
		return err
	}
	o := exportOptions{to: "pfsense", out: dir, whole: true}
	files, _, err := o.files(p)
	if err != nil {
		return err
	}
	t := turnover{dir: dir, most: 1}
	fresh := 0
	for _, f := range files {
		name, ok := tableName(f)
		if !ok {
			continue
		}
		before := len(t.changed) + len(t.refused)
		if err := t.take(f); err != nil {
			return err
		}
		if fresh++; len(t.changed)+len(t.refused) > before {
			fresh--
			d.guarded(filepath.Join(dir, name+".txt"), "what the firewall lets pass")
		}
	}
	do := "tripline export --to pfsense -o " + quotedPath(dir) + ", or let enforce keep them: -o " + quotedPath(dir)
	for _, line := range t.told {
		d.warn(dir, do, "not fresh, now it would be %s", line)
	}
	for _, r := range t.refused {
		d.warn(dir, do, "%s: %v", r.table, r.why)
	}
	if fresh > 0 {
		d.ok(dir, "%s what was approved", count(uint64(fresh), "table is", "tables are"))
	}
	return nil
}

// lookServe asks who serves the files what was fetched.
func (d *doctor) lookServe(ctx context.Context) error {
	var o publishOptions
	if err := o.settle(d.a); err != nil || o.Listen == "" {
		return err
	}
	token, err := publish.ReadToken(o.TokenFile)
	if errors.Is(err, fs.ErrNotExist) {
		d.warn(o.TokenFile, "tripline serve token", "there is no token yet")
		return nil
	}
	if err != nil {
		d.failed("", err)
		return nil
	}
	scheme := "http"
	if o.Cert != "" {
		scheme = "https"
	}
	list, err := fetchLocal(ctx, scheme+"://"+reachable(o.Listen)+"/"+token+"/")
	if err != nil {
		d.warn(o.Listen, "is it running? tripline enforce --follow ... --serve "+o.Listen+", or: tripline serve --listen "+o.Listen, "the alias files are not served: %v", cause(plainURL(err)))
		return nil
	}
	for line := range strings.Lines(list) {
		name, about, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if strings.HasSuffix(about, "never fetched") && !strings.HasSuffix(name, "_ports.txt") {
			d.warn(name, "in pfSense: Firewall > Aliases > URLs, or: /etc/rc.update_urltables now forceupdate "+strings.TrimSuffix(name, ".txt"), "served, and never fetched since")
		} else if !strings.HasSuffix(name, "_ports.txt") {
			d.ok(name, "%s", about)
		}
	}
	return nil
}

// reachable is an address of this machine for one that means all.
func reachable(listen string) string {
	listen = strings.Replace(listen, "0.0.0.0:", "127.0.0.1:", 1)
	return strings.Replace(listen, "[::]:", "[::1]:", 1)
}

// fetchLocal asks this machine itself.
func fetchLocal(ctx context.Context, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err //nolint:wrapcheck // the caller's words
	}
	//nolint:gosec // this machine itself, whose certificate names another
	client := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Proxy: nil}}
	answer, err := client.Do(r)
	if err != nil {
		return "", err //nolint:wrapcheck // the caller's words
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err == nil && answer.StatusCode != http.StatusOK {
		return string(text), fmt.Errorf("it answers %s", answer.Status)
	}
	return string(text), err //nolint:wrapcheck // the caller's words
}

// plainURL drops the address of a request from its error: the token is in it.
func plainURL(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return errors.New(learn.Printable(err.Error()))
}
