package sandbox

import (
	"time"

	"tripline/learn"
	"tripline/learn/internal/dissect"
)

// openingWait is how long the rest of a ClientHello is waited for: since it has
// keys against quantum computers it takes two datagrams, which come at once.
const openingWait = 200 * time.Millisecond

// opening returns the datagrams that come first, as many as it takes to see a
// name in them, and whether that is admitted.
func (t *talk) opening(first []byte, in <-chan []byte) (held [][]byte, admitted bool) {
	held, admitted = [][]byte{first}, t.says(first)
	if !admitted || t.hello == nil {
		return held, admitted
	}
	timer := time.NewTimer(openingWait)
	defer timer.Stop()
	for admitted && t.hello != nil {
		select {
		case data := <-in:
			held, admitted = append(held, data), t.says(data)
		case <-timer.C: // the rest is looked at when it comes
			return held, true
		}
	}
	return held, admitted
}

// says looks for a name in a datagram, and decides again if it is another one. A
// ClientHello may be spread over several, and other connections may begin in the
// same exchange, also in between.
func (t *talk) says(data []byte) bool {
	if t.hello == nil {
		if !dissect.IsQUIC(data) {
			return true
		}
		t.hello = new(dissect.QUIC)
	}
	hellos, more := t.hello.Hellos(data)
	if !more {
		t.hello = nil
	}
	for _, h := range hellos {
		if len(h.Name) > 0 && !t.rename(string(h.Name), learn.QUIC) {
			return false
		}
	}
	return true
}

// rename notes the name that a connection says itself. Where it is not the one that was
// asked for, another decision is due; where it said another one before, all until then is
// told by that, and so is the one that was asked for: both were decided on, and have to be
// admitted the next time.
func (t *talk) rename(said string, how learn.Evidence) bool {
	name, ok := learn.CanonicalName(said)
	if !ok {
		return true
	}
	admitted := true
	if name == t.flow.Name {
		t.flow.Evidence = max(t.flow.Evidence, how)
	} else {
		if t.named && t.up.Load() > 0 || !t.named && t.flow.Name != "" {
			t.another()
		}
		t.flow.Name, t.flow.Evidence = name, how
		t.flow.Resolved = t.b.names.told(name, t.flow.Dst)
		admitted = t.b.admit(&t.flow)
	}
	if t.named = true; admitted {
		t.goesOn()
	}
	return admitted
}
