package learn

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
)

// seed makes a failure repeatable: it is printed, and TRIPLINE_SEED sets it.
func seed(t *testing.T) uint64 {
	t.Helper()
	s := rand.Uint64()
	if text := os.Getenv("TRIPLINE_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("TRIPLINE_SEED: %v", err)
		}
		s = n
	}
	t.Logf("TRIPLINE_SEED=%d", s)
	return s
}

// The brute-force twin lists every set of prefixes that admits all members and
// does not overlap, and works out what each is worth from the definition.
func antichains(c *chooser, n node, members []uint64) [][]node {
	depth := len(c.model.strength)
	inside := below(members, n, depth)
	if len(inside) == 0 {
		return [][]node{nil}
	}
	if n.bits == depth {
		return [][]node{{n}}
	}
	var out [][]node
	if n.bits >= c.widest && len(inside) >= c.least && c.allowed(n) {
		out = append(out, []node{n})
	}
	lower := node{n.key, n.bits + 1}
	upper := node{n.key | 1<<(depth-1-n.bits), n.bits + 1}
	for _, l := range antichains(c, lower, members) {
		for _, u := range antichains(c, upper, members) {
			out = append(out, slices.Concat(l, u))
		}
	}
	return out
}

func below(keys []uint64, n node, depth int) []uint64 {
	var out []uint64
	for _, k := range keys {
		if (k^n.key)>>(depth-n.bits) == 0 {
			out = append(out, k)
		}
	}
	return out
}

// massOf multiplies the probabilities on the way from the root to n.
func massOf(c *chooser, n node) float64 {
	depth, mass := len(c.model.strength), 1.0
	weigh := func(n node) (sum float64) {
		for _, k := range below(c.sample.keys, n, depth) {
			i := slices.Index(c.sample.keys, k)
			sum += c.sample.sums[i+1] - c.sample.sums[i]
		}
		return sum
	}
	for l := range n.bits {
		a := c.model.strength[l]
		at := node{n.key >> (depth - l) << (depth - l), l}
		next := node{n.key >> (depth - l - 1) << (depth - l - 1), l + 1}
		mass *= (weigh(next) + a/2) / (weigh(at) + a)
	}
	return mass
}

func worth(c *chooser, nodes []node) float64 {
	sum := 0.0
	for _, n := range nodes {
		if n.bits == len(c.model.strength) {
			sum -= c.beta
		} else {
			sum += c.value(n, c.mass(n, massOf(c, n)))
		}
	}
	return sum
}

// smallChooser makes a problem that can be searched completely.
func smallChooser(r *rand.Rand) (c *chooser, members []uint64) {
	const depth = 6
	c = &chooser{widest: r.IntN(3), least: r.IntN(4), news: 3 * r.Float64(), lambda: math.Exp(-6 * r.Float64())}
	c.beta, c.bits = r.Float64()/4, r.Float64()
	c.price = c.beta * (1 + r.Float64())
	for range depth {
		c.model.strength = append(c.model.strength, math.Ldexp(1, r.IntN(9)-4))
	}
	keys := make([]uint64, 0, 8)
	for range 2 + r.IntN(6) {
		keys = append(keys, r.Uint64N(1<<depth))
	}
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		c.sample.add(k, 0.1+r.Float64())
		if len(members) < 5 && r.IntN(3) > 0 {
			members = append(members, k)
		}
	}
	if len(members) == 0 {
		members = c.sample.keys[:1]
	}
	if forbidden := r.Uint64N(1 << depth); r.IntN(2) == 0 {
		c.allowed = func(n node) bool { return len(below([]uint64{forbidden}, n, depth)) == 0 }
	} else {
		c.allowed = func(node) bool { return true }
	}
	if r.IntN(2) == 0 {
		c.extra = func(n node) float64 { return math.Ldexp(0.3, -n.bits) }
		for bits := range depth + 1 {
			c.most = append(c.most, math.Ldexp(0.3, -bits))
		}
	}
	return c, members
}

func TestChoiceIsTheExactOptimum(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	wide := 0
	for range 300 {
		c, members := smallChooser(r)
		best := math.Inf(-1)
		for _, nodes := range antichains(c, node{}, members) {
			best = max(best, worth(c, nodes))
		}
		got, chosen := c.choose(members)
		if math.Abs(got-best) > 1e-9 {
			t.Fatalf("value %v, want %v\nmembers %v chosen %v\n%+v", got, best, members, chosen, c)
		}
		if w := worth(c, chosen); math.Abs(w-got) > 1e-9 {
			t.Fatalf("the nodes %v are worth %v, not the value %v", chosen, w, got)
		}
		if slices.ContainsFunc(chosen, func(n node) bool { return n.bits < 6 }) {
			wide++
		}
	}
	if wide < 30 || wide > 290 {
		t.Errorf("%d of 300 problems have a wide answer: the test says little", wide)
	}
}

// A node that is not on the way to any key is as likely as its twin: the masses
// of all leaves are a distribution.
func TestMassesSumToOne(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	for range 20 {
		c, _ := smallChooser(r)
		sum := 0.0
		for k := range uint64(1 << 6) {
			sum += massOf(c, node{k, 6})
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Fatalf("the masses sum to %v, want 1", sum)
		}
	}
}

// Two keys that part at the second of three bits, each without the other, by hand.
func TestLeftOutOfTwoKeys(t *testing.T) {
	p := polya{strength: []float64{2, 4, 8}}
	// A node of strength a that holds one other key sends the next one to it
	// with (1 + a/2) / (1 + a) and past it with the rest; after that each half
	// is as good as the other.
	want := 2.0 / 3 * 2 / 5 * 1 / 2
	for _, got := range p.leftOut(nil, []uint64{0b000, 0b010}, 0, 1) {
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

// The probabilities of a left-out key are those of a sample without it.
func TestLeftOutIsWhatTheOthersSay(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	for range 50 {
		c, _ := smallChooser(r)
		keys := c.sample.keys
		if len(keys) < 2 {
			continue
		}
		for i, got := range c.model.leftOut(nil, keys, 0, 1) {
			others := &chooser{model: c.model}
			for j, k := range keys {
				if j != i {
					others.sample.add(k, 1)
				}
			}
			if want := massOf(others, node{keys[i], 6}); math.Abs(got-want) > 1e-12 {
				t.Fatalf("key %d of %v: got %v, want %v", i, keys, got, want)
			}
		}
	}
}

// Neighbours that share their upper bits make the upper strengths small and,
// spread evenly below, the lower ones large.
func TestStrengthsFollowTheData(t *testing.T) {
	var groups [][]uint64
	for g := range uint64(8) {
		var keys []uint64
		for i := range uint64(16) {
			keys = append(keys, g<<5<<8|i<<4)
		}
		groups = append(groups, keys)
	}
	p := newPolya(16, groups)
	if p.strength[4] >= 1 || p.strength[9] <= 100 {
		t.Errorf("got strengths %v, want a small one at depth 4 and a large one at depth 9", p.strength)
	}
	if p.strength[15] != 1 {
		t.Errorf("got strength %v at a depth that no two keys reach, want 1", p.strength[15])
	}
}

func TestEvennessOfASpread(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var spread, dense []uint64
	for i := range uint64(20) {
		spread = append(spread, 0x0a000000+r.Uint64N(1<<17))
		dense = append(dense, 0x0a000000+i*3)
	}
	slices.Sort(spread)
	p := newPolya(32, [][]uint64{dense})
	if e := p.evenness(spread, 1<<17); e < 0.9 {
		t.Errorf("evenness %v of addresses spread evenly, want nearly 1", e)
	}
	if e := p.evenness(dense, 1<<17); e > 0.01 {
		t.Errorf("evenness %v of addresses side by side, want nearly 0", e)
	}
	if e := p.evenness(spread[:1], 1<<17); e != 0 {
		t.Errorf("evenness %v of one address, want 0: it says nothing", e)
	}
}
