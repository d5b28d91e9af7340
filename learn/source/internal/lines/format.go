package lines

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// maxWindow bounds the memory a decompressor may ask for. The strongest
// ordinary settings of xz and zstd want 64 and 128 MiB.
const maxWindow = 128 << 20

// A format is a way to compress, recognised by its first bytes.
type format struct {
	name  string
	magic func(head []byte) bool
	open  func(*bufio.Reader) (io.ReadCloser, error)
}

// longestMagic is how many bytes the formats want to see.
const longestMagic = 10

var formats = []format{
	{"gzip", isGzip, openGzip},
	{"bzip2", isBzip2, openBzip2},
	{"zstd", isZstd, openZstd},
	{"xz", isXz, openXz},
}

// sniff returns the format of a file by its first bytes; ok is false for plain
// text.
func sniff(head []byte) (f format, ok bool) {
	for _, f := range formats {
		if f.magic(head) {
			return f, true
		}
	}
	return format{}, false
}

func isGzip(b []byte) bool { return bytes.HasPrefix(b, []byte{0x1f, 0x8b, 8}) }

func isXz(b []byte) bool { return bytes.HasPrefix(b, []byte("\xfd7zXZ\x00")) }

// isBzip2 wants the first block too: "BZh9" alone could be text.
func isBzip2(b []byte) bool {
	if len(b) < 10 || string(b[:3]) != "BZh" || b[3] < '1' || b[3] > '9' {
		return false
	}
	block := string(b[4:10])
	return block == "1AY&SY" || block == "\x17\x72\x45\x38\x50\x90"
}

// isZstd knows ordinary and skippable frames (RFC 8878, section 3.1).
func isZstd(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	return string(b[:4]) == "\x28\xb5\x2f\xfd" || b[0]&0xf0 == 0x50 && string(b[1:4]) == "\x2a\x4d\x18"
}

func openGzip(r *bufio.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }

func openBzip2(r *bufio.Reader) (io.ReadCloser, error) {
	return io.NopCloser(bzip2.NewReader(r)), nil
}

func openZstd(r *bufio.Reader) (io.ReadCloser, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

func openXz(r *bufio.Reader) (io.ReadCloser, error) {
	if err := checkXz(r); err != nil {
		return nil, err
	}
	x, err := xz.NewReader(r)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(x), nil
}

// checkXz looks at the dictionary of the first block, because the library takes
// any: 4 GiB for a file of a hundred bytes.
func checkXz(r *bufio.Reader) error {
	head, err := r.Peek(32)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if size := xzWindow(head); size > maxWindow {
		return fmt.Errorf("it wants %s bytes of memory, at most %s are allowed", count(size), count(maxWindow))
	}
	return nil
}

// xzWindow returns the size of the dictionary in an xz block header (the xz
// file format, sections 3.1 and 5.3.1), 0 if it is not where it should be.
func xzWindow(head []byte) int64 {
	const stream = 12
	if len(head) < stream+2 || head[stream] == 0 {
		return 0
	}
	rest := head[stream+2:]
	for _, sized := range []byte{0x40, 0x80} {
		if head[stream+1]&sized != 0 {
			rest = rest[varintLen(rest):]
		}
	}
	if len(rest) < 3 || rest[0] != 0x21 || rest[1] != 1 {
		return 0
	}
	return dictionary(rest[2])
}

func varintLen(b []byte) int {
	for i, c := range b {
		if c < 0x80 {
			return i + 1
		}
	}
	return len(b)
}

// dictionary decodes a size of LZMA2: 2 or 3 times a power of two.
func dictionary(code byte) int64 {
	code = min(code&0x3f, 40)
	return int64(2|code&1) << (code/2 + 11)
}
