package store

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"tripline/learn"
)

// A spot is what makes two flows of a batch go to the same destination. It has
// no pointers, so that hashing and comparing it is quick.
type spot struct{ agent, dst, name, service uint32 }

// A near is the last spot at an address, mostly the next one as well.
type near struct {
	spot spot
	sum  int32 // its number, -1 if there is none yet
}

// A packer turns the flows of a batch into blocks and sums, in one pass and
// outside of any transaction.
type packer struct {
	codec  *codec
	texts  *dict[string]
	addrs  *addrDict
	agent  lookup[string]
	name   lookup[string]
	iface  lookup[string]
	rule   lookup[string]
	who    processes
	src    lookup[netip.Addr]
	dst    lookup[netip.Addr]
	spots  *dict[spot]
	sums   []sum  // by number in spots
	near   []near // by number in addrs
	block  block
	blocks [][]byte

	count       uint64 // flows packed
	first, last instant
}

func newPacker(c *codec, run string) *packer {
	texts, addrs := newDict[string](), newAddrDict()
	return &packer{
		codec: c, texts: texts, addrs: addrs, spots: newDict[spot](), block: block{run: run},
		agent: lookup[string]{dict: texts}, name: lookup[string]{dict: texts},
		iface: lookup[string]{dict: texts}, rule: lookup[string]{dict: texts}, who: newProcesses(texts),
		src: lookup[netip.Addr]{dict: addrs}, dst: lookup[netip.Addr]{dict: addrs},
	}
}

// pack packs all flows of a batch.
func pack(c *codec, run string, flows []learn.Flow) (*packer, error) {
	p := newPacker(c, run)
	for i := range flows {
		f := &flows[i]
		if why := unfit(f); why != "" {
			return nil, fmt.Errorf("flow %d of the batch: %s", i, why)
		}
		p.add(f)
		if p.block.full() {
			if err := p.flush(); err != nil {
				return nil, err
			}
		}
	}
	return p, p.flush()
}

// unfit says what of a flow could not be given back as it was.
func unfit(f *learn.Flow) string {
	switch {
	case f.Agent == "":
		return "it has no agent"
	case len(f.Agent) > maxText, len(f.Name) > maxText, len(f.Interface) > maxText, len(f.Rule) > maxText:
		return fmt.Sprintf("one of its texts is longer than %d bytes", maxText)
	case f.Dst.Zone() != "" || f.Src.Zone() != "":
		return "one of its addresses has a zone"
	case f.Process != nil && tooMuch(f.Process):
		return fmt.Sprintf("its process has more than %d arguments or %d bytes of text", maxArgs, maxText)
	case f.Payload != nil && tooLong(f.Payload):
		return fmt.Sprintf("its payload has more than %d exchanges or %d bytes of text", maxExchanges, maxText)
	}
	return ""
}

func (p *packer) add(f *learn.Flow) {
	p.count++
	r := row{
		at: instantOf(f.Time), agent: p.agent.of(f.Agent), name: p.name.of(f.Name),
		iface: p.iface.of(f.Interface), rule: p.rule.of(f.Rule),
		src: p.src.of(f.Src), dst: p.dst.of(f.Dst), process: p.who.of(f.Process),
	}
	p.block.add(f, &r, p.texts.list)
	p.sum(f, &r)
}

// sum folds the flow into its destination.
func (p *packer) sum(f *learn.Flow, r *row) {
	v := f.Service()
	s := spot{r.agent, r.dst, r.name, uint32(v.Proto)<<16 | uint32(v.Port)}
	for len(p.near) <= int(r.dst) {
		p.near = append(p.near, near{sum: -1})
	}
	n := &p.near[r.dst]
	if n.sum < 0 || n.spot != s {
		*n = near{s, int32(p.spots.id(s))}
	}
	if int(n.sum) == len(p.sums) {
		p.sums = append(p.sums, sum{})
	}
	p.sums[n.sum].add(f, r.at)
}

func (p *packer) flush() error {
	if p.block.count == 0 {
		return nil
	}
	if len(p.blocks) == 0 || p.block.first.before(p.first) {
		p.first = p.block.first
	}
	if len(p.blocks) == 0 || p.last.before(p.block.last) {
		p.last = p.block.last
	}
	b, err := p.block.bytes(p.codec, p.texts.list, p.addrs.list)
	p.blocks = append(p.blocks, b)
	return err
}

// A folded destination is ready to be merged with what is stored.
type folded struct {
	agent string
	key   []byte
	name  string // if it is not in the key
	sum   *sum
}

// folded returns the destinations by agent and key, the order in which writing
// them is quick.
func (p *packer) folded() []folded {
	all := make([]folded, len(p.sums))
	keys := make([]byte, 0, 40*len(p.sums))
	for id, s := range p.spots.list {
		t := learn.Target{
			Service: learn.Service{Proto: learn.Proto(s.service >> 16), Port: uint16(s.service)},
			Addr:    p.addrs.list[s.dst], Name: p.texts.list[s.name],
		}
		at := len(keys)
		keys = appendTarget(keys, t)
		p.sums[id].tidy()
		all[id] = folded{p.texts.list[s.agent], keys[at:len(keys):len(keys)], longName(t.Name), &p.sums[id]}
	}
	slices.SortFunc(all, func(a, b folded) int {
		return cmp.Or(strings.Compare(a.agent, b.agent), bytes.Compare(a.key, b.key))
	})
	return all
}
