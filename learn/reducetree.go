package learn

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"tripline/ipranges"
)

// A prefixTree is the binary tree over prefixes that do not overlap, ascending,
// with only the nodes that branch. Node i is the shortest prefix that holds the
// leaves i and i+1: a gap between two leaves belongs to exactly one node.
type prefixTree struct {
	leaves      []netip.Prefix
	bits        []int16 // of the node's prefix; -1 joins the families
	left, right []int32 // a node, or ^ of a leaf
	order       []int32 // of the nodes, children first
	frozen      []bool  // must stay open
	gain        []uint64
}

// joins is the node above both families.
const joins = -1

// newPrefixTree builds the tree in one pass over the gaps, the open nodes of the
// path to the last leaf on a stack.
func newPrefixTree(leaves []netip.Prefix) *prefixTree {
	n := max(0, len(leaves)-1)
	t := &prefixTree{
		leaves: leaves, bits: make([]int16, n), left: make([]int32, n), right: make([]int32, n),
		order: make([]int32, 0, n), frozen: make([]bool, n), gain: make([]uint64, n),
	}
	var path []int32
	for i := range n {
		t.bits[i] = common(leaves[i].Addr(), leaves[i+1].Addr())
		t.left[i], t.right[i] = ^int32(i), ^int32(i+1)
		path = t.settle(path, t.bits[i], i)
		if len(path) > 0 {
			t.right[path[len(path)-1]] = int32(i)
		}
		path = append(path, int32(i))
	}
	t.settle(path, joins-1, n)
	t.weigh()
	return t
}

// settle takes from the path the nodes below one of so many bits; they are the
// left half of the next one.
func (t *prefixTree) settle(path []int32, bits int16, next int) []int32 {
	for len(path) > 0 && t.bits[path[len(path)-1]] > bits {
		done := path[len(path)-1]
		path = path[:len(path)-1]
		t.order = append(t.order, done)
		if next < len(t.left) {
			t.left[next] = done
		}
	}
	return path
}

// common returns how many bits two addresses share, [joins] if they are of two
// families.
func common(a, b netip.Addr) int16 {
	if a.Is4() != b.Is4() {
		return joins
	}
	x, y := a.As16(), b.As16()
	hi := binary.BigEndian.Uint64(x[:8]) ^ binary.BigEndian.Uint64(y[:8])
	lo := binary.BigEndian.Uint64(x[8:]) ^ binary.BigEndian.Uint64(y[8:])
	n := bits.LeadingZeros64(hi)
	if hi == 0 {
		n = 64 + bits.LeadingZeros64(lo)
	}
	if a.Is4() {
		n -= 96
	}
	return int16(n)
}

// weigh computes what opening each node gains: what of its prefix is in neither
// half. Within one /64 network that is nothing.
func (t *prefixTree) weigh() {
	for _, v := range t.order {
		v4 := t.leaves[v].Addr().Is4()
		switch {
		case t.bits[v] == joins, !v4 && t.bits[v] == 0:
			t.frozen[v] = true
		case v4 || t.bits[v] < 64:
			t.gain[v] = units(v4, t.bits[v]) - units(v4, t.bitsOf(t.left[v])) - units(v4, t.bitsOf(t.right[v]))
		}
	}
}

// units is the exposure of a prefix.
func units(v4 bool, bits int16) uint64 {
	if v4 {
		return 1 << (32 - bits)
	}
	return 1 << (64 - min(bits, 64))
}

func (t *prefixTree) bitsOf(child int32) int16 {
	if child < 0 {
		return int16(t.leaves[^child].Bits())
	}
	return t.bits[child]
}

// freeze keeps nodes open that hold anything of what is closed, which is in no
// leaf.
func (t *prefixTree) freeze(closed ipranges.Set) {
	for _, v := range t.order {
		if t.frozen[v] || t.under(t.left[v]) || t.under(t.right[v]) || closed.Within(t.prefix(v)) > 0 {
			t.frozen[v] = true
			t.gain[v] = 0
		}
	}
}

func (t *prefixTree) under(child int32) bool { return child >= 0 && t.frozen[child] }

func (t *prefixTree) prefix(v int32) netip.Prefix {
	return netip.PrefixFrom(t.leaves[v].Addr(), int(t.bits[v])).Masked()
}

// root returns the topmost node, -1 of a single leaf.
func (t *prefixTree) root() int32 {
	if len(t.order) == 0 {
		return ^int32(0)
	}
	return t.order[len(t.order)-1]
}

// prefixes writes the tree with these nodes open.
func (t *prefixTree) prefixes(open []bool) []netip.Prefix {
	var out []netip.Prefix
	var write func(v int32)
	write = func(v int32) {
		switch {
		case v < 0:
			out = append(out, t.leaves[^v])
		case open[v] || t.frozen[v]:
			write(t.left[v])
			write(t.right[v])
		default:
			out = append(out, t.prefix(v))
		}
	}
	if len(t.leaves) > 0 {
		write(t.root())
	}
	return out
}
