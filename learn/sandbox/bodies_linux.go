package sandbox

import (
	"tripline/learn/internal/dissect"
	"tripline/learn/sandbox/internal/bodies"
)

// listen begins to hash bodies, if what the command says first is a request of
// HTTP/1 and the other side has not spoken before.
func (t *talk) listen(head []byte) {
	if t.b.o.HashPayload <= 0 || t.down.Load() > 0 {
		return
	}
	if _, state := dissect.HTTP(head); state == dissect.Other {
		return
	}
	tap := bodies.New(t.b.o.HashPayload)
	tap.Up(head)
	t.tap.Store(tap)
}

// hears returns what is told of all that is copied one way, nil if nobody wants to
// know. An answer finds the tap there: it comes after the request was sent.
func (t *talk) hears(way func(*bodies.Tap, []byte)) func([]byte) {
	if t.b.o.HashPayload <= 0 {
		return nil
	}
	return func(data []byte) {
		if tap := t.tap.Load(); tap != nil {
			way(tap, data)
		}
	}
}
