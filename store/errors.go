package store

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	berrors "go.etcd.io/bbolt/errors"

	"tripline/learn"
)

// What Open returns when a file cannot be used. All come wrapped, with the
// path and mostly with a hint.
var (
	// ErrLocked says that another process has the file; try again later.
	ErrLocked = errors.New("the database is in use")
	// ErrReplaced says that the file is another one than it was, see [Options].
	ErrReplaced = errors.New("another file is in the place of the database")
	// ErrNewer says that a newer tripline wrote the file.
	ErrNewer = errors.New("the database is of a newer tripline")
	// ErrNotStore says that the file is something else, or part of a store.
	ErrNotStore = errors.New("not a tripline database")
	// ErrDamaged says that the file is a store with unreadable content.
	ErrDamaged = errors.New("the database is damaged")
	// ErrTampered says that an approved baseline is not what was approved.
	ErrTampered = errors.New("an approved baseline was changed")
)

// What single operations return.
var (
	// ErrReadOnly is returned by whatever writes to a store opened read-only.
	ErrReadOnly = errors.New("the database is open for reading only")
	// ErrStale is returned by Approve when another baseline came in between.
	ErrStale = errors.New("the baseline has moved on")
	// ErrNoBaseline is returned by Baseline when nothing was approved yet.
	ErrNoBaseline = errors.New("no baseline has been approved")
	// ErrNotShown is returned by Shown for a digest that was never shown, or
	// so long ago that it was forgotten.
	ErrNotShown = errors.New("no such proposal was shown")
	// ErrAmbiguous is returned by Shown when more digests begin like this.
	ErrAmbiguous = errors.New("the digest is ambiguous")
	// ErrNoSnapshot is returned by Snapshot for a name that is not there.
	ErrNoSnapshot = errors.New("no such ranges")
)

// notStore says why a file is not a store.
func notStore(path, why string) error {
	err := fmt.Errorf("open %s: %w: %s", path, ErrNotStore, why)
	return learn.WithHint(err, "choose another file with --db, or move this one away to start anew")
}

// damaged says what is wrong inside a store. %v on purpose: what the library
// or the runtime calls it is of no use to callers.
func damaged(what any) error {
	return learn.WithHint(fmt.Errorf("%w: %v", ErrDamaged, what),
		"restore the file from a backup, or move it away to start anew")
}

// explain turns what the library and the system say into what a user can act on.
func explain(err error) error {
	switch {
	case errors.Is(err, berrors.ErrDatabaseReadOnly), errors.Is(err, berrors.ErrTxNotWritable):
		return ErrReadOnly
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return learn.WithHint(err, "run as the user who owns the file, or choose another one with --db")
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR):
		return learn.WithHint(err, "choose another file with --db")
	}
	return err
}
