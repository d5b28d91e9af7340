package learn

import "math"

// searchLimit is how many sums one search may form: about half a second.
const searchLimit = 1 << 29

// unreached stands where no choice has so many open nodes.
const unreached = math.MaxUint64

// A search finds the most that opening a given number of nodes gains, by dynamic
// programming over the tree. At the price of the bundle that did not fit, each
// choice in a subtree loses something against the best one there; what alone
// loses more than the whole may is left out. That keeps the lists short.
type search struct {
	r     *Reduction
	price float64
	slack float64   // what may be lost in all
	value []float64 // by node: the best gain at this price
	want  int
	sums  int
	none  *plan // of a subtree in which nothing is worth opening
}

// A plan is what a subtree can gain, by the number of open nodes from low on.
type plan struct {
	node        int32
	low         int
	gain        []uint64
	left, right *plan // nil where the node is closed
}

// search returns the best choice, or none if it takes too long.
func (r *Reduction) search(c int, budget int32, bound, found uint64) selection {
	s := &search{r: r, want: int(budget), none: &plan{gain: []uint64{0}}, value: make([]float64, len(r.rank))}
	s.price = float64(r.gains[c]-r.gain(c)) / float64(r.counts[c]-r.count(c))
	// One unit for the rounding of the bound, and what sums of floats may err.
	s.slack = float64(bound-found) + 1 + 1e-9*float64(r.all())
	for _, v := range r.tree.order {
		s.value[v] = s.opening(v)
		if !r.tree.frozen[v] {
			s.value[v] = max(0, s.value[v])
		}
	}
	root := s.plan(r.tree.root())
	at := s.want + r.frozen
	if at < root.low || at >= root.low+len(root.gain) || root.gain[at-root.low] == unreached {
		return selection{}
	}
	out := selection{open: make([]bool, len(r.rank)), gain: root.gain[at-root.low], proven: true}
	root.open(r.tree, at, out.open)
	return out
}

// opening is what opening v is worth at the price. A frozen node is opened by
// all choices, so its price is the same for all.
func (s *search) opening(v int32) float64 {
	return float64(s.r.tree.gain[v]) - s.price + s.valueOf(s.r.tree.left[v]) + s.valueOf(s.r.tree.right[v])
}

func (s *search) valueOf(child int32) float64 {
	if child < 0 {
		return 0
	}
	return s.value[child]
}

// plan returns what the subtree of v can gain. Its list is empty where nothing
// that may be lost will do, and once the search takes too long.
func (s *search) plan(v int32) *plan {
	if v < 0 || !s.r.tree.frozen[v] && s.opening(v) < -s.slack {
		return s.none
	}
	left, right := s.plan(s.r.tree.left[v]), s.plan(s.r.tree.right[v])
	p := &plan{node: v, low: left.low + right.low + 1, left: left, right: right}
	s.sums += len(left.gain)*len(right.gain) + p.low
	if s.sums > searchLimit {
		return &plan{}
	}
	p.join(s.r.tree.gain[v])
	if !s.r.tree.frozen[v] {
		p.orClosed()
	}
	s.trim(p)
	return p
}

// join fills in the best sums of both halves.
func (p *plan) join(own uint64) {
	if len(p.left.gain) == 0 || len(p.right.gain) == 0 {
		p.low = 0
		return
	}
	p.gain = make([]uint64, len(p.left.gain)+len(p.right.gain)-1)
	for i := range p.gain {
		p.gain[i] = unreached
	}
	for i, a := range p.left.gain {
		if a == unreached {
			continue
		}
		row := p.gain[i : i+len(p.right.gain)]
		for j, b := range p.right.gain {
			if b == unreached {
				continue
			}
			if sum := own + a + b; row[j] == unreached || sum > row[j] {
				row[j] = sum
			}
		}
	}
}

// orClosed adds the choice to open nothing here.
func (p *plan) orClosed() {
	gain := make([]uint64, max(1, p.low+len(p.gain)))
	for i := range p.low {
		gain[i] = unreached
	}
	copy(gain[p.low:], p.gain)
	gain[0], p.low, p.gain = 0, 0, gain
}

// trim cuts off at both ends what loses too much, and what opens too much.
func (s *search) trim(p *plan) {
	lost := func(i int) bool {
		return p.gain[i] == unreached || s.value[p.node]-(float64(p.gain[i])-s.price*float64(p.low+i)) > s.slack
	}
	from, to := 0, min(len(p.gain), s.want+s.r.frozen+1-p.low)
	for to > from && lost(to-1) {
		to--
	}
	for from < to && lost(from) {
		from++
	}
	p.low, p.gain = p.low+from, p.gain[from:max(from, to)]
}

// open marks what is open where the subtree opens n nodes.
func (p *plan) open(t *prefixTree, n int, open []bool) {
	if p.left == nil || n == 0 {
		return
	}
	open[p.node] = true
	want := p.gain[n-p.low] - t.gain[p.node]
	for i, a := range p.left.gain {
		j := n - 1 - p.left.low - i - p.right.low
		if a != unreached && j >= 0 && j < len(p.right.gain) && p.right.gain[j] != unreached && a+p.right.gain[j] == want {
			p.left.open(t, p.left.low+i, open)
			p.right.open(t, p.right.low+j, open)
			return
		}
	}
}
