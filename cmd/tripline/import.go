package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"

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
is verified and kept as "asn".

Exit status:
  0  kept
  2  not kept; standard error says why`,
		Example: `  tripline ranges import ip-ranges.json cloud.json
  tripline ranges import GeoLite2-ASN.mmdb`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return learn.WithHint(errors.New("no file to import"), "tripline ranges import ip-ranges.json")
			}
			for _, path := range args {
				if err := a.importFile(path, name); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&name, "feed", "", "which `FEED` the file is of, where it cannot be recognised")
	return c
}

// mmdbMarker is in every MaxMind database, near its end.
var mmdbMarker = []byte("\xab\xcd\xefMaxMind.com")

func (a *app) importFile(path, name string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("import ranges: %w", err)
	}
	if bytes.Contains(data[max(0, len(data)-128<<10):], mmdbMarker) {
		return a.importASN(path, data)
	}
	got, err := readFeed(name, path, data)
	if err != nil {
		err = fmt.Errorf("import %s: %w", path, err)
		if learn.HintOf(err) == "" {
			err = learn.WithHint(err, `say which list it is with --feed NAME ("tripline ranges list" has the names), or keep one of your own: tripline ranges add NAME FILE`)
		}
		return err
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
	find := func() (feed.Feed, error) { return feed.Detect(data[:min(len(data), 4096)]) }
	if name != "" {
		find = func() (feed.Feed, error) { return feed.Find(name) }
	}
	f, err := find()
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
	if err := a.keepASN(db, n); err != nil {
		return err
	}
	a.say("%s: %s networks of %s, built %s", asnName, ipranges.Thousands(uint64(db.Networks())), learn.Printable(db.Type()), day(db.Built()))
	return nil
}

// keepASN stores a database, and beside it what each system announces: to find
// that takes longer than all other loading together.
func (a *app) keepASN(db *mmdb.DB, n store.Snapshot) error {
	index, err := db.Index(n.SHA256)
	if err != nil {
		return fmt.Errorf("import %s: %w", n.Source, err)
	}
	if _, err := a.replace(n); err != nil {
		return err
	}
	return a.write("ranges", func(s *store.Store) error {
		return s.PutSnapshot(store.Snapshot{Name: asnIndex, Source: n.Source, Fetched: n.Fetched, Published: n.Published, Data: index})
	})
}
