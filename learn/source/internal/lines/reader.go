package lines

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/fsnotify/fsnotify"
)

// defaultMaxLine is far above any log line and far below any memory.
const defaultMaxLine = 1 << 20

// defaultSettle is how long a rotated file must be quiet: its writer goes on
// there until it is told.
const defaultSettle = 500 * time.Millisecond

// Options say how a log is read. The zero value reads what is there.
type Options struct {
	// Follow waits for a file that is not there yet, and never blocks on
	// standard input: Next returns io.EOF and Wait waits.
	Follow bool
	// MaxLine is the longest line in bytes, without its end; 0 means 1 MiB.
	MaxLine int
	// Predecessors begins with the oldest rotated file of the log.
	Predecessors bool
	// Whole delivers the last line of a file even if it has no end. It is for
	// readers that keep no cursor.
	Whole bool
	// Known are places in contents that were read before, under whatever name.
	// Each file is read from behind the furthest of them that fits it, and is
	// passed over if that is its end.
	Known []Cursor
	// Away says that rotated files leave the directory, as those of Zeek do: what
	// follows a file that is gone is the live one, even if the old one had grown.
	Away bool
	// Stdin is what "-" means; nil is os.Stdin.
	Stdin io.Reader
	// Settle is how long a rotated file must not have been written to before
	// Follow leaves it for its successor; 0 means half a second.
	Settle time.Duration
}

// Stats count what was read, and what was not.
type Stats struct {
	Lines       int64 // delivered, and those too long
	Bytes       int64 // of text read for them
	TooLong     int64 // lines left out
	Known       int64 // lines passed over: they were read before, by another name
	Rotations   int64 // times that reading went on in a newer file
	Truncations int64 // times that a file was truncated under the reader
	Damaged     int64 // compressed files that could not be read to their end
	// Lost counts gaps: the file that was read last could not be found again,
	// so lines may be missing, nobody knows how many.
	Lost int64
	// LostBytes are the part of the gaps that is known: text that was there
	// and was never read.
	LostBytes int64
	Torn      int64 // bytes of the unfinished last line, which waits
	// Dropped counts what came too fast to be taken in, by the kernel or here.
	// Files have none; sources that listen or capture do.
	Dropped int64
	// Missing counts what was sent and never came, by sequence numbers.
	Missing int64
	// Sampled says that the source looks at one packet in so many, and misses most
	// short connections; 0 and 1 mean that it looks at all.
	Sampled uint64
}

// A Reader reads one log line by line. It is not safe for concurrent use. Who
// opens it closes it.
type Reader struct {
	o    Options
	log  *family // nil where there is nothing but the one input
	cur  *piece  // never nil; without a file if there is none yet
	prev Cursor  // where reading was before anything of cur was delivered

	began    int      // as Known returns it
	finished []Cursor // as Finished does

	searched string // the files among which cur was last searched
	later    int64  // bytes in files newer than cur

	past     Stats // of the pieces before cur
	from     int64 // offset and line at which reading of cur began
	fromLine int64
	donePast int64 // bytes of finished files
	atEnd    bool  // Next said io.EOF

	pump    *pump
	watcher *fsnotify.Watcher
	watched map[string]bool
	waited  int64 // lines when Wait was called last
}

// Open opens a log at a cursor. "-" is standard input, which has no cursor.
func Open(path string, from Cursor, o Options) (*Reader, error) {
	if o.MaxLine <= 0 {
		o.MaxLine = defaultMaxLine
	}
	if o.Settle == 0 {
		o.Settle = defaultSettle
	}
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	r := &Reader{o: o, cur: &piece{raw: new(int64)}, prev: from, began: -1, waited: -1}
	if path == "-" {
		return opened(r, r.openStream(&piece{name: "standard input", in: o.Stdin, raw: new(int64)}))
	}
	return opened(r, r.openPath(path))
}

func opened(r *Reader, err error) (*Reader, error) {
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// openPath opens a file and what belongs to it. A missing file is an error only
// if nobody waits for it and nothing else is left of the log.
func (r *Reader) openPath(path string) error {
	p, err := openPiece(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err == nil && !p.info.Mode().IsRegular() {
		return r.openStream(p)
	}
	past := err == nil && (p.in != nil || pastName.MatchString(path))
	r.log = &family{path: path, single: past && !r.o.Follow}
	if err == nil {
		_ = p.shut() // it was only looked at
	}
	if beginErr := r.begin(); beginErr != nil {
		return beginErr
	}
	if err != nil && r.cur.file == nil && !r.o.Follow {
		return err
	}
	return nil
}

// openStream reads what can be read only once. Following it needs a goroutine,
// because a read from a pipe cannot be given up.
func (r *Reader) openStream(p *piece) error {
	r.prev, r.cur = Cursor{}, p
	if !r.o.Follow {
		return p.decompress()
	}
	r.pump = startPump(p.name, p.in)
	p.in = r.pump
	return nil
}

// Close closes what is open. A read from standard input that is under way ends
// when it returns.
func (r *Reader) Close() error {
	var err error
	if r.watcher != nil {
		err = r.watcher.Close()
	}
	if r.pump != nil {
		r.pump.stop()
		r.pump = nil // closing twice is no crash
	}
	return errors.Join(err, r.cur.shut())
}
