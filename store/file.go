package store

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
)

// The head of a bbolt page that holds the database's own data, in the byte
// order of the machine: 16 bytes of page header, then this.
const (
	metaAt   = 16
	metaSize = 64
	magic    = 0xED0CDAED
)

// A pageMeta is what the first pages say of the others.
type pageMeta struct{ pageSize, root, freelist, pages, txid uint64 }

// openSound opens a file that looks like a whole bbolt database. bbolt maps the
// file into memory: one that was cut off would kill the process on reading.
func openSound(path string, flag int) (*os.File, error) {
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		return nil, notStore(path, "not a regular file")
	}
	f, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return nil, err
	}
	if why := inspect(f); why != "" {
		_ = f.Close()
		return nil, notStore(path, why)
	}
	return f, nil
}

// inspect says why f is not a whole database, "" if it is. The meta page is read
// first: a file only grows, so the size seen later is enough for it.
func inspect(f *os.File) string {
	m, found := readMeta(f)
	st, err := f.Stat()
	if err != nil {
		return err.Error()
	}
	switch want := m.pages * m.pageSize; {
	case st.Size() == 0:
		return "the file is empty"
	case !found:
		return begins(f)
	case uint64(st.Size()) < want:
		return fmt.Sprintf("the file is cut off: %d bytes, want at least %d", st.Size(), want)
	}
	return ""
}

// begins shows the start of a file that is something else.
func begins(f *os.File) string {
	b := make([]byte, 16)
	n, _ := f.ReadAt(b, 0) // what could be read is what is shown
	return fmt.Sprintf("the file starts with %q", b[:n])
}

// readMeta returns the newer of the two meta pages. The first is at the start
// of the file, the second one page later.
func readMeta(f *os.File) (newest pageMeta, found bool) {
	for at := int64(0); at <= 16<<20; at = max(1024, at*2) {
		m, ok := metaOf(f, at)
		if ok && (at == 0 || uint64(at) == m.pageSize) && (!found || m.txid > newest.txid) {
			newest, found = m, true
		}
	}
	return newest, found
}

func metaOf(f *os.File, at int64) (pageMeta, bool) {
	var b [metaAt + metaSize]byte
	if n, err := f.ReadAt(b[:], at); err != nil || n != len(b) {
		return pageMeta{}, false
	}
	m, ne := b[metaAt:], binary.NativeEndian
	sum := fnv.New64a()
	_, _ = sum.Write(m[:56]) // a hash never fails
	if ne.Uint32(m) != magic || ne.Uint64(m[56:]) != sum.Sum64() {
		return pageMeta{}, false
	}
	return pageMeta{
		pageSize: uint64(ne.Uint32(m[8:])), root: ne.Uint64(m[16:]), freelist: ne.Uint64(m[32:]),
		pages: ne.Uint64(m[40:]), txid: ne.Uint64(m[48:]),
	}, true
}
