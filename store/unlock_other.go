//go:build !unix

package store

import "os"

// abandon gives up a file that the library choked on.
func abandon(f *os.File) error { return f.Close() }
