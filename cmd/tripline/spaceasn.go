package main

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"

	"tripline/ipranges"
	"tripline/ipranges/mmdb"
	"tripline/store"
)

// finish makes the space of all lists and the AS database called asn, if there
// is one. That is read as late as can be: while the largest list is taken in,
// there is no need to hold it too.
func (k *knowledge) finish(s *store.Store, asn string) error {
	if asn == "" {
		k.make(nil)
		return nil
	}
	late := lateASNs{sync.OnceValues(func() (*mmdb.DB, error) { return k.openASN(s, asn) })}
	k.make(late)
	db, err := late.open()
	if err != nil {
		return err
	}
	k.made.ASNs = db
	return nil
}

// openASN reads a stored AS database, with its index if there is one.
func (k *knowledge) openASN(s *store.Store, name string) (*mmdb.DB, error) {
	runtime.GC() // the largest list has just become garbage, and this takes as much again
	n, err := s.Snapshot(name)
	if err != nil {
		return nil, err
	}
	index, err := s.Snapshot(asnIndex)
	if err != nil && !errors.Is(err, store.ErrNoSnapshot) {
		return nil, err
	}
	k.digests[asnName] = "sha256:" + n.SHA256
	db, err := mmdb.OpenIndexed(n.Data, index.Data, n.SHA256)
	if err != nil {
		return nil, fmt.Errorf("stored ranges %s: %w", name, err)
	}
	return db, nil
}

// A lateASNs is an AS database that is read when it is first asked. One that
// cannot be read knows nothing; finish returns why.
type lateASNs struct{ open func() (*mmdb.DB, error) }

func (l lateASNs) AS(a netip.Addr) (ipranges.AS, bool) {
	if db, err := l.open(); err == nil {
		return db.AS(a)
	}
	return ipranges.AS{}, false
}

func (l lateASNs) Announced(number uint32) ipranges.Set {
	if db, err := l.open(); err == nil {
		return db.Announced(number)
	}
	return ipranges.Set{}
}

func (l lateASNs) AnnouncedIn(number uint32, set ipranges.Set) ipranges.Set {
	if db, err := l.open(); err == nil {
		return db.AnnouncedIn(number, set)
	}
	return ipranges.Set{}
}
