package lines

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"
)

func (p *piece) absent() bool { return p.file == nil && p.in == nil }

// begin goes to the place of the cursor. A log that does not exist yet begins
// later.
func (r *Reader) begin() error {
	for range 20 {
		list, err := r.log.list()
		if err != nil || len(list) == 0 {
			return err
		}
		if err := r.resume(list); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil || !r.cur.absent() {
			return err
		}
	}
	return nil
}

// advance is called at the end of a file. It goes on in the next newer one, or
// returns io.EOF if there is none.
func (r *Reader) advance() error {
	if r.log == nil || r.log.single && !r.cur.absent() || r.unmoved() {
		return r.stand()
	}
	list, err := r.log.list()
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return r.end()
	}
	if r.cur.absent() {
		return r.resume(list)
	}
	next := index(list, r.cur.info) + 1
	if next == 0 {
		return r.vanished(list)
	}
	if next == len(list) || r.mustWait(list, next) {
		return r.stand()
	}
	_, err = r.leave(list, next)
	return err
}

// stand is the end of a file that still has its name: if it loses that without
// having grown, all of it was seen.
func (r *Reader) stand() error {
	r.cur.stood = r.cur.base + int64(r.cur.end)
	return r.end()
}

// vanished goes on where the current file went: it may be there compressed. If
// it is gone, what was written after it comes next.
func (r *Reader) vanished(list []member) error {
	if moved, err := r.moved(list); moved || err != nil {
		return err
	}
	next := r.log.newer(list, r.cur.info.ModTime())
	if next < 0 || r.mustWait(list, next) {
		return r.end()
	}
	gap := r.missed(list, next)
	left, err := r.leave(list, next)
	if left && gap {
		r.past.Lost++
	}
	return err
}

// missed says whether lines may be missing between the current file, which is
// gone, and the next: it was pruned, so others may have been. What came directly
// after it may be known, or that nothing more was written to it before.
func (r *Reader) missed(list []member, next int) bool {
	p := r.cur
	if r.Cursor().IsZero() || p.follower != nil && os.SameFile(p.follower, list[next].info) {
		return false
	}
	if r.o.Away && next == len(list)-1 {
		return false
	}
	return next < len(list)-1 || p.in == nil && p.base+int64(p.end) != p.stood
}

// end returns io.EOF, after the unfinished last line for readers who want it.
func (r *Reader) end() error {
	if p := r.cur; r.o.Whole && p.rest() > 0 && !p.skip {
		p.final = true
		return nil
	}
	return io.EOF
}

// unmoved is the quick answer for the common case: the file is still the live
// one. A reader who has nothing of it yet looks closer: it may have been copied
// and truncated since.
func (r *Reader) unmoved() bool {
	p := r.cur
	if p.absent() || p.offset() == 0 || r.log.linked {
		return false
	}
	info, err := os.Stat(r.log.path)
	return err == nil && os.SameFile(info, p.info)
}

// untouched says whether so little of the current file was seen that it may be
// copied, emptied and written again unnoticed. It matters if there is a place to
// go back to.
func (r *Reader) untouched() bool {
	p := r.cur
	back := r.log != nil && !r.log.single && (r.o.Predecessors || !r.prev.IsZero())
	return back && p.in == nil && p.offset() == 0 && p.end < imprint
}

// shifted says whether files have come or gone since the current one was
// entered.
func (r *Reader) shifted(list []member) bool {
	return len(list) > 0 && signature(list) != r.searched
}

// again starts over from the last line if the first look at a file came too
// late: what was written before may be in a copy.
func (r *Reader) again(fillErr error) error {
	list, err := r.log.list()
	if err != nil {
		return err
	}
	if r.shifted(list) {
		r.cur.forget()
		return r.resume(list)
	}
	return fillErr
}

// moved searches the file that was read last under another name, once for each
// state of the directory. It is true if it is worth looking again.
func (r *Reader) moved(list []member) (bool, error) {
	if !r.shifted(list) {
		return false, nil
	}
	q, err := find(list, r.Cursor())
	if errors.Is(err, errStale) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	r.searched = signature(list)
	if q != nil {
		return true, r.enter(q, list)
	}
	return false, nil
}

// mustWait holds reading back at a rotated file. Its writer goes on there until
// it is told, so the next file should hold something, the old one be quiet, and
// be read to its end after both.
func (r *Reader) mustWait(list []member, next int) bool {
	if next < len(list)-1 {
		return false
	}
	info, err := os.Stat(list[next].path)
	if err != nil || info.Size() == 0 {
		return true
	}
	if p := r.cur; p.done || !r.o.Follow && p.rest() == 0 {
		return false
	}
	quiet := time.Since(r.cur.info.ModTime())
	return quiet >= 0 && quiet < r.o.Settle
}

// leave goes from the current file to another, once it is drained.
func (r *Reader) leave(list []member, next int) (bool, error) {
	p := r.cur
	if !p.drained && !p.done {
		p.drained = true
		return false, nil
	}
	if p.rest() > 0 {
		p.final, p.done = true, true
		return false, nil
	}
	if back, err := r.original(list, next); back || err != nil {
		return back, err
	}
	opened, err := r.open(list, next)
	if opened {
		r.past.Rotations++
	}
	return opened, err
}

// original recognises the file of which the current one is a copy: it was not
// emptied yet, or never will be. Reading goes on in it behind what was read in
// the copy. Short texts may be equal by chance.
func (r *Reader) original(list []member, next int) (bool, error) {
	c := r.Cursor()
	if c.Offset < imprint || !r.log.isTarget(list[next]) {
		return false, nil
	}
	q, err := match(list[next], c)
	if q == nil || err != nil {
		return false, nil //nolint:nilerr // opening it meets the error again
	}
	return true, r.enter(q, list)
}

// open goes on at the beginning of a file of the list. It is false if the file
// was renamed since: then it is worth looking again.
func (r *Reader) open(list []member, i int) (bool, error) {
	if i < 0 {
		return false, io.EOF
	}
	q, err := openPiece(list[i].path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !os.SameFile(q.info, list[i].info) {
		return false, q.shut()
	}
	return true, r.enter(q, list)
}

// enter makes q the current piece, behind what is known of it.
func (r *Reader) enter(q *piece, list []member) error {
	line := q.line
	known, err := r.pass(q)
	if err != nil {
		return errors.Join(err, q.shut())
	}
	if q.id == "" {
		q.id = newID()
	}
	if r.prev = r.Cursor(); r.prev.ID != q.id {
		r.finish(r.prev)
	}
	if r.cur.absent() {
		r.began = known
	}
	r.donePast, _ = r.Progress()
	r.past = r.Stats()
	r.past.Torn = 0
	r.past.Known += max(0, q.line-line)
	_ = r.cur.shut() // it was only read
	r.searched = signature(list)
	r.cur, r.from, r.fromLine, r.later = q, q.offset(), q.line, 0
	for i, m := range list[index(list, q.info)+1:] {
		if i == 0 {
			q.follower = m.info
		}
		r.later += m.info.Size()
	}
	return nil
}

// resume goes on behind the last line that was delivered, wherever it is now.
// It returns io.EOF if there is nothing to go on with yet. If names were shifted
// meanwhile nothing happens: it is worth looking again.
func (r *Reader) resume(list []member) error {
	c := r.Cursor()
	if c.IsZero() {
		_, err := r.open(list, r.first(list))
		return err
	}
	q, err := find(list, c)
	if errors.Is(err, errStale) {
		return nil
	}
	if err != nil {
		return err
	}
	if q != nil {
		return r.enter(q, list)
	}
	i := r.log.newer(list, c.Time)
	gap := !r.log.single && (r.cur.absent() || !r.untouched() || i < len(list)-1)
	opened, err := r.open(list, i)
	if opened && gap {
		r.past.Lost++
	}
	return err
}

// first returns where a reader without a cursor begins, -1 if that file does
// not exist yet.
func (r *Reader) first(list []member) int {
	if r.o.Predecessors {
		return 0
	}
	return slices.IndexFunc(list, r.log.isTarget)
}

// truncated goes on after the file was emptied under the reader: behind the
// same line in the copy that was made before, or at the beginning.
func (r *Reader) truncated() error {
	list, err := r.log.list()
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return io.EOF
	}
	p, lost := r.cur, r.past.Lost
	err = r.resume(list)
	if r.cur != p {
		r.past.Truncations++
	}
	if r.past.Lost > lost {
		r.past.LostBytes += int64(p.rest())
	}
	return err
}
