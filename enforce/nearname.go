package enforce

import (
	"strings"

	"tripline/learn"
)

// nearName returns the rule that comes closest to the name of f: one for this
// name on another port, or else the one for the nearest name of the same owner.
func (a *AgentPolicy) nearName(f *learn.Flow) *Nearest {
	name, ok := learn.HostName(f.Name)
	if !ok {
		return nil
	}
	owner, owned := learn.Registrable(name)
	var best *Rule
	for i := range a.Rules {
		r := &a.Rules[i]
		if learn.AdmitsName(r.To.Name, name) {
			return &Nearest{r.String(), "it admits the name, but not " + f.Service().String()}
		}
		below, _ := learn.Below(r.To.Name)
		if o, ok := learn.Registrable(below); owned && ok && o == owner && (best == nil || inCommon(r, name) > inCommon(best, name)) {
			best = r
		}
	}
	if best == nil {
		return nil
	}
	return &Nearest{best.String(), otherName(best, owner)}
}

// otherName says what a rule admits of an owner.
func otherName(r *Rule, owner string) string {
	if below, wildcard := learn.Below(r.To.Name); wildcard {
		return "it admits names of " + owner + " below " + below + ", and this one is not"
	}
	return "it admits another name of " + owner
}

// inCommon returns how many labels a rule and a name end with in common.
func inCommon(r *Rule, name string) int {
	a, b := strings.Split(r.To.Name, "."), strings.Split(name, ".")
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}
