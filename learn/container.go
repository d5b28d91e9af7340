package learn

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Container is a container as its engine describes it. Whoever may start
// containers may write its name and labels: they are hostile text, and no proof.
type Container struct {
	ID     string // as the engine has it, hexadecimal
	Name   string
	Image  string
	Labels map[string]string
}

// A Stay is the time in which a container had an address.
type Stay struct {
	Container
	Addr     netip.Addr // not valid if it has none of its own
	Network  string
	NAT      bool      // what leaves the host from there has the host's address
	From, To time.Time // To is zero while it lasts
}

// Labels that Docker Compose gives its containers.
const (
	composeProject = "com.docker.compose.project"
	composeService = "com.docker.compose.service"
)

// A Criterion finds containers: By is container, label, image or compose.
type Criterion struct{ By, Value string }

// criteria are what a container can be found by.
var criteria = []string{"container", "label", "image", "compose", "pod"}

// parseCriterion reads "container:NAME", "label:KEY=VALUE" or "label:KEY",
// "image:REFERENCE" with or without its tag, and "compose:PROJECT" or
// "compose:PROJECT/SERVICE", and "pod:NAMESPACE/NAME", whose end may be "*".
func parseCriterion(text string) (Criterion, bool) {
	by, value, ok := strings.Cut(text, ":")
	if !ok || value == "" || !slices.Contains(criteria, by) {
		return Criterion{}, false
	}
	return Criterion{by, value}, true
}

// String returns what parseCriterion reads.
func (c Criterion) String() string { return c.By + ":" + c.Value }

// Finds says whether c is one of the containers looked for.
func (c Criterion) Finds(k *Container) bool {
	switch c.By {
	case "container":
		return k.Name == c.Value || len(c.Value) >= 12 && strings.HasPrefix(k.ID, c.Value)
	case "label":
		key, want, given := strings.Cut(c.Value, "=")
		got, ok := k.Labels[key]
		return ok && (!given || got == want)
	case "image":
		return k.Image == c.Value || withoutTag(k.Image) == c.Value
	case "pod":
		if head, ok := strings.CutSuffix(c.Value, "*"); ok && strings.Contains(head, "/") {
			return strings.HasPrefix(k.Name, head)
		}
		return k.Name == c.Value && strings.Contains(c.Value, "/")
	case "compose":
		project, service, given := strings.Cut(c.Value, "/")
		return k.Labels[composeProject] == project && (!given || k.Labels[composeService] == service)
	}
	return false
}

// withoutTag cuts ":tag" and "@digest" off the reference of an image.
func withoutTag(ref string) string {
	ref, _, _ = strings.Cut(ref, "@")
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		return ref[:i]
	}
	return ref
}

// Whereabouts says which container had an address at some time. Engines give
// an address to the next container at once, so a flow belongs to who had it when
// it began. It is safe for concurrent use.
type Whereabouts struct {
	mu    sync.RWMutex
	stays map[netip.Addr][]Stay // by From
	byID  map[string]Container
	older map[string]Container // likewise, forgotten next
}

// mostStays is how many stays are kept for one address: the latest.
const mostStays = 1024

// Note adds a stay, or what is new of it: its end.
func (w *Whereabouts) Note(s Stay) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stays == nil {
		w.stays, w.byID = map[netip.Addr][]Stay{}, map[string]Container{}
	}
	w.know(s.Container)
	if !s.Addr.IsValid() {
		return // it shares the host's
	}
	all := w.stays[s.Addr]
	i, _ := slices.BinarySearchFunc(all, s.From, func(o Stay, t time.Time) int { return o.From.Compare(t) })
	if i < len(all) && all[i].From.Equal(s.From) && all[i].ID == s.ID {
		all[i] = s
		return
	}
	if i > 0 && all[i-1].To.IsZero() && all[i-1].ID != s.ID {
		all[i-1].To = s.From // its end was missed
	}
	if all = slices.Insert(all, i, s); len(all) > mostStays {
		all = slices.Delete(all, 0, 1)
	}
	w.stays[s.Addr] = all
}

// mostKnown is how many containers are known by their IDs.
const mostKnown = 1 << 14

func (w *Whereabouts) know(c Container) {
	if len(w.byID) >= mostKnown {
		w.older, w.byID = w.byID, map[string]Container{}
	}
	w.byID[c.ID] = c
}

// Container returns the container of an ID.
func (w *Whereabouts) Container(id string) (Container, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	c, ok := w.byID[id]
	if !ok {
		c, ok = w.older[id]
	}
	return c, ok
}

// early is how long before the engine tells of it a container may send: events
// are stamped when they are handled.
const early = 2 * time.Second

// Holder returns the container that had an address at some time.
func (w *Whereabouts) Holder(addr netip.Addr, at time.Time) (*Stay, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	all := w.stays[addr]
	for i, s := range slices.Backward(all) {
		switch {
		case at.Before(s.From.Add(-early)):
		case at.Before(s.From) && i > 0 && (all[i-1].To.IsZero() || !at.After(all[i-1].To)):
		case s.To.IsZero() || !at.After(s.To.Add(early)):
			return &s, true
		default:
			return nil, false
		}
	}
	return nil, false
}

// Known returns all containers, of any time.
func (w *Whereabouts) Known() (out []Container) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for _, m := range []map[string]Container{w.older, w.byID} {
		for _, c := range m {
			out = append(out, c)
		}
	}
	return out
}

// Stays returns all that is known, by address and time.
func (w *Whereabouts) Stays() (out []Stay) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for _, all := range w.stays {
		out = append(out, all...)
	}
	slices.SortFunc(out, func(a, b Stay) int {
		if c := a.Addr.Compare(b.Addr); c != 0 {
			return c
		}
		return a.From.Compare(b.From)
	})
	return out
}

// Contained says whether containers are looked for, and by what.
func (a *Agents) Contained() (out []Criterion) {
	for _, agent := range a.list {
		for _, s := range agent.Selectors {
			if s.Container != (Criterion{}) {
				out = append(out, s.Container)
			}
		}
	}
	return out
}

// Locate says where containers are and were. Without it no container is found.
func (a *Agents) Locate(w *Whereabouts) { a.where = w }

// byContainer returns the agent of the container that f came from.
func (a *Agents) byContainer(f *Flow) (agent string, err error) {
	k, ok := a.containerOf(f)
	if !ok {
		return "", nil
	}
	for _, c := range a.containers {
		if !c.by.Finds(&k) || c.agent == agent {
			continue
		}
		if agent != "" {
			return "", overlap(agent, c.agent, "container "+Printable(cmp.Or(k.Name, k.ID)))
		}
		agent = c.agent
	}
	return agent, nil
}

// containerOf returns the container that the process runs in, whatever address it
// has; else the one that had f's source then.
func (a *Agents) containerOf(f *Flow) (Container, bool) {
	if p := f.Process; p != nil && p.Container != "" {
		if a.where != nil {
			if k, ok := a.where.Container(p.Container); ok {
				return k, true
			}
		}
		return Container{ID: p.Container}, true
	}
	if a.where == nil {
		return Container{}, false
	}
	s, ok := a.where.Holder(f.Src, f.Time)
	if !ok {
		return Container{}, false
	}
	return s.Container, true
}

// A contained is what an agent's containers are found by.
type contained struct {
	by    Criterion
	agent string
}
