package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"tripline/learn"
	"tripline/learn/source/internal/lines"
)

// A captureFile is the bytes of a capture, as they are read: of a plain file, a
// compressed one, or a pipe.
type captureFile struct {
	name string
	file *os.File // nil for standard input
	info fs.FileInfo
	in   io.Reader
	pack *lines.Unpacked // nil for a plain file
	pump *bytePump       // of a pipe that is followed
	raw  int64
}

// openCaptureFile opens a file, or standard input. A pipe that is followed is
// read in the background, so that nobody waits for it.
func openCaptureFile(name string, stdin io.Reader, follow bool) (*captureFile, error) {
	if name == "-" {
		return openPipe(stdin, follow)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, lines.ReadError(name, err)
	}
	c := &captureFile{name: name, file: f, in: f}
	if err := c.begin(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return c, nil
}

func openPipe(stdin io.Reader, follow bool) (c *captureFile, err error) {
	c = &captureFile{name: "standard input"}
	if c.pack, err = lines.Unpack(c.name, stdin); err != nil {
		return nil, err
	}
	c.in = c.pack
	if follow {
		c.pump = startBytePump(c.pack)
		c.in = c.pump
	}
	return c, nil
}

func (c *captureFile) begin() (err error) {
	if c.info, err = c.file.Stat(); err != nil {
		return lines.ReadError(c.name, err)
	}
	if c.info.IsDir() {
		return learn.WithHint(fmt.Errorf("read %s: it is a directory", c.name), "name the capture in it")
	}
	if !c.info.Mode().IsRegular() {
		c.pack, err = lines.Unpack(c.name, c.file)
		c.in = c.pack
		return err
	}
	var head [lines.PackedHead]byte
	n, err := c.file.ReadAt(head[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return lines.ReadError(c.name, err)
	}
	if lines.IsPacked(head[:n]) {
		c.pack, err = lines.Unpack(c.name, c.file)
		c.in = c.pack
		return err
	}
	return nil
}

// Read implements [io.Reader].
func (c *captureFile) Read(b []byte) (int, error) {
	n, err := c.in.Read(b)
	c.raw += int64(n)
	if err != nil && !errors.Is(err, io.EOF) && c.pack == nil {
		err = lines.ReadError(c.name, err)
	}
	return n, err
}

// progress is how much of how much was read.
func (c *captureFile) progress() (done, total int64) {
	if c.info != nil && c.info.Mode().IsRegular() {
		total = c.info.Size()
	}
	if c.pack != nil && c.pump == nil {
		return c.pack.Raw(), total
	}
	return c.raw, total
}

// look sees how large the file is now.
func (c *captureFile) look() {
	if c.file == nil {
		return
	}
	if info, err := c.file.Stat(); err == nil {
		c.info = info
	}
}

func (c *captureFile) close() (err error) {
	if c.pump != nil {
		c.pump.stop()
		return nil // its goroutine may be reading
	}
	if c.pack != nil {
		err = c.pack.Close()
	}
	if c.file != nil {
		err = errors.Join(err, c.file.Close())
	}
	return err
}
