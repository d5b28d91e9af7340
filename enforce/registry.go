package enforce

import (
	"fmt"
	"slices"
	"strings"

	"tripline/learn"
)

// RegistryBypass is the kind of traffic to a public package registry by an agent
// that has a mirror: what it installs passes whoever looks at the mirror.
const RegistryBypass Kind = "registry_bypass"

// uploadFrom is how much that is sent to a registry is no request any more, but a
// package, or what was packed into one.
const uploadFrom = 256_000

// Registries says which flows pass a mirror by. It is never changed once made.
type Registries struct {
	list  []learn.Registry
	names map[string]int // exact names, by the registry that has them
}

// NewRegistries returns what the configuration says of registries; names are lower
// case.
func NewRegistries(list []learn.Registry) *Registries {
	r := &Registries{list: list, names: map[string]int{}}
	for i := range list {
		for _, name := range list[i].Public {
			if _, wildcard := learn.Below(name); !wildcard {
				r.names[strings.ToLower(name)] = i
			}
		}
	}
	return r
}

// Check returns what is found of a flow, nil if nothing is. A flow without a name
// cannot be told: registries share their addresses with half of the world.
func (r *Registries) Check(f *learn.Flow) *Alert {
	name, ok := learn.HostName(f.Name)
	if !ok || f.Action == learn.Refused {
		return nil
	}
	i, ok := r.names[name]
	if !ok {
		i = slices.IndexFunc(r.list, func(x learn.Registry) bool {
			return slices.ContainsFunc(x.Public, func(public string) bool { return learn.AdmitsName(public, name) })
		})
	}
	if i < 0 || !binds(&r.list[i], f, name) {
		return nil
	}
	return r.found(&r.list[i], f, name)
}

// binds says whether the mirror is to be used for a flow: by its agent, and unless the
// mirror itself has that name or address.
func binds(x *learn.Registry, f *learn.Flow, name string) bool {
	own := slices.ContainsFunc(x.Mirrors, func(m string) bool { return strings.EqualFold(m, name) || m == f.Dst.String() })
	return !own && (len(x.Agents) == 0 || slices.Contains(x.Agents, f.Agent))
}

func (r *Registries) found(x *learn.Registry, f *learn.Flow, name string) *Alert {
	severity, why := Medium, fmt.Sprintf("packages of %s are to come from %s, and this is a public registry", x.Ecosystem, strings.Join(x.Mirrors, ", "))
	if f.Up >= uploadFrom && f.Up > f.Down || strings.HasPrefix(name, "upload.") {
		severity, why = High, fmt.Sprintf("%s sent to a public registry of %s: a package was published, or something left as one", learn.Size(f.Up), x.Ecosystem)
	}
	return of(f, Finding(RegistryBypass, severity, f.Time, f.Agent, name, why))
}
