package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tripline/enforce"
	"tripline/enforce/export"
	"tripline/learn"
)

// offendersFull is found when an agent has more offenders than its table may hold.
const offendersFull enforce.Kind = "offenders_full"

// publicResolvers are DNS servers that whole networks depend on.
// Sources: the pages of Cloudflare, Google, Quad9, OpenDNS and AdGuard for them.
var publicResolvers = []string{
	"1.1.1.1", "1.0.0.1", "2606:4700:4700::1111", "2606:4700:4700::1001",
	"8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844",
	"9.9.9.9", "149.112.112.112", "2620:fe::fe", "2620:fe::9",
	"208.67.222.222", "208.67.220.220", "2620:119:35::35", "2620:119:53::53",
	"94.140.14.14", "94.140.15.15", "2a10:50c0::ad1:ff", "2a10:50c0::ad2:ff",
}

// An offending keeps the tables of offenders beside the alias files, with a file
// that says more of each: offenders.json.
type offending struct {
	w      *watching
	list   *export.Offenders
	dirty  bool
	looked time.Time
	busy   bool
	done   chan error
	failed bool // told already
}

const (
	offendersKept = "offenders.json"
	offendersMost = 1000
	offendersLook = 10 * time.Second // how often what is over goes
)

func offendersFlags(c *cobra.Command, o *enforceOptions) {
	c.Flags().BoolVar(&o.offenders, "offenders", false, "keep a table of offenders beside the alias files, for who wants to block: addresses of unexpected and forbidden destinations")
	c.Flags().BoolVar(&o.offendersShared, "offenders-shared", false, "offenders also where others share the address, or a provider publishes it")
}

func newOffending(w *watching) (part, error) {
	conf := w.a.config.Offenders
	if !w.o.offenders && !conf.On {
		return nil, nil //nolint:nilnil // nobody asked for it
	}
	if w.o.export.out == "" {
		return nil, learn.WithHint(errors.New("--offenders: no directory to write to"), "-o aliases/")
	}
	g := &offending{w: w, list: export.NewOffenders(), dirty: true, done: make(chan error, 1)}
	g.list.Expire, g.list.Most, g.list.Shared = conf.Expire, conf.Most, conf.Shared || w.o.offendersShared
	if g.list.Expire == 0 {
		g.list.Expire = 24 * time.Hour
	}
	if g.list.Most == 0 {
		g.list.Most = offendersMost
	}
	g.list.Vital = w.vital()
	g.recall()
	return g, nil
}

// vital is what is never blocked, whatever an agent does: the user's own networks,
// the firewall, the resolvers and gateways of this machine, public resolvers, and
// what the configuration names.
func (w *watching) vital() []netip.Prefix {
	c := w.a.config
	all := append(append(append([]netip.Prefix{}, c.Offenders.Never...), c.Local...), w.agents.Sources()...)
	addrs := append(append(append([]netip.Addr{}, c.Firewall...), resolvers("/etc/resolv.conf")...), gateways("/proc/net")...)
	for _, text := range publicResolvers {
		addrs = append(addrs, netip.MustParseAddr(text))
	}
	if opts, err := w.o.options(w.a, w.agents); err == nil {
		all, addrs = append(all, opts.Local...), append(addrs, opts.Firewall...)
	}
	for _, a := range addrs {
		all = append(all, netip.PrefixFrom(a, a.BitLen()))
	}
	return all
}

// resolvers are the DNS servers of this machine.
func resolvers(path string) (list []netip.Addr) {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // it was only read
	for s := bufio.NewScanner(f); s.Scan(); {
		if words := strings.Fields(s.Text()); len(words) > 1 && words[0] == "nameserver" {
			if a, err := netip.ParseAddr(words[1]); err == nil {
				list = append(list, a.Unmap().WithZone(""))
			}
		}
	}
	return list
}

// gateways are those of this machine's routes, where the system has a list of them
// as Linux does (proc(5)): the third column of route, the fifth of ipv6_route.
func gateways(dir string) (list []netip.Addr) {
	for _, file := range []struct {
		name   string
		column int
	}{{"route", 2}, {"ipv6_route", 4}} {
		text, err := os.ReadFile(filepath.Join(dir, file.name))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			words := strings.Fields(line)
			if len(words) <= file.column {
				continue
			}
			raw, err := hex.DecodeString(words[file.column])
			if a, ok := netip.AddrFromSlice(raw); err == nil && ok {
				if len(raw) == 4 { // written as a number of this machine
					a = netip.AddrFrom4([4]byte(binary.NativeEndian.AppendUint32(nil, binary.BigEndian.Uint32(raw))))
				}
				list = append(list, a)
			}
		}
	}
	return list
}

func (g *offending) path() string { return filepath.Join(g.w.o.export.out, offendersKept) }

// recall takes up what was kept, as far as it still counts.
func (g *offending) recall() {
	text, err := os.ReadFile(g.path())
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var list []export.Offender
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil {
		g.w.a.warn("%s cannot be read, the tables of offenders begin anew: %v", g.path(), err)
		return
	}
	for _, x := range list {
		if x.Addr.IsValid() && g.w.watch.Policy().Agent(x.Agent) != nil {
			g.list.Put(x)
		}
	}
}

func (g *offending) flow(f *learn.Flow, v enforce.Verdict) error {
	if v == enforce.Unexpected || v == enforce.Forbidden {
		if g.list.Note(g.w.watch.Policy(), f, v) {
			g.dirty = true
		}
	}
	return nil
}

func (g *offending) tick(ctx context.Context, now time.Time) error {
	last := !g.w.o.follow || ctx.Err() != nil
	if g.busy {
		select {
		case err := <-g.done:
			g.busy = false
			g.take(err)
		default:
			if !last {
				return nil
			}
			g.busy = false
			g.take(<-g.done)
		}
	}
	if last || now.Sub(g.looked) >= offendersLook {
		g.looked = now
		if g.list.Clean(g.w.watch.Policy(), now) {
			g.dirty = true
		}
		if err := g.full(now); err != nil {
			return err
		}
	}
	if !g.dirty {
		return nil
	}
	g.dirty = false
	files, err := g.files()
	if err != nil {
		return err
	}
	if last {
		g.take(g.put(files))
		return nil
	}
	g.busy = true
	go func() { g.done <- g.put(files) }()
	return nil
}

// full tells that a table holds no more.
func (g *offending) full(now time.Time) error {
	if !export.Full(g.list.Left()) {
		return nil
	}
	why := fmt.Sprintf("a table of offenders holds %d addresses and takes no more: an agent that goes to so many places is looked at, not blocked one by one", g.list.Most)
	return g.w.raise(enforce.Finding(offendersFull, enforce.High, now, "", g.w.o.export.out, why))
}

func (g *offending) files() ([]export.File, error) {
	files := g.list.Files(g.w.watch.Policy(), g.w.o.export.prefix)
	list := g.list.List()
	for i := range list {
		list[i].Name = learn.Printable(list[i].Name)
	}
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("keep offenders: %w", err)
	}
	return append(files, export.File{Name: offendersKept, Text: append(text, '\n')}), nil
}

// put writes what has changed.
func (g *offending) put(files []export.File) error {
	var changed []export.File
	for _, f := range files {
		if old, err := os.ReadFile(filepath.Join(g.w.o.export.out, f.Name)); err != nil || string(old) != string(f.Text) {
			changed = append(changed, f)
		}
	}
	if err := os.MkdirAll(g.w.o.export.out, 0o755); err != nil { //nolint:gosec // a web server publishes them
		return fmt.Errorf("write offenders: %w", err)
	}
	return replaceFiles(g.w.o.export.out, changed)
}

// take says once that the tables cannot be written, and tries again.
func (g *offending) take(err error) {
	if err != nil && !g.failed {
		g.w.a.warn("the tables of offenders are not fresh: %v", err)
	}
	g.failed = err != nil
	g.dirty = g.dirty || err != nil
}

func (g *offending) close() error {
	if g.busy {
		g.take(<-g.done)
		g.busy = false
	}
	return nil
}
