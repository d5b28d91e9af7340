package assemble

import (
	"tripline/learn"
	"tripline/learn/internal/dissect"
)

// Bounds of what is put together to find names.
const (
	mostTalks    = 1 << 14
	mostTalkRoom = 32 << 20    // bytes
	talkWindow   = 10 * second // how long the rest is waited for
	mostNames    = 1 << 16     // that are remembered, to have each once
	mostKept     = 253         // bytes of a name that is remembered
)

// A talk is what was said by a flow so far.
type talk struct {
	owner  *entry
	dir    uint8
	stream dissect.Stream
	quic   dissect.QUIC
	best   saying // so far
	since  int64
	room   int
}

// A namer finds names and holds what that takes.
type namer struct {
	talks queue[*talk]
	count int // of talks that have an owner
	room  int
	names map[string]string // as said: canonical, "" for what is no name
}

func newNamer() namer { return namer{names: map[string]string{}} }

// talk returns that of a flow.
func (n *namer) talk(t *Table, e *entry) *talk {
	if e.talk == nil {
		for n.count >= mostTalks {
			n.relieve(t)
		}
		e.talk = &talk{owner: e, since: t.now}
		n.talks.push(e.talk)
		n.count++
	}
	return e.talk
}

// grown counts what a talk holds, and gives up the oldest ones if it is too much
// of all.
func (n *namer) grown(t *Table, k *talk) {
	now := k.stream.Size() + k.quic.Size()
	n.room += now - k.room
	k.room = now
	for n.room > mostTalkRoom {
		n.relieve(t)
	}
}

// relieve gives up the oldest talk.
func (n *namer) relieve(t *Table) {
	var k *talk
	for n.talks.pop(&k) {
		if e := k.owner; e != nil {
			t.lost.Unnamed++
			n.give(e)
			e.settled = true
			return
		}
	}
}

// expire gives up what was waited for too long.
func (n *namer) expire(now int64) {
	for k := n.talks.head(); k != nil; k = n.talks.head() {
		e := (*k).owner
		if e != nil && now-(*k).since < talkWindow {
			return
		}
		if e != nil {
			n.give(e)
			e.settled = !e.isDNS()
		}
		n.talks.drop()
	}
}

// give ends a talk with what was found so far.
func (n *namer) give(e *entry) {
	k := e.talk
	if k == nil {
		return
	}
	if e.name == "" && len(k.best.name) > 0 {
		n.name(e, k.best)
	}
	n.room -= k.room
	n.count--
	k.owner, e.talk = nil, nil
	*k = talk{}
}

// fronts are names that stand in for the true ones (draft-ietf-tls-esni, section
// 5: the public name), as their operators publish them in HTTPS records.
var fronts = map[string]bool{"cloudflare-ech.com": true, "cloudflare-esni.com": true}

// name gives a flow the name it said. Behind the name of a front is another.
func (n *namer) name(e *entry, s saying) {
	name, ok := n.canonical(s.name)
	if s.hidden && (len(s.name) == 0 || fronts[name]) {
		e.hidden = true
		return
	}
	if ok {
		e.name, e.evidence = name, s.evidence
	}
}

// canonical returns a name as flows carry it.
func (n *namer) canonical(b []byte) (string, bool) {
	if len(b) == 0 {
		return "", false
	}
	if name, ok := n.names[string(b)]; ok {
		return name, name != ""
	}
	raw := string(b)
	name, ok := learn.CanonicalName(raw)
	if len(b) <= mostKept {
		if len(n.names) >= mostNames {
			clear(n.names)
		}
		n.names[raw] = name
	}
	return name, ok
}
