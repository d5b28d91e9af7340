package source

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"

	"tripline/learn"
	"tripline/learn/source/internal/dnslog"
)

const (
	mostAsked = 150 // what dnsmasq has open at once, unless it is told otherwise
	mostChain = 16
)

// A question is what a client asked, and how far the answer has come.
type question struct {
	serial uint32
	client netip.Addr
	name   string
	alias  bool     // an alias of the name was met
	chain  []string // behind the first alias
}

// by returns the question if client asked it, or may have.
func (q *question) by(client netip.Addr) *question {
	if client.IsValid() && client != q.client {
		return nil
	}
	return q
}

// belongs says whether an address of name answers the question: it is its own
// name, or one at the end of a chain. dnsmasq logs what else an answer held, and
// nobody asked for that.
func (q *question) belongs(name string) bool { return q.alias || name == q.name }

// chainTo returns the aliases between the question and name, its last.
func (q *question) chainTo(name string) []string {
	if name == q.name {
		return nil
	}
	chain := slices.Clone(q.chain)
	if len(chain) == 0 || chain[len(chain)-1] != name {
		chain = append(chain, name)
	}
	return chain
}

// aliasOf notes that name is an alias. The same answer may be logged twice, from
// the cache and from upstream: at the question's own name the chain begins anew.
func (q *question) aliasOf(name string) {
	q.alias = true
	switch {
	case name == q.name:
		q.chain = nil
	case len(q.chain) < mostChain:
		q.chain = append(q.chain, name)
	}
}

// Questions are those asked lately, the newest last: a ring would save moving a
// few kilobytes for each question, and be read less easily.
type questions struct {
	list []question
	// Of the answer that is being logged without serials: one more than the place
	// of its question, 0 for none, and the name its addresses are of, "" while the
	// chain goes on.
	current int
	end     string
}

// follow notes what a line says of a question, and returns that question, nil if
// it is not known.
func (qs *questions) follow(l *dnslog.Line) *question {
	switch l.Kind {
	case dnslog.Question:
		qs.add(l)
		return nil
	case dnslog.Aside:
		if l.Serial == 0 {
			qs.current = 0 // the lines of one answer follow each other
		}
		return nil
	default:
	}
	q := qs.of(l)
	if q == nil {
		return nil
	}
	qs.end = l.Name
	if l.Kind == dnslog.Alias {
		qs.end = ""
		q.aliasOf(l.Name)
	}
	return q
}

func (qs *questions) add(l *dnslog.Line) {
	if l.Serial != 0 { // it begins again with each start
		qs.list = slices.DeleteFunc(qs.list, func(q question) bool { return q.serial == l.Serial })
	}
	if len(qs.list) >= mostAsked {
		qs.list = slices.Delete(qs.list, 0, len(qs.list)-mostAsked+1)
	}
	qs.list = append(qs.list, question{serial: l.Serial, client: l.Client, name: l.Name})
	qs.current = 0
}

// of returns the question that a line answers. Without serials it is the one
// whose answer is being logged, if this goes on with it, or else the last about
// that name.
func (qs *questions) of(l *dnslog.Line) *question {
	if l.Serial == 0 && qs.current > 0 {
		if q := &qs.list[qs.current-1]; qs.end == "" || qs.end == l.Name {
			return q
		}
	}
	for i := len(qs.list) - 1; i >= 0; i-- {
		q := &qs.list[i]
		switch {
		case l.Serial != 0 && q.serial == l.Serial:
			return q.by(l.Client)
		case l.Serial == 0 && q.serial == 0 && q.name == l.Name:
			qs.current = i + 1
			q.alias, q.chain = false, nil
			return q
		}
	}
	if l.Serial == 0 {
		qs.current = 0
	}
	return nil
}

// A stored is a question in a state.
type stored struct {
	Serial uint32     `json:"s,omitempty"`
	Client netip.Addr `json:"c"`
	Name   string     `json:"n"`
	Alias  bool       `json:"a,omitempty"`
	Chain  []string   `json:"h,omitempty"`
}

// A storedList is the state of questions.
type storedList struct {
	Asked   []stored `json:"asked"`
	Current int      `json:"current,omitempty"`
	End     string   `json:"end,omitempty"`
}

func (qs *questions) state() []byte {
	list := storedList{Current: qs.current, End: qs.end}
	for _, q := range qs.list {
		list.Asked = append(list.Asked, stored{q.serial, q.client, q.name, q.alias, q.chain})
	}
	text, err := json.Marshal(list)
	if err != nil { // of addresses, names and numbers there is always text
		return nil
	}
	return text
}

func (qs *questions) restore(text []byte) error {
	if len(text) == 0 {
		*qs = questions{}
		return nil
	}
	var s storedList
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("state of a source: %w", err)
	}
	if len(s.Asked) > mostAsked || s.Current < 0 || s.Current > len(s.Asked) {
		return errDamaged
	}
	list := make([]question, 0, len(s.Asked))
	for _, q := range s.Asked {
		if name, ok := learn.CanonicalName(q.Name); !ok || name != q.Name || !q.Client.IsValid() || len(q.Chain) > mostChain {
			return errDamaged
		}
		list = append(list, question{q.Serial, q.Client, q.Name, q.Alias, q.Chain})
	}
	qs.list, qs.current, qs.end = list, s.Current, s.End
	return nil
}
