package syslog

// An Order finds what is missing in the numbers that senders give their messages.
// The zero value is ready.
type Order struct{ last map[string]uint32 }

const (
	mostOrigins = 64      // a forged host name must not fill the memory
	widest      = 1 << 20 // of a gap; what is wider is a restart
	latest      = 64      // how late a datagram may come
)

// Note returns how many messages are missing before this one of an origin. It is
// -1 for one that was missing and came late.
func (o *Order) Note(origin []byte, n uint32) int64 {
	last, known := o.last[string(origin)]
	switch {
	case !known && len(o.last) >= mostOrigins:
		return 0
	case known && n < last && last-n < latest:
		return -1
	case known && n == last:
		return 0
	}
	if o.last == nil {
		o.last = map[string]uint32{}
	}
	o.last[string(origin)] = n
	if !known || n < last || n-last > widest {
		return 0
	}
	return int64(n-last) - 1
}
