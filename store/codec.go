package store

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// worthwhile is the size from which compressing pays.
const worthwhile = 1 << 10

// A codec compresses. Its parts cost a millisecond and a megabyte, so that they
// are made when first needed: a store is often opened for a handful of flows.
type codec struct {
	mu  sync.Mutex
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func (c *codec) encoder() (*zstd.Encoder, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if c.enc == nil {
		c.enc, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithEncoderCRC(false), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	}
	return c.enc, err
}

func (c *codec) decoder() (*zstd.Decoder, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if c.dec == nil {
		c.dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true))
	}
	return c.dec, err
}

// compress appends src to dst, compressed.
func (c *codec) compress(dst, src []byte) ([]byte, error) {
	enc, err := c.encoder()
	if err != nil {
		return nil, fmt.Errorf("start zstd: %w", err)
	}
	return enc.EncodeAll(src, dst), nil
}

// expand returns the n bytes that src was before.
func (c *codec) expand(src []byte, n int) ([]byte, error) {
	dec, err := c.decoder()
	if err != nil {
		return nil, fmt.Errorf("start zstd: %w", err)
	}
	b, err := dec.DecodeAll(src, make([]byte, 0, n))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	if len(b) != n {
		return nil, fmt.Errorf("zstd: %d bytes, want %d", len(b), n)
	}
	return b, nil
}

func (c *codec) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dec != nil {
		c.dec.Close()
	}
	c.dec = nil
}
