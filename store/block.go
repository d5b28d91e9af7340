package store

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"time"

	"tripline/learn"
)

// A row is what of a flow is looked up once per batch.
type row struct {
	at                       instant
	agent, name, iface, rule uint32 // in the batch's texts
	process                  uint32 // likewise, counted from 1; 0 is none
	src, dst                 uint32 // in the batch's addresses
}

// A block gathers flows until it is full, then becomes bytes.
type block struct {
	run         string
	count       int
	first, last instant
	before      int64 // seconds of the flow before
	nanos       []uint32
	texts       local
	addrs       local
	textBytes   int
	cols        [columns][]byte
}

// add appends a flow.
func (b *block) add(f *learn.Flow, r *row, texts []string) {
	if b.count == 0 || r.at.before(b.first) {
		b.first = r.at
	}
	if b.count == 0 || b.last.before(r.at) {
		b.last = r.at
	}
	b.count++
	b.put(colSecond, zigzag(r.at.sec-b.before))
	b.before = r.at.sec
	b.nanos = append(b.nanos, r.at.nsec)
	b.text(colAgent, r.agent, texts)
	b.text(colName, r.name, texts)
	b.text(colInterface, r.iface, texts)
	b.text(colRule, r.rule, texts)
	b.put(colSrc, uint64(b.addrs.id(r.src)))
	b.put(colDst, uint64(b.addrs.id(r.dst)))
	b.cols[colSrcPort] = append(b.cols[colSrcPort], byte(f.SrcPort), byte(f.SrcPort>>8))
	b.cols[colDstPort] = append(b.cols[colDstPort], byte(f.DstPort), byte(f.DstPort>>8))
	b.cols[colProto] = append(b.cols[colProto], byte(f.Proto))
	b.cols[colAction] = append(b.cols[colAction], byte(f.Action))
	b.cols[colEvidence] = append(b.cols[colEvidence], evidenceByte(f))
	b.put(colUp, f.Up)
	b.put(colDown, f.Down)
	b.process(r, texts)
	b.payload(f.Payload)
}

// process fills the column only from the first flow on that has one: most sources
// know none.
func (b *block) process(r *row, texts []string) {
	if r.process == 0 && len(b.cols[colProcess]) == 0 {
		return
	}
	if len(b.cols[colProcess]) == 0 {
		b.cols[colProcess] = append(b.cols[colProcess], make([]byte, b.count-1)...)
	}
	if r.process == 0 {
		b.put(colProcess, 0)
		return
	}
	b.put(colProcess, uint64(b.local(r.process-1, texts))+1)
}

// full says whether another flow would go into the next block.
func (b *block) full() bool { return b.count >= maxFlows || b.textBytes >= fullDict }

func (b *block) put(c column, v uint64) {
	b.cols[c] = binary.AppendUvarint(b.cols[c], v)
}

func (b *block) text(c column, global uint32, texts []string) {
	b.put(c, uint64(b.local(global, texts)))
}

// local is the number of a text in this block.
func (b *block) local(global uint32, texts []string) uint32 {
	known := len(b.texts.used)
	id := b.texts.id(global)
	if len(b.texts.used) > known {
		b.textBytes += len(texts[global])
	}
	return id
}

func zigzag(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

// bytes returns the finished block and makes room for the next one.
func (b *block) bytes(c *codec, texts []string, addrs []netip.Addr) ([]byte, error) {
	body := b.body(texts, addrs)
	v := append(make([]byte, 0, 64+len(body)/2), b.version(), codecPlain)
	v = binary.AppendUvarint(v, uint64(b.count))
	v = appendInstant(appendInstant(v, b.first), b.last)
	v = appendText(v, b.run)
	v = binary.AppendUvarint(v, uint64(len(body)))
	var err error
	if len(body) < worthwhile {
		v = append(v, body...)
	} else if v[1] = codecZstd; true {
		v, err = c.compress(v, body)
	}
	b.reset()
	return binary.LittleEndian.AppendUint32(v, crc32.Checksum(v, castagnoli())), err
}

// version is the one that has all that is to be written: what nobody asked for keeps
// nobody from reading the rest.
func (b *block) version() byte {
	if len(b.cols[colPayload]) == 0 {
		return blockVersion - 1
	}
	return blockVersion
}

// castagnoli is the polynomial that processors have an instruction for.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func (b *block) body(texts []string, addrs []netip.Addr) []byte {
	unit := b.scale()
	n := b.textBytes + 5*len(b.texts.used) + 17*len(b.addrs.used) + 256
	for _, c := range b.cols {
		n += len(c)
	}
	body := binary.AppendUvarint(make([]byte, 0, n), uint64(len(b.texts.used)))
	for _, id := range b.texts.used {
		body = appendText(body, texts[id])
	}
	body = binary.AppendUvarint(body, uint64(len(b.addrs.used)))
	for _, id := range b.addrs.used {
		body = appendAddr(body, addrs[id])
	}
	body = binary.AppendUvarint(body, uint64(unit))
	for _, c := range b.cols[:columnsOf(b.version())] {
		body = append(binary.AppendUvarint(body, uint64(len(c))), c...)
	}
	return body
}

// scale writes the nanoseconds in the coarsest unit that loses nothing: most
// sources know milliseconds or microseconds only.
func (b *block) scale() (unit uint32) {
	unit = uint32(time.Second)
	for _, n := range b.nanos {
		for n%unit != 0 {
			unit /= 1000
		}
	}
	for _, n := range b.nanos {
		b.put(colNanos, uint64(n/unit))
	}
	return unit
}

func appendAddr(b []byte, a netip.Addr) []byte {
	switch {
	case a.Is4():
		v := a.As4()
		return append(append(b, 4), v[:]...)
	case a.IsValid():
		v := a.As16()
		return append(append(b, 16), v[:]...)
	}
	return append(b, 0)
}

func (b *block) reset() {
	b.count, b.before, b.textBytes = 0, 0, 0
	b.nanos = b.nanos[:0]
	b.texts.reset()
	b.addrs.reset()
	for i := range b.cols {
		b.cols[i] = b.cols[i][:0]
	}
}

// resolvedBit marks, beside the evidence, a name that DNS told to be at the
// address.
const resolvedBit = 0x80

func evidenceByte(f *learn.Flow) byte {
	if f.Resolved {
		return byte(f.Evidence) | resolvedBit
	}
	return byte(f.Evidence)
}
