package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
)

// bbolt trusts the pages of its file: a changed byte can send it in circles or
// out of the file, and neither can be caught. So Check walks the tree of pages
// itself first, with every number verified before it is used.

// Kinds of pages, sizes and flags of the format.
const (
	pageBranch   = 1
	pageLeaf     = 2
	pageFreelist = 16

	pageHead    = 16
	elementSize = 16
	bucketHead  = 16
	isBucket    = 1 // flag of a leaf's element
	manyFree    = 0xFFFF
	maxDepth    = 64
)

// A walk has seen some pages of a file.
type walk struct {
	f    *os.File
	meta pageMeta
	seen map[uint64]bool
}

// checkPages verifies that every page is used once or free, and that keys
// ascend.
func checkPages(f *os.File) error {
	m, found := readMeta(f)
	if !found || m.pageSize < 1024 {
		return damaged("no valid first page")
	}
	w := walk{f, m, map[uint64]bool{0: true, 1: true}}
	if err := w.tree(m.root, 0); err != nil {
		return damaged(err)
	}
	if err := w.freelist(m.freelist); err != nil {
		return damaged(err)
	}
	if n := uint64(len(w.seen)); n != m.pages {
		return damaged(fmt.Sprintf("%d pages are neither used nor free", m.pages-n))
	}
	return nil
}

// take reads a page and those it flows over into, and notes them as used.
func (w *walk) take(id uint64) ([]byte, error) {
	head := make([]byte, pageHead)
	if id >= w.meta.pages {
		return nil, fmt.Errorf("page %d is beyond the end", id)
	}
	if _, err := w.f.ReadAt(head, int64(id*w.meta.pageSize)); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	ne := binary.NativeEndian
	over := uint64(ne.Uint32(head[12:]))
	if ne.Uint64(head) != id || id+over >= w.meta.pages {
		return nil, fmt.Errorf("page %d has a damaged head", id)
	}
	for n := id; n <= id+over; n++ {
		if err := w.use(n); err != nil {
			return nil, err
		}
	}
	p := make([]byte, (over+1)*w.meta.pageSize)
	if _, err := w.f.ReadAt(p, int64(id*w.meta.pageSize)); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	return p, nil
}

func (w *walk) use(id uint64) error {
	if id >= w.meta.pages || w.seen[id] {
		return fmt.Errorf("page %d is used twice or beyond the end", id)
	}
	w.seen[id] = true
	return nil
}

// tree verifies the pages below one.
func (w *walk) tree(id uint64, depth int) error {
	p, err := w.take(id)
	if err == nil {
		err = w.page(p, depth)
	}
	return err
}

// page verifies the elements of a page, which may be inside of another one.
func (w *walk) page(p []byte, depth int) error {
	ne := binary.NativeEndian
	kind, count := ne.Uint16(p[8:]), int(ne.Uint16(p[10:]))
	if depth > maxDepth || (kind != pageLeaf && kind != pageBranch) || pageHead+count*elementSize > len(p) {
		return fmt.Errorf("page %d has a damaged head", ne.Uint64(p))
	}
	var last []byte
	for i := range count {
		e := p[pageHead+i*elementSize:]
		key, err := w.element(e, kind == pageLeaf, depth)
		if err != nil {
			return err
		}
		if i > 0 && bytes.Compare(last, key) >= 0 {
			return fmt.Errorf("page %d: keys do not ascend", ne.Uint64(p))
		}
		last = key
	}
	return nil
}

// element verifies the one that begins at e, and what it points to.
func (w *walk) element(e []byte, leaf bool, depth int) (key []byte, err error) {
	ne := binary.NativeEndian
	r := reader{b: e}
	if !leaf {
		r.take(uint64(ne.Uint32(e)))
		key = r.take(uint64(ne.Uint32(e[4:])))
		if r.bad {
			return nil, errShort
		}
		return key, w.tree(ne.Uint64(e[8:]), depth+1)
	}
	r.take(uint64(ne.Uint32(e[4:])))
	key = r.take(uint64(ne.Uint32(e[8:])))
	value := r.take(uint64(ne.Uint32(e[12:])))
	if r.bad {
		return nil, errShort
	}
	if ne.Uint32(e)&isBucket == 0 {
		return key, nil
	}
	return key, w.bucket(value, depth)
}

// bucket verifies the pages of a bucket; a small one is inside of its value.
func (w *walk) bucket(value []byte, depth int) error {
	if len(value) < bucketHead {
		return errShort
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return w.tree(root, depth+1)
	}
	if len(value) < bucketHead+pageHead {
		return errShort
	}
	return w.page(value[bucketHead:], depth+1)
}

// freelist notes the free pages as used.
func (w *walk) freelist(id uint64) error {
	p, err := w.take(id)
	if err != nil {
		return err
	}
	ne := binary.NativeEndian
	if ne.Uint16(p[8:]) != pageFreelist {
		return fmt.Errorf("page %d is not the list of free pages", id)
	}
	count, ids := uint64(ne.Uint16(p[10:])), p[pageHead:]
	if count == manyFree {
		count, ids = ne.Uint64(ids), ids[8:]
	}
	if count > uint64(len(ids)/8) {
		return fmt.Errorf("list of free pages: %w", errShort)
	}
	for i := range count {
		if err := w.use(ne.Uint64(ids[8*i:])); err != nil {
			return err
		}
	}
	return nil
}
