package container

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tripline/learn"
)

// A Watcher follows an engine. Note is called for each stay that begins or ends,
// Told for what a user should know: that a container has no address of its own,
// that the engine went away. Neither is called from two goroutines at once.
type Watcher struct {
	Engine *Engine
	Note   func(learn.Stay)
	Told   func(error)
	Subnet func(netip.Prefix) // called for each network's addresses; may be nil

	open     map[stayKey]learn.Stay // that have not ended
	networks map[string]network
	since    time.Time // of the last event
}

type stayKey struct{ container, network, addr string }

// pauses between attempts to reach an engine that went away.
const (
	shortPause = 500 * time.Millisecond
	longPause  = 30 * time.Second
)

// Begin notes what there is now.
func (w *Watcher) Begin(ctx context.Context) error {
	w.open, w.networks = map[stayKey]learn.Stay{}, map[string]network{}
	var all []network
	if err := w.Engine.get(ctx, "/networks", &all); err == nil { // else each is asked for when it is met
		for _, n := range all {
			w.subnets(&n)
		}
	}
	return w.list(ctx)
}

// Watch goes on with the engine's events until ctx ends. Begin comes first.
func (w *Watcher) Watch(ctx context.Context) {
	pause := shortPause
	for ctx.Err() == nil {
		began := time.Now()
		err := w.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		w.Told(fmt.Errorf("%w; it is tried again", err))
		if time.Since(began) > longPause {
			pause = shortPause
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(longPause, 2*pause)
	}
}

// list notes every container that runs. What was known and is not there any more
// has ended; when, is not known: now at the latest.
func (w *Watcher) list(ctx context.Context) error {
	var all []summary
	if err := w.Engine.get(ctx, "/containers/json", &all); err != nil {
		return err
	}
	running := map[string]bool{}
	for _, c := range all {
		running[c.ID] = true
		if err := w.inspect(ctx, c.ID, time.Time{}); err != nil && !errors.Is(err, errGone) {
			return err
		}
	}
	for key, s := range w.open {
		if !running[key.container] {
			w.end(key, s, time.Now())
		}
	}
	return nil
}

// hexadecimal is what an engine calls containers and networks; what else stood
// there would become part of a path.
var hexadecimal = regexp.MustCompile(`^[0-9a-f]{12,128}$`)

// inspect notes the addresses a container has. From is when it got them, zero for
// when it was started.
func (w *Watcher) inspect(ctx context.Context, id string, from time.Time) error {
	if !hexadecimal.MatchString(id) {
		return fmt.Errorf("container engine %s: a container is called %q", w.Engine.socket, id)
	}
	var d detail
	if err := w.Engine.get(ctx, "/containers/"+id+"/json", &d); err != nil {
		return err
	}
	if from.IsZero() {
		from = d.State.StartedAt
	}
	k := learn.Container{ID: d.ID, Name: strings.TrimPrefix(d.Name, "/"), Image: d.Config.Image, Labels: d.Config.Labels}
	found := false
	for name, p := range d.NetworkSettings.Networks {
		for _, a := range p.addrs() {
			found = true
			n := w.network(ctx, p.NetworkID)
			w.begin(stayKey{d.ID, p.NetworkID, a.String()}, learn.Stay{Container: k, Addr: a, Network: name, NAT: n.translates(a), From: from.UTC()})
		}
	}
	if mode := d.HostConfig.NetworkMode; !found && mode != "none" {
		w.begin(stayKey{d.ID, "", ""}, learn.Stay{Container: k, Network: mode, From: from.UTC()})
		w.homeless(&k, mode)
	}
	return nil
}

// homeless says that a container cannot be told from its host by address.
func (w *Watcher) homeless(k *learn.Container, mode string) {
	w.Told(learn.WithHint(fmt.Errorf("container %s (network %s) has no address of its own: its traffic has the host's", learn.Printable(k.Name), learn.Printable(mode)),
		"give it a network of its own, or read a source on the host that sees processes: \"tripline sources\""))
}

func (w *Watcher) network(ctx context.Context, id string) network {
	n, ok := w.networks[id]
	if !ok && hexadecimal.MatchString(id) {
		n = w.Engine.network(ctx, id)
		w.networks[id] = n
		w.subnets(&n)
	} else if !ok {
		n = network{Driver: "bridge"}
	}
	return n
}

// subnets tells where the containers of a network have their addresses.
func (w *Watcher) subnets(n *network) {
	if w.Subnet == nil {
		return
	}
	for _, p := range n.subnets() {
		w.Subnet(p)
	}
}

// begin notes a stay, unless it is known.
func (w *Watcher) begin(key stayKey, s learn.Stay) {
	if _, known := w.open[key]; known {
		return
	}
	w.open[key] = s
	w.Note(s)
}

func (w *Watcher) end(key stayKey, s learn.Stay, at time.Time) {
	delete(w.open, key)
	s.To = at.UTC()
	w.Note(s)
}

// An event is what the engine says has happened.
type event struct {
	Type, Action string
	Actor        struct {
		ID         string
		Attributes map[string]string
	}
	TimeNano int64 `json:"timeNano"`
	Time     int64 `json:"time"`
}

// wanted are the events that begin or end a stay. Podman before version 4 says
// died.
const wanted = `{"type":["container","network"],"event":["create","start","die","died","destroy","connect","disconnect"]}`

// follow reads events until the connection breaks. The list comes after the
// connection stands, so that nothing falls between the two.
func (w *Watcher) follow(ctx context.Context) error {
	path := "/events?filters=" + url.QueryEscape(wanted)
	if !w.since.IsZero() {
		path += "&since=" + strconv.FormatFloat(float64(w.since.UnixNano())/1e9, 'f', 9, 64)
	}
	body, err := w.Engine.ask(ctx, path)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := w.list(ctx); err != nil {
		return err
	}
	events := json.NewDecoder(body)
	for {
		var ev event
		if err := events.Decode(&ev); err != nil {
			return w.Engine.place("/events", err)
		}
		if err := w.take(ctx, &ev); err != nil {
			w.Told(err)
		}
	}
}

// take notes what an event says.
func (w *Watcher) take(ctx context.Context, ev *event) error {
	at := time.Unix(0, ev.TimeNano)
	if ev.TimeNano == 0 {
		at = time.Unix(ev.Time, 0)
	}
	w.since = at
	switch ev.Action {
	case "create":
		if ev.Type == "network" {
			w.network(ctx, ev.Actor.ID)
		}
	case "connect":
		return w.missed(ev, w.inspect(ctx, ev.Actor.Attributes["container"], at))
	case "start":
		return w.missed(ev, w.inspect(ctx, ev.Actor.ID, at))
	case "disconnect":
		w.endAll(ev.Actor.Attributes["container"], ev.Actor.ID, at)
	case "die", "died", "destroy":
		w.endAll(ev.Actor.ID, "", at)
	}
	return nil
}

// missed says that a container was gone before it could be asked for.
func (w *Watcher) missed(ev *event, err error) error {
	if !errors.Is(err, errGone) {
		return err
	}
	for key := range w.open {
		if key.container == ev.Actor.ID || key.container == ev.Actor.Attributes["container"] {
			return nil // it was connected before, and that was seen
		}
	}
	return fmt.Errorf("container %s was gone before its address could be asked for", learn.Printable(ev.Actor.Attributes["name"]))
}

// endAll ends the stays of a container, of one network or of all.
func (w *Watcher) endAll(container, network string, at time.Time) {
	for key, s := range w.open {
		if key.container == container && (network == "" || key.network == network) {
			w.end(key, s, at)
		}
	}
}
