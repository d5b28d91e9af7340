package source

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/netflow"
	"tripline/learn/source/internal/scan"
)

// A netflowFile is datagrams in a file.
type netflowFile struct {
	path  string
	file  *os.File // nil for standard input
	in    *bufio.Reader
	used  int  // bytes of the last datagram, which are still in the buffer
	whole bool // what is cut short at the end is read as it is
	torn  int
	done  int64
	size  int64
}

func openNetflowFile(path string, o StreamOptions) (*netflowFile, error) {
	if o.Follow {
		return nil, learn.WithHint(fmt.Errorf("read %s: a file of flow records cannot be followed", path),
			"listen to the exporter: --follow udp://0.0.0.0:2055")
	}
	f := &netflowFile{path: path, whole: o.Whole || path == "-"}
	var from io.Reader = o.Stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		if info, err := file.Stat(); err == nil {
			f.size = info.Size()
		}
		f.file, from = file, file
	}
	f.in = bufio.NewReaderSize(from, 4*netflow.Longest)
	if err := sniffNetflow(f.head()); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, errors.Join(err, f.Close()))
	}
	return f, nil
}

// stored says whether there is a file to come back to.
func (f *netflowFile) stored() bool { return f.file != nil }

// head returns the first bytes, before any datagram was read.
func (f *netflowFile) head() []byte {
	b, _ := f.in.Peek(netflowHead) // next meets the error again
	return b
}

// next implements [netflowInput].
func (f *netflowFile) next() (netflow.Datagram, error) {
	f.skip(f.used)
	for want := netflowHead; ; want *= 4 {
		b, err := f.in.Peek(min(want, netflow.Longest))
		if err != nil && !errors.Is(err, io.EOF) {
			return netflow.Datagram{}, fmt.Errorf("read %s: %w", f.path, err)
		}
		n, more := netflow.Split(b)
		switch last := err != nil; {
		case len(b) == 0:
			return netflow.Datagram{}, io.EOF
		case n == 0:
			return f.lost(b)
		case more && last && !f.whole && !netflow.Complete(b[:n]):
			f.torn = len(b)
			return netflow.Datagram{}, io.EOF
		case !more || last || want >= netflow.Longest:
			f.used = n
			return netflow.Datagram{Data: b[:n]}, nil
		}
	}
}

// lost passes over what is no datagram, to where one may begin.
func (f *netflowFile) lost(b []byte) (netflow.Datagram, error) {
	n := 1
	for n < len(b)-1 && !netflow.Begins(b[n:]) {
		n++
	}
	f.used = n
	return netflow.Datagram{}, scan.Fault(netflow.NotNetFlow, "", nil)
}

func (f *netflowFile) skip(n int) {
	got, _ := f.in.Discard(n) // all of it is in the buffer
	f.done += int64(got)
	f.used = 0
}

// drained implements [netflowInput].
func (f *netflowFile) drained() (now time.Time, end bool) { return time.Time{}, true }

func (f *netflowFile) wait(ctx context.Context, d time.Duration) error { return pauseFor(ctx, d) }

// pauseFor waits for a while.
func pauseFor(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (f *netflowFile) name() string { return f.path }

func (f *netflowFile) progress() (done, total int64) { return f.done, f.size }

func (f *netflowFile) stats(s *Stats) { s.Bytes, s.Torn = f.done+int64(f.used), int64(f.torn) }

// Close implements [netflowInput].
func (f *netflowFile) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}
