package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

// A bypassing is the part of enforce that finds traffic to public registries where a
// mirror is declared.
type bypassing struct {
	w    *watching
	list *enforce.Registries
}

// newBypassing makes the part where the configuration has registries.
func newBypassing(w *watching) (part, error) {
	list := slices.Clone(w.a.config.Registries)
	if len(list) == 0 {
		return nil, nil
	}
	for i := range list {
		for _, path := range list[i].PublicFrom {
			hosts, err := hostsIn(path)
			if err != nil {
				return nil, err
			}
			hosts = slices.DeleteFunc(hosts, func(h string) bool { return slices.Contains(list[i].Mirrors, h) })
			if len(hosts) == 0 {
				return nil, learn.WithHint(fmt.Errorf("public_from %s: no URL of a public registry is in it", path), "name the hosts: registries: %s: public: [...]", list[i].Ecosystem)
			}
			list[i].Public = slices.Concat(list[i].Public, hosts)
		}
	}
	if !w.src.Sees.Names {
		w.a.warn("%s has no names: traffic to public registries is found only as far as another source names it", w.src.Name)
	}
	return &bypassing{w, enforce.NewRegistries(list)}, nil
}

var (
	urls     = regexp.MustCompile(`https?://[^\s"',|<>\]]+`)
	sumHosts = regexp.MustCompile(`(?m)GOSUMDB"?\s*[=:]\s*["']?([A-Za-z0-9.-]+\.[A-Za-z]+)`)
)

// hostsIn returns the hosts of the URLs in a file of a tool: npm's, apt's, pip's or
// what "go env" prints.
func hostsIn(path string) (hosts []string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("public_from: %w", err)
	}
	add := func(host string) {
		if name, ok := learn.HostName(strings.ToLower(host)); ok && !slices.Contains(hosts, name) {
			hosts = append(hosts, name)
		}
	}
	for _, found := range urls.FindAllString(string(text), -1) {
		if u, err := url.Parse(found); err == nil {
			add(u.Hostname())
		}
	}
	for _, m := range sumHosts.FindAllStringSubmatch(string(text), -1) {
		add(m[1])
	}
	return hosts, nil
}

func (b *bypassing) flow(f *learn.Flow, _ enforce.Verdict) error {
	if al := b.list.Check(f); al != nil {
		return b.w.raise(al)
	}
	return nil
}

func (b *bypassing) tick(context.Context, time.Time) error { return nil }
func (b *bypassing) close() error                          { return nil }
