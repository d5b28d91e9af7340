package learn

import (
	"cmp"
	"slices"
)

// Below so many spots a comparing sort is as fast.
const radixFrom = 512

// digitBits are sorted by at a time: three rounds for an address of IPv4.
const digitBits = 11

// sortSpots sorts by key, digit by digit from the last one. Digits that all keys
// share are left out.
func sortSpots(spots []spot) {
	if len(spots) < radixFrom {
		slices.SortFunc(spots, func(a, b spot) int { return cmp.Compare(a.key, b.key) })
		return
	}
	differ, sorted := uint64(0), true
	for i, s := range spots[1:] {
		differ |= s.key ^ spots[i].key
		sorted = sorted && s.key >= spots[i].key
	}
	if sorted {
		return
	}
	from, to := spots, make([]spot, len(spots))
	for shift := 0; differ>>shift != 0; shift += digitBits {
		if differ>>shift%(1<<digitBits) != 0 {
			deal(from, to, shift)
			from, to = to, from
		}
	}
	if &from[0] != &spots[0] {
		copy(spots, from)
	}
}

// deal puts spots in the order of one digit and leaves equals as they were.
func deal(from, to []spot, shift int) {
	const digits = 1 << digitBits
	var next [digits]int
	for i := range from {
		next[from[i].key>>shift%digits]++
	}
	sum := 0
	for d, n := range next {
		next[d] = sum
		sum += n
	}
	for _, s := range from {
		d := s.key >> shift % digits
		to[next[d]] = s
		next[d]++
	}
}
