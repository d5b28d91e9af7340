package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Options say how a store is opened.
type Options struct {
	ReadOnly bool
	Wait     time.Duration // how long to wait for another process, 0 not at all
	Holder   string        // what others are told has the file: "tripline enforce"
	Same     os.FileInfo   // of the file as it was: another one is [ErrReplaced]; nil takes any, and makes one
}

// A Store is an open file. It is safe for concurrent use; the caller closes
// it. Processes that share a file open it briefly: one that writes keeps out
// all others, any number may read at the same time.
type Store struct {
	path    string
	db      *bbolt.DB
	file    *os.File // the same one, for what bbolt cannot do
	codec   codec
	holder  *holder
	writing sync.Mutex
	broken  atomic.Bool // damage was hit: bbolt's own locks may be left locked
}

// Open opens the file at path. Unless it is opened read-only, a missing file is
// created with its directory, for the owner alone; read-only, a missing file is
// [fs.ErrNotExist].
func Open(path string, o Options) (*Store, error) {
	if err := guard(func() error { return ensure(path, o.ReadOnly || o.Same != nil, lay) }); err != nil {
		return nil, fmt.Errorf("create database: %w", explain(err))
	}
	db, file, err := openFile(path, o)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, db: db, file: file}
	if err := s.ready(o.ReadOnly); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.holder = hold(path, o.Holder)
	return s, nil
}

// Close gives the file back. Closing again does nothing.
func (s *Store) Close() error {
	s.holder.release(s.path)
	s.codec.close()
	if s.broken.Load() {
		_ = abandon(s.file) // the second time it is closed already
		return nil
	}
	return s.db.Close()
}

// Path returns the path the store was opened with.
func (s *Store) Path() string { return s.path }

// ensure creates the file if it is missing. It is made beside and linked into
// place, so that no other process, and no kill, ever leaves half of one.
func ensure(path string, readOnly bool, lay func(*bbolt.Tx) error) error {
	if _, err := os.Stat(path); readOnly || !errors.Is(err, fs.ErrNotExist) {
		return nil // opening it says what is wrong, if anything
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // after a rename it is gone
	if err := errors.Join(tmp.Close(), initialize(tmp.Name(), lay)); err != nil {
		return err
	}
	return publish(tmp.Name(), path)
}

func initialize(path string, lay func(*bbolt.Tx) error) error {
	db, err := bbolt.Open(path, 0o600, settings(Options{}))
	if err != nil {
		return err
	}
	return errors.Join(db.Update(lay), db.Close())
}

// publish gives the finished file its name. Where another process was first,
// its file stays. Some file systems have no links; there the last one wins, and
// both were empty.
func publish(tmp, path string) error {
	err := os.Link(tmp, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = os.Rename(tmp, path)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// settings returns how bbolt is used: the list of free pages is kept in the
// file, because a store is opened every second and finding them takes a scan.
func settings(o Options) *bbolt.Options {
	return &bbolt.Options{
		ReadOnly:     o.ReadOnly,
		Timeout:      o.Wait + 50*time.Millisecond, // bbolt gives up 50 ms early
		FreelistType: bbolt.FreelistMapType,
		NoStatistics: true,
	}
}

// openFile opens the database once the file has been inspected, and closes the
// file if the library stumbles over it.
func openFile(path string, o Options) (db *bbolt.DB, file *os.File, err error) {
	set := settings(o)
	set.OpenFile = func(path string, flag int, _ os.FileMode) (*os.File, error) {
		f, err := openSound(path, flag&^os.O_CREATE)
		if err == nil {
			err = isSame(f, o.Same)
		}
		file = f
		return f, err
	}
	err = guard(func() error {
		db, err = bbolt.Open(path, 0o600, set)
		return err
	})
	switch {
	case err == nil:
		return db, file, nil
	case errors.Is(err, ErrDamaged):
		return nil, nil, errors.Join(fmt.Errorf("open %s: %w", path, err), abandon(file))
	case errors.Is(err, berrors.ErrTimeout):
		return nil, nil, locked(path)
	}
	return nil, nil, explain(err)
}

// isSame closes a file that is not the one that is wanted.
func isSame(f *os.File, want os.FileInfo) error {
	if want == nil {
		return nil
	}
	is, err := f.Stat()
	if err == nil && !os.SameFile(is, want) {
		err = fmt.Errorf("open %s: %w", f.Name(), ErrReplaced)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	return nil
}

// ready checks the schema, migrates an older one and verifies the baselines.
func (s *Store) ready(readOnly bool) error {
	var have int
	err := s.view(func(tx *bbolt.Tx) error {
		have = schemaOf(tx)
		return fits(s.path, have, schema, readOnly)
	})
	if err == nil && have < schema {
		err = s.update(func(tx *bbolt.Tx) error { return migrate(tx, have, steps()) })
	}
	if err != nil {
		return err
	}
	return s.view(verifyHeads)
}

// view runs fn in a transaction that reads.
func (s *Store) view(fn func(*bbolt.Tx) error) error {
	return s.place(s.guarded(func() error { return s.db.View(fn) }))
}

// update runs fn in a transaction that writes, and returns once it is on disk.
func (s *Store) update(fn func(*bbolt.Tx) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	var tx *bbolt.Tx
	err := s.guarded(func() error {
		return s.db.Update(func(t *bbolt.Tx) error { tx = t; return fn(t) })
	})
	return s.place(full(err, tx))
}

// guarded is guard for an open store, which does nothing more once it was hit.
func (s *Store) guarded(fn func() error) error {
	if s.broken.Load() {
		return damaged("it was found to be when last used")
	}
	hit := true
	err := guard(func() error {
		err := fn()
		hit = false
		return err
	})
	if hit {
		s.broken.Store(true)
	}
	return err
}

// place puts the path in front of an error that does not have it yet.
func (s *Store) place(err error) error {
	if err == nil || errors.Is(err, ErrNotStore) || errors.Is(err, ErrNewer) {
		return err
	}
	return fmt.Errorf("%s: %w", s.path, explain(err))
}

// guard runs fn and turns into an error what bbolt does with damaged pages: it
// panics, or it reads outside of the file.
func guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = damaged(p)
		}
	}()
	return fn()
}
