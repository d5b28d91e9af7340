package main

import (
	"errors"
	"fmt"

	"tripline/ipranges/mmdb"
	"tripline/store"
)

// openASN reads what a stored AS database says: its index, which is half as
// large as the database, or the database where no index fits.
func (k *knowledge) openASN(s *store.Store, head store.Snapshot) (*mmdb.Index, error) {
	k.digests[asnName] = "sha256:" + head.SHA256
	kept, err := s.Snapshot(asnIndex)
	if err != nil && !errors.Is(err, store.ErrNoSnapshot) {
		return nil, err
	}
	if ix, err := mmdb.ReadIndex(kept.Data, head.SHA256); err == nil {
		return ix, nil
	}
	n, err := s.Snapshot(head.Name)
	if err != nil {
		return nil, err
	}
	_, ix, err := indexOf(n)
	return ix, err
}

// indexOf makes the index of a stored AS database.
func indexOf(n store.Snapshot) (raw []byte, ix *mmdb.Index, err error) {
	db, err := mmdb.Open(n.Data)
	if err == nil {
		raw, err = db.Index(n.SHA256)
	}
	if err == nil {
		ix, err = mmdb.ReadIndex(raw, n.SHA256)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("stored ranges %s: %w", n.Name, err)
	}
	return raw, ix, nil
}

// reindex makes the index of the AS database that is kept, where none fits: one
// of an earlier version of tripline, or none at all. Until then every command
// reads the whole database, which takes longer than all other loading together.
func reindex(s *store.Store) error {
	have, err := heads(s)
	if err != nil || have[asnName].Name == "" || have[asnIndex].Meta[indexedBy] == have[asnName].SHA256+mmdb.IndexVersion {
		return err
	}
	n, err := s.Snapshot(asnName)
	if err != nil {
		return err
	}
	raw, _, err := indexOf(n)
	if err != nil {
		return err
	}
	return s.PutSnapshot(store.Snapshot{
		Name: asnIndex, Source: n.Source, Fetched: n.Fetched, Published: n.Published, Data: raw,
		Meta: map[string]string{indexedBy: n.SHA256 + mmdb.IndexVersion},
	})
}

// indexedBy is the key of what an index is of.
const indexedBy = "of"
