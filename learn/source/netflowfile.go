package source

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/netflow"
	"tripline/learn/source/internal/scan"
)

// A netflowFile is datagrams in a file, compressed or not, one behind the other.
type netflowFile struct {
	path  string
	file  *captureFile
	in    *bufio.Reader
	used  int  // bytes of the last datagram, which are still in the buffer
	count int  // of datagrams
	whole bool // what is cut short at the end is read as it is
	torn  int
	done  int64
}

// openNetflowFile opens a capture, or datagrams without one.
func openNetflowFile(path string, o StreamOptions) (netflowInput, error) {
	if o.Follow {
		return nil, learn.WithHint(fmt.Errorf("read %s: a file of flow records cannot be followed", path),
			"listen to the exporter: --follow udp://0.0.0.0:2055")
	}
	file, err := openCaptureFile(path, o.Stdin, false)
	if err != nil {
		return nil, err
	}
	f := &netflowFile{path: path, file: file, whole: o.Whole || path == "-", in: bufio.NewReaderSize(file, 4*netflow.Longest)}
	head := f.head()
	if isCapture(head) {
		return newNetflowCapture(f), nil
	}
	if isDump(head) {
		return &netflowDump{netflowFile: f, zone: o.Zone}, nil
	}
	if err := sniffNetflow(head); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, errors.Join(err, file.close()))
	}
	return f, nil
}

// head implements [netflowInput].
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
			return netflow.Datagram{}, err
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
			f.count++
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
	f.count++
	return netflow.Datagram{}, scan.Fault(netflow.NotNetFlow, "", nil)
}

func (f *netflowFile) skip(n int) {
	got, _ := f.in.Discard(n) // all of it is in the buffer
	f.done += int64(got)
	f.used = 0
}

// drained implements [netflowInput].
func (f *netflowFile) drained() (now time.Time, end bool) { return time.Time{}, true }

func (f *netflowFile) wait(ctx context.Context, d time.Duration) error {
	sleep(ctx, d)
	return ctx.Err()
}

func (f *netflowFile) name() string { return f.file.name }

func (f *netflowFile) number() int { return f.count }

func (f *netflowFile) progress() (done, total int64) { return f.file.progress() }

func (f *netflowFile) stats(s *Stats) { s.Bytes, s.Torn = f.done+int64(f.used), int64(f.torn) }

// Close implements [netflowInput].
func (f *netflowFile) Close() error { return f.file.close() }
