// Package mmdb says which autonomous system announces an address, from a
// database in MaxMind's format.
//
// # What it promises
//
// A file that is cut short, compressed, or about something else than AS numbers
// is refused by [Open]. One in which single bytes have changed may open and
// answer wrongly, which only [DB.Verify] finds: call it when a file is imported.
// No file makes it panic or run without end.
//
// # What it does not do
//
// It opens no file and maps none into memory: a mapped file that somebody cuts
// short while it is read kills the process.
package mmdb

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"tripline/ipranges"
)

// A DB is a database of autonomous systems. It is safe for concurrent use. What
// is asked often is asked of its [Index].
type DB struct {
	reader *maxminddb.Reader
	seen   sync.Map // offset of a record -> ipranges.AS without a prefix
	all    func() *Index
}

// probes is how many records [Open] looks at for an AS number.
const probes = 1000

// Open reads a database. It keeps raw, which must not be changed.
func Open(raw []byte) (*DB, error) {
	if err := looksRight(raw); err != nil {
		return nil, err
	}
	reader, err := maxminddb.OpenBytes(raw)
	if err != nil {
		return nil, fmt.Errorf("not a whole MaxMind database: %w", err)
	}
	db := &DB{reader: reader}
	db.all = sync.OnceValue(db.indexed)
	if err := db.probe(); err != nil {
		return nil, err
	}
	return db, nil
}

// looksRight tells apart what people hand over instead.
func looksRight(raw []byte) error {
	head := bytes.TrimLeft(raw[:min(len(raw), 512)], " \t\r\n")
	switch {
	case len(raw) == 0:
		return errors.New("nothing in it, want a MaxMind database")
	case bytes.HasPrefix(raw, []byte("\x1f\x8b")):
		return errors.New("compressed by gzip, want the .mmdb file in it")
	case bytes.HasPrefix(head, []byte("<")):
		return errors.New("a web page, want a MaxMind database")
	}
	return nil
}

// probe looks for an AS number in the first records. The name of the type is
// not enough: a database of countries decodes to zeros without an error, and
// publishers call theirs what they like.
func (db *DB) probe() error {
	n := 0
	for result := range db.reader.Networks() {
		if err := result.Err(); err != nil {
			return fmt.Errorf("damaged: %w", err)
		}
		if _, ok := db.record(result); ok {
			return nil
		}
		if n++; n == probes {
			break
		}
	}
	return fmt.Errorf("database type %.60q has no AS numbers, want one of autonomous systems such as GeoLite2-ASN", db.reader.Metadata.DatabaseType)
}

// Verify reads the whole database and says what is damaged. It takes a quarter
// of a second for the largest ones.
func (db *DB) Verify() error {
	if err := db.reader.Verify(); err != nil {
		return fmt.Errorf("damaged: %w", err)
	}
	_, err := db.walk()
	return err
}

// Type returns what the publisher calls the kind of database. It is text from
// outside: escape it before it is shown.
func (db *DB) Type() string { return db.reader.Metadata.DatabaseType }

// Built returns when the database was made, as it says itself.
func (db *DB) Built() time.Time { return db.reader.Metadata.BuildTime().UTC() }

// Networks returns how many networks have an AS number. The first call reads
// the whole database.
func (db *DB) Networks() int { return db.all().Networks() }

// AS returns the system that announces a.
func (db *DB) AS(a netip.Addr) (ipranges.AS, bool) {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || a.Is6() && db.reader.Metadata.IPVersion == 4 {
		return ipranges.AS{}, false
	}
	result := db.reader.Lookup(a)
	as, ok := db.record(result)
	if !ok {
		return ipranges.AS{}, false
	}
	if as.Prefix = result.Prefix(); !as.Prefix.Contains(a) {
		as.Prefix = netip.PrefixFrom(a, a.BitLen())
	}
	return as, true
}

// Announced returns all addresses the system announces. The first call reads the
// whole database; one that cannot be read in full announces nothing.
func (db *DB) Announced(number uint32) ipranges.Set { return db.all().Announced(number) }

// indexed returns the index of the database, an empty one if it is damaged.
func (db *DB) indexed() *Index {
	all, err := db.walk()
	if err != nil {
		return &Index{}
	}
	digest := strings.Repeat("0", digestSize)
	ix, err := ReadIndex(encodeIndex(digest, all), digest)
	if err != nil {
		panic("tripline: internal error: " + err.Error())
	}
	return ix
}

// A walked is all that a database says.
type walked struct {
	systems  []ipranges.AS // without prefixes, some more than once
	networks []announced
}

// An announced is a network and the index of its system.
type announced struct {
	prefix netip.Prefix
	system uint32
}

// nobody is the index of a record without an AS number.
const nobody = 1<<32 - 1

// walk reads all networks. A tree of n nodes has at most n+1 of them; a file
// that leads on to more goes in circles.
func (db *DB) walk() (all walked, err error) {
	left, at := uint64(db.reader.Metadata.NodeCount)+1, map[uintptr]uint32{} // by where the record is
	for result := range db.reader.Networks(maxminddb.IncludeNetworksWithoutData()) {
		if left == 0 {
			return walked{}, errors.New("damaged: more networks than its tree can hold")
		}
		left--
		if err := result.Err(); err != nil {
			return walked{}, fmt.Errorf("damaged: %w", err)
		}
		if !result.Found() {
			continue
		}
		system, known := at[result.Offset()]
		if !known {
			system = all.add(db.record(result))
			at[result.Offset()] = system
		}
		if system != nobody {
			all.networks = append(all.networks, announced{result.Prefix(), system})
		}
	}
	return all, nil
}

func (w *walked) add(as ipranges.AS, ok bool) uint32 {
	if !ok {
		return nobody
	}
	w.systems = append(w.systems, as)
	return uint32(len(w.systems) - 1)
}

// A record is an entry in one of the schemas in use: that of GeoLite2-ASN,
// which DB-IP and others follow, and that of IPinfo and IPLocate, which write
// "AS64496" or 64496.
type record struct {
	Number uint32 `maxminddb:"autonomous_system_number"`
	Org    string `maxminddb:"autonomous_system_organization"`
	ASN    any    `maxminddb:"asn"`
	ASName string `maxminddb:"as_name"`
}

// record decodes an entry once: a database has ten times as many networks as
// systems. AS 0 announces nothing (RFC 7607) and is taken for unknown.
func (db *DB) record(result maxminddb.Result) (ipranges.AS, bool) {
	if !result.Found() {
		return ipranges.AS{}, false
	}
	if as, ok := db.seen.Load(result.Offset()); ok {
		as := as.(ipranges.AS) // nothing else is stored in it
		return as, as.Number != 0
	}
	var r record
	if err := result.Decode(&r); err != nil {
		return ipranges.AS{}, false
	}
	as := r.as()
	db.seen.Store(result.Offset(), as)
	return as, as.Number != 0
}

func (r record) as() ipranges.AS {
	if r.Number != 0 {
		return ipranges.AS{Number: r.Number, Org: r.Org}
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(fmt.Sprint(r.ASN), "AS"), 10, 32)
	if err != nil {
		return ipranges.AS{}
	}
	return ipranges.AS{Number: uint32(n), Org: r.ASName}
}
