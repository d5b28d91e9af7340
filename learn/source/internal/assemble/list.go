package assemble

// A class of flows is idle for equally long before they end.
type class uint8

const (
	asked   class     = iota // TCP that was not answered
	open                     // TCP
	short                    // what has no end of its own
	closed                   // TCP that ended: late packets are its own
	classes                  // how many there are
	none    = classes        // in no list yet
)

// idle is after how long a flow ends. An exchange of UDP outlives the states of
// firewalls (30 to 60 s), a SYN is sent again for two minutes.
var idle = [classes]int64{asked: 180 * second, open: 3600 * second, short: 120 * second, closed: 5 * second}

// A list has the flows of a class, the one that was idle for longest first.
type list struct{ first, last *entry }

// move puts a flow at the end of its list.
func (t *Table) move(e *entry) {
	t.unlist(e)
	l := &t.lists[e.class]
	e.list, e.touched = e.class, e.last
	if e.prev = l.last; e.prev != nil {
		e.prev.next = e
	} else {
		l.first = e
	}
	l.last = e
}

func (t *Table) unlist(e *entry) {
	if e.list == none {
		return
	}
	l := &t.lists[e.list]
	if e.prev != nil {
		e.prev.next = e.next
	} else {
		l.first = e.next
	}
	if e.next != nil {
		e.next.prev = e.prev
	} else {
		l.last = e.prev
	}
	e.prev, e.next, e.list = nil, nil, none
}

// expire ends what was idle for too long.
func (t *Table) expire() {
	for c := range t.lists {
		for e := t.lists[c].first; e != nil && t.now-e.touched >= idle[c]; e = t.lists[c].first {
			t.finish(e)
		}
	}
	t.namer.expire(t.now)
}

// A queue is a list to take from at the front. Its room is used again.
type queue[T any] struct {
	all []T
	at  int
}

func (q *queue[T]) push(v T) {
	if q.at > 64 && q.at > len(q.all)/2 {
		n := copy(q.all, q.all[q.at:])
		clear(q.all[n:])
		q.all, q.at = q.all[:n], 0
	}
	q.all = append(q.all, v)
}

// head returns the first one, nil if there is none.
func (q *queue[T]) head() *T {
	if q.at == len(q.all) {
		return nil
	}
	return &q.all[q.at]
}

// drop removes the first one.
func (q *queue[T]) drop() {
	var zero T
	q.all[q.at] = zero
	if q.at++; q.at == len(q.all) {
		q.all, q.at = q.all[:0], 0
	}
}

func (q *queue[T]) pop(v *T) bool {
	h := q.head()
	if h == nil {
		return false
	}
	*v = *h
	q.drop()
	return true
}
