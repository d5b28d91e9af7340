package store

// A dict numbers values in the order they come. It lives as long as a batch.
type dict[T comparable] struct {
	ids  map[T]uint32
	list []T
}

func newDict[T comparable]() *dict[T] { return &dict[T]{ids: map[T]uint32{}} }

func (d *dict[T]) id(v T) uint32 {
	id, ok := d.ids[v]
	if !ok {
		id = uint32(len(d.list))
		d.ids[v] = id
		d.list = append(d.list, v)
	}
	return id
}

// A numbering is a dict of some kind.
type numbering[T any] interface{ id(v T) uint32 }

// A lookup asks a dict for the values of one field. Neighbours are often equal,
// and comparing is cheaper than hashing.
type lookup[T comparable] struct {
	dict numbering[T]
	last T
	id   uint32
	any  bool // whether anything was asked yet
}

func (l *lookup[T]) of(v T) uint32 {
	if !l.any || v != l.last {
		l.last, l.id, l.any = v, l.dict.id(v), true
	}
	return l.id
}

// A local renumbers the values of a dict for one block, where fewer occur.
type local struct {
	number []uint32 // by number in the dict: the one in the block, counted from 1
	used   []uint32 // by number in the block: the one in the dict
}

func (l *local) id(global uint32) uint32 {
	for uint32(len(l.number)) <= global {
		l.number = append(l.number, 0)
	}
	if l.number[global] == 0 {
		l.used = append(l.used, global)
		l.number[global] = uint32(len(l.used))
	}
	return l.number[global] - 1
}

func (l *local) reset() {
	for _, g := range l.used {
		l.number[g] = 0
	}
	l.used = l.used[:0]
}
