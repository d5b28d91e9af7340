package ipranges

// Below so many spans a comparing sort is as fast.
const radixFrom = 4096

// digitBits are sorted by at a time: three rounds for an address.
const digitBits = 11

// sort4 sorts many spans of IPv4 by where they begin, digit by digit from the
// last one; few are left to [join]. Lists of feeds and of large networks have
// up to a million of them.
func sort4(spans []span[a4]) {
	if len(spans) < radixFrom {
		return
	}
	from, to := spans, make([]span[a4], len(spans))
	for shift := 0; shift < 32; shift += digitBits {
		deal(from, to, shift)
		from, to = to, from
	}
	copy(spans, from)
}

// deal puts spans in the order of one digit and leaves equals as they were.
func deal(from, to []span[a4], shift int) {
	const digits = 1 << digitBits
	var place [digits]int
	for _, s := range from {
		place[s.lo>>shift%digits]++
	}
	next := 0
	for d, n := range place {
		place[d] = next
		next += n
	}
	for _, s := range from {
		d := s.lo >> shift % digits
		to[place[d]] = s
		place[d]++
	}
}
