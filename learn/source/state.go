package source

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
)

// The state of a judge: a version, the seed, when the last record was, the
// interfaces seen, the networks of hosts, what is still remembered, and a
// checksum.
const stateVersion = 2

// state writes it. What is too old to matter is left out.
func (j *judge) state() []byte {
	b := []byte{stateVersion}
	b = binary.LittleEndian.AppendUint64(b, j.recent.seed[0])
	b = binary.LittleEndian.AppendUint64(b, j.recent.seed[1])
	b = binary.LittleEndian.AppendUint32(b, j.now)
	b = j.roles.append(b)
	return seal(j.recent.append(b, j.now))
}

// seal ends a state, which begins with its version, with a checksum.
func seal(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// unseal returns what is between the version and the checksum of a state.
func unseal(b []byte, version byte) ([]byte, error) {
	if b[0] != version {
		return nil, fmt.Errorf("state of a source: version %d, want %d", b[0], version)
	}
	n := len(b) - 4
	if n < 1 || crc32.ChecksumIEEE(b[:n]) != binary.LittleEndian.Uint32(b[n:]) {
		return nil, errDamaged
	}
	return b[1:n], nil
}

// restore reads it. Nil, the state before the first record, is accepted.
func (j *judge) restore(b []byte) error {
	if len(b) == 0 {
		j.recent, j.now = newRecent(), 0
		j.roles.restore(nil, nil)
		return nil
	}
	body, err := unseal(b, stateVersion)
	if err != nil {
		return err
	}
	return j.read(body)
}

// errDamaged is returned by restore for bytes that state did not write.
var errDamaged = errors.New("state of a source: damaged")

func (j *judge) read(b []byte) error {
	if len(b) < 20 {
		return errDamaged
	}
	table := newRecent()
	table.seed = [2]uint64{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
	now := binary.LittleEndian.Uint32(b[16:])
	seen, b, ok := readRoles(b[20:])
	if !ok {
		return errDamaged
	}
	hosts, b, ok := readNetworks(b)
	if !ok || !table.read(b) {
		return errDamaged
	}
	j.roles.restore(seen, hosts)
	j.recent, j.now = table, now
	return nil
}

// append writes how many interfaces there are, then length, name and evidence;
// and the same of the networks, with their addresses.
func (r *roles) append(b []byte) []byte {
	names := make([]string, 0, len(r.seen))
	for name := range r.seen {
		names = append(names, name)
	}
	slices.Sort(names)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(names)))
	for _, name := range names {
		b = append(b, byte(len(name)))
		b = append(b, name...)
		b = append(b, byte(r.seen[name]))
	}
	return r.appendNetworks(b)
}

func (r *roles) appendNetworks(b []byte) []byte {
	list := slices.SortedFunc(maps.Keys(r.hosts), func(m, n network) int {
		return cmp.Or(strings.Compare(m.name, n.name), bytes.Compare(m.bits[:], n.bits[:]))
	})
	b = binary.LittleEndian.AppendUint16(b, uint16(len(list)))
	for _, n := range list {
		b = append(b, byte(len(n.name)))
		b = append(b, n.name...)
		b = append(b, n.bits[:]...)
	}
	return b
}

func readNetworks(b []byte) (hosts map[network]struct{}, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(binary.LittleEndian.Uint16(b))
	hosts, b = make(map[network]struct{}, n), b[2:]
	for range n {
		if len(b) < 1 || len(b) < 1+int(b[0])+8 {
			return nil, nil, false
		}
		end := 1 + int(b[0])
		hosts[network{string(b[1:end]), [8]byte(b[end:])}] = struct{}{}
		b = b[end+8:]
	}
	return hosts, b, true
}

func readRoles(b []byte) (seen map[string]evidence, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(binary.LittleEndian.Uint16(b))
	seen, b = make(map[string]evidence, n), b[2:]
	for range n {
		if len(b) < 2 || len(b) < 2+int(b[0]) {
			return nil, nil, false
		}
		end := 1 + int(b[0])
		seen[string(b[1:end])] = evidence(b[end])
		b = b[end+1:]
	}
	return seen, b, true
}

const entrySize = 14 // key, time, window, place in the bucket

// lateness is how many seconds a line may be older than the one before it, and
// still find what was remembered before a restart.
const lateness = 5

// append writes what is still remembered, in the order of the tables.
func (t *recent) append(b []byte, now uint32) []byte {
	for _, table := range [][]bucket{t.seconds, t.minutes} {
		for i := range table {
			for k, e := range &table[i] {
				if e.time == 0 || apart(e.time, now) > e.ttl+lateness {
					continue
				}
				b = binary.LittleEndian.AppendUint64(b, e.key)
				b = binary.LittleEndian.AppendUint32(b, e.time)
				b = append(b, byte(e.ttl), byte(k))
			}
		}
	}
	return b
}

func (t *recent) read(b []byte) bool {
	for ; len(b) >= entrySize; b = b[entrySize:] {
		key, place := binary.LittleEndian.Uint64(b), b[13]
		if place >= 4 {
			return false
		}
		e := entry{key, binary.LittleEndian.Uint32(b[8:]), uint32(b[12])}
		t.bucket(key, e.ttl)[place] = e
	}
	return len(b) == 0
}
