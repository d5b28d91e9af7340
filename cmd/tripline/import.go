package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tripline/ipranges"
	"tripline/ipranges/feed"
	"tripline/ipranges/mmdb"
	"tripline/learn"
	"tripline/store"
)

func newRangesImportCommand(a *app) *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "import FILE...",
		Short: "Keep lists that were downloaded by hand, or an ASN database",
		Long: `import reads files as the providers publish them, recognises which is which and keeps
them; a MaxMind database with AS numbers (GeoLite2-ASN.mmdb and others of its kind)
is verified and kept as "asn". Files of a feed that is published in parts are given
together, with --feed.

Exit status:
  0  kept
  2  not kept; standard error says why`,
		Example: `  tripline ranges import ip-ranges.json cloud.json
  tripline ranges import GeoLite2-ASN.mmdb`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return learn.WithHint(errors.New("no file to import"), "tripline ranges import ip-ranges.json")
			}
			return a.importFiles(args, name)
		},
	}
	c.Flags().StringVar(&name, "feed", "", "which `FEED` the file is of, where it cannot be recognised")
	return c
}

// mmdbMarker is in every MaxMind database, near its end.
var mmdbMarker = []byte("\xab\xcd\xefMaxMind.com")

func (a *app) importFiles(paths []string, name string) error {
	if f, err := feed.Find(name); err == nil && f.InParts() && len(paths) > 1 {
		return a.importParts(paths, name)
	}
	for _, path := range paths {
		data, err := readFile(path)
		if err != nil {
			return fmt.Errorf("import ranges: %w", err)
		}
		if err := a.importFile(path, name, data); err != nil {
			return err
		}
	}
	return nil
}

// importParts keeps several files as the one list that they are together.
func (a *app) importParts(paths []string, name string) error {
	var all []byte
	for _, path := range paths {
		data, err := readFile(path)
		if err != nil {
			return fmt.Errorf("import ranges: %w", err)
		}
		all = append(append(all, data...), '\n')
	}
	return a.importFile(paths[0], name, all)
}

// maxFile is how large a file of ranges may be. The largest AS database has a
// quarter of it.
const maxFile = 256 << 20

// readFile reads a file that somebody gave, which may be anything.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	limit := int64(maxFile)
	if !info.Mode().IsRegular() { // a pipe: nobody knows how much will come
		limit = feed.MaxBytes
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s: more than %d MiB", path, limit>>20)
	}
	data := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead))
	if _, err := data.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, err
	}
	if int64(data.Len()) > limit {
		return nil, fmt.Errorf("%s: more than %d MiB", path, limit>>20)
	}
	return data.Bytes(), nil
}

func (a *app) importFile(path, name string, data []byte) error {
	if strings.EqualFold(filepath.Ext(path), ".mmdb") || bytes.Contains(data[max(0, len(data)-128<<10):], mmdbMarker) {
		return a.importASN(path, data)
	}
	got, err := readFeed(name, path, data)
	if err != nil {
		return hinted(fmt.Errorf("import %s: %w", path, err), path, data)
	}
	return a.keep(got, path)
}

// readFeed reads what a provider published. Without a name it is recognised.
// Lists of callers look the same: some are known by the name of the file, others
// by what they do not have.
func readFeed(name, path string, data []byte) (*feed.Snapshot, error) {
	if err := feed.Refused(path); err != nil {
		return nil, err
	}
	f, err := whichFeed(name, data)
	if err != nil {
		return nil, err
	}
	got, err := f.Read(data)
	if err != nil {
		return nil, err
	}
	if err := got.Plausible(0); err != nil {
		return nil, err
	}
	return got, nil
}

// whichFeed returns the feed called name, without one that of which data is.
func whichFeed(name string, data []byte) (feed.Feed, error) {
	if name != "" {
		f, err := feed.Find(name)
		return f, learn.WithHint(err, "tripline ranges list")
	}
	f, err := feed.Detect(data[:min(len(data), 4096)])
	if err != nil && isList(data) {
		err = errors.New("a list of prefixes, which does not say whose they are")
	}
	return f, err
}

func (a *app) importASN(path string, data []byte) error {
	db, err := mmdb.Open(data)
	if err == nil {
		err = db.Verify()
	}
	if err != nil {
		return fmt.Errorf("import %s: %w", path, err)
	}
	n := store.Snapshot{
		Name: asnName, Source: path, Fetched: a.now(), Published: db.Built(), Data: data,
		Meta: map[string]string{"type": db.Type(), "entries": strconv.Itoa(db.Networks())},
	}
	sum := sha256.Sum256(data)
	n.SHA256 = hex.EncodeToString(sum[:])
	if _, err := a.replace(n); err != nil {
		return err
	}
	a.say("%s: %s networks of %s, built %s", asnName, ipranges.Thousands(uint64(db.Networks())), learn.Printable(db.Type()), day(db.Built()))
	return nil
}
