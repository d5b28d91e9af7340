package learn

import "slices"

// named drafts a rule for each name. It returns the destinations that are left,
// sorted: those without a name at an address that is not behind one.
func (ds *drafts) named(all []Destination) []*Destination {
	behind := map[Target][]string{} // names at an address, by service
	for i := range all {
		d := &all[i]
		if d.Name == "" {
			continue
		}
		ds.add(subject{name: d.Name}, d)
		at := Target{Service: d.Service, Addr: d.Addr}
		behind[at] = append(behind[at], d.Name)
	}
	var rest []*Destination
	for i := range all {
		d := &all[i]
		if d.Name != "" || !d.Addr.IsValid() {
			continue
		}
		names := behind[d.Target]
		for _, name := range names {
			ds.add(subject{name: name}, d)
		}
		if len(names) == 0 {
			rest = append(rest, d)
		}
	}
	slices.SortFunc(rest, compareDestinations)
	return rest
}
