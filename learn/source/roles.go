package source

import "maps"

// A role says on which side of the firewall an interface is.
type role uint8

const (
	unknown role = iota
	outside
	inside
)

// mostInterfaces is how many interfaces are remembered; a forged log must not
// fill the memory.
const mostInterfaces = 1 << 10

// Roles are what is known of each interface: what the user said, else what the
// stream showed. An interface seen as inside stays inside: hosts are there.
type roles struct {
	said, seen map[string]role
	last       [2]string // the interfaces asked about last, and what they were
	lastRole   [2]role
}

func newRoles(o Options) roles {
	r := roles{said: make(map[string]role), seen: make(map[string]role)}
	for _, name := range o.Outside {
		r.said[name] = outside
	}
	for _, name := range o.Inside {
		r.said[name] = inside
	}
	return r
}

func (r *roles) of(name string) role {
	for i, last := range r.last {
		if name == last && r.lastRole[i] != unknown {
			return r.lastRole[i]
		}
	}
	is, ok := r.said[name]
	if !ok {
		is = r.seen[name]
	}
	r.remember(name, is)
	return is
}

// remember keeps an answer: the lines of the two sides of a firewall alternate.
func (r *roles) remember(name string, is role) {
	if name != r.last[0] {
		r.last[1], r.lastRole[1] = r.last[0], r.lastRole[0]
	}
	r.last[0], r.lastRole[0] = name, is
}

// learn notes what a passed packet showed and returns what the interface is.
func (r *roles) learn(name string, shown role) role {
	is := r.of(name)
	if is >= shown || len(r.seen) >= mostInterfaces {
		return is
	}
	if _, said := r.said[name]; said {
		return is
	}
	r.seen[name] = shown
	r.last, r.lastRole = [2]string{}, [2]role{}
	return shown
}

// restore goes back to what was seen.
func (r *roles) restore(seen map[string]role) {
	r.seen = maps.Clone(seen)
	r.last, r.lastRole = [2]string{}, [2]role{}
}
