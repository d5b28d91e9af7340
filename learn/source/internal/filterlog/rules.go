package filterlog

import "tripline/learn/source/internal/scan"

// Rules are the beginnings of lines that were read lately, fields 0 to 7, with
// what they mean. Each rule of the firewall begins its lines with the same text,
// and few rules log most of the lines.
type rules struct {
	known [8]beginning
	next  int // the one to forget
}

// A beginning is fields 0 to 7 with their commas, and the values in them.
type beginning struct {
	text                                           []byte
	rule                                           int64
	anchor, tracker, iface, reason, act, direction string
}

// longestBeginning bounds what a forged line can make us keep.
const longestBeginning = 256

// recall reads fields 0 to 7 if they are known.
func (r *rules) recall(f *scan.Fields, l *Line) bool {
	for i := range r.known {
		b := &r.known[i]
		if len(b.text) == 0 || !f.Prefix(b.text) {
			continue
		}
		l.Rule, l.Anchor, l.Tracker, l.Interface = b.rule, b.anchor, b.tracker, b.iface
		l.Reason, l.Act, l.Direction = b.reason, b.act, b.direction
		return true
	}
	return false
}

// keep remembers text, which was read into l. Text that ends without a comma may
// have been cut, and is no beginning.
func (r *rules) keep(text []byte, l *Line) {
	if len(text) == 0 || len(text) > longestBeginning || text[len(text)-1] != ',' {
		return
	}
	b := &r.known[r.next]
	r.next = (r.next + 1) % len(r.known)
	*b = beginning{
		text: append(b.text[:0], text...), rule: l.Rule, anchor: l.Anchor, tracker: l.Tracker,
		iface: l.Interface, reason: l.Reason, act: l.Act, direction: l.Direction,
	}
}
