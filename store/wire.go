package store

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// errShort is all a reader says; its caller knows the place.
var errShort = errors.New("cut off or malformed")

// An instant is a time without a place: seconds since 1970 and nanoseconds.
type instant struct {
	sec  int64
	nsec uint32
}

func instantOf(t time.Time) instant { return instant{t.Unix(), uint32(t.Nanosecond())} }

func (i instant) time() time.Time { return time.Unix(i.sec, int64(i.nsec)).UTC() }

func (i instant) before(j instant) bool {
	return i.sec < j.sec || (i.sec == j.sec && i.nsec < j.nsec)
}

func appendInstant(b []byte, i instant) []byte {
	return binary.AppendUvarint(binary.AppendVarint(b, i.sec), uint64(i.nsec))
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendRising appends ascending numbers: how many, the first, the distances.
func appendRising[T ~uint32](b []byte, v []T) []byte {
	b = binary.AppendUvarint(b, uint64(len(v)))
	var last T
	for _, n := range v {
		b = binary.AppendUvarint(b, uint64(n-last))
		last = n
	}
	return b
}

// A reader takes apart what the functions above put together. After a mistake
// it returns zeros; err says so in the end.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	if len(r.b) > 0 && r.b[0] < 0x80 { // nearly always
		v := r.b[0]
		r.b = r.b[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	u := r.uvarint()
	v := int64(u >> 1)
	if u&1 != 0 {
		v = ^v
	}
	return v
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

// take returns the next n bytes, which are still the reader's.
func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) text() string { return string(r.take(r.uvarint())) }

// upTo reads how many things of at least one byte follow, which are no more
// than limit.
func (r *reader) upTo(limit uint64) int {
	n := r.uvarint()
	if n > min(limit, uint64(len(r.b))) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) instant() instant {
	i := instant{sec: r.varint()}
	n := r.uvarint()
	if n >= uint64(time.Second) {
		r.fail()
		return instant{}
	}
	i.nsec = uint32(n)
	return i
}

func rising[T ~uint32](r *reader) []T {
	v := make([]T, r.upTo(1<<32))
	var last uint64
	for i := range v {
		d := r.uvarint()
		if last += d; last > 1<<32-1 || d > 1<<32-1 || (i > 0 && d == 0) {
			r.fail()
			return nil
		}
		v[i] = T(last)
	}
	return slices.Clip(v)
}

func (r *reader) fail() { r.b, r.bad = nil, true }

// err says whether everything was read and nothing was left.
func (r *reader) err() error {
	if r.bad || len(r.b) > 0 {
		return errShort
	}
	return nil
}
