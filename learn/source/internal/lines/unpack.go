package lines

import "io"

// An Unpacked is the data of a file that may be compressed, for formats that are
// no lines.
type Unpacked struct{ p *piece }

// Unpack finds out how in is compressed, if it is, and returns what is in it.
// Errors of reading it name the place.
func Unpack(name string, in io.Reader) (*Unpacked, error) {
	p := &piece{name: name, in: in, raw: new(int64)}
	if err := p.decompress(); err != nil {
		return nil, err
	}
	return &Unpacked{p}, nil
}

// Read implements [io.Reader].
func (u *Unpacked) Read(b []byte) (int, error) { return u.p.readStream(b) }

// Packed says whether the data is compressed.
func (u *Unpacked) Packed() bool { return u.p.format != "" }

// Raw is how many bytes of the file itself were read.
func (u *Unpacked) Raw() int64 { return *u.p.raw }

// Close ends decompression. It does not close the file.
func (u *Unpacked) Close() error { return u.p.shut() }

// IsPacked says whether a file that begins like this is compressed.
func IsPacked(head []byte) bool {
	_, ok := sniff(head)
	return ok
}

// PackedHead is how many bytes [IsPacked] wants to see.
const PackedHead = longestMagic

var _ io.ReadCloser = (*Unpacked)(nil)
