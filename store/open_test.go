package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"tripline/learn"
	"tripline/store"
)

func TestOpenCreatesForTheOwnerAlone(t *testing.T) {
	_, path := opened(t)
	for p, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		st, err := os.Stat(p)
		must(t, err)
		if st.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", p, st.Mode().Perm(), want)
		}
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	must(t, err)
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestMissingFileReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "such.db")
	_, err := store.Open(path, store.Options{ReadOnly: true})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want ErrNotExist and the path", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); err == nil {
		t.Error("the directory was created")
	}
}

func TestReadOnlyReadsAndDoesNotWrite(t *testing.T) {
	s, path := opened(t)
	must(t, s.Commit(store.Batch{Run: "r", Flows: flowsUpTo(5)}))
	must(t, s.Close())
	a, err := store.Open(path, store.Options{ReadOnly: true, Holder: "tripline review"})
	must(t, err)
	b, err := store.Open(path, store.Options{ReadOnly: true, Holder: "tripline explain"})
	must(t, err)
	must(t, a.Check())
	for name, err := range map[string]error{
		"Commit":      a.Commit(store.Batch{Run: "r", Flows: flowsUpTo(1)}),
		"PutAgent":    a.PutAgent("bot", nil),
		"PutShown":    a.PutShown("aa", t0, nil),
		"PutSnapshot": a.PutSnapshot(store.Snapshot{Name: "aws"}),
		"Approve":     a.Approve("bot", digestOf(nil), "", nil),
	} {
		if !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("%s: got %v, want ErrReadOnly", name, err)
		}
	}
	if _, _, err := a.Prune(t0.AddDate(1, 0, 0), nil); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("Prune: got %v, want ErrReadOnly", err)
	}
	must(t, a.Close())
	must(t, b.Close())
}

func TestSecondProcessIsToldWhoHasTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tripline.db")
	s, err := store.Open(path, store.Options{Holder: "tripline enforce\x1b[2J"})
	must(t, err)
	defer s.Close()
	for _, readOnly := range []bool{false, true} {
		_, err = store.Open(path, store.Options{ReadOnly: readOnly})
		want := fmt.Sprintf("open %s: the database is in use by pid %d (tripline enforce?[2J) since 20", path, os.Getpid())
		if !errors.Is(err, store.ErrLocked) || !strings.HasPrefix(err.Error(), want) || learn.HintOf(err) == "" {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	time.AfterFunc(100*time.Millisecond, func() { _ = s.Close() })
	again, err := store.Open(path, store.Options{Wait: 5 * time.Second})
	if err != nil {
		t.Fatalf("after waiting: %v", err)
	}
	must(t, again.Close())
	if _, err := os.Stat(path + ".lock"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the note is still there: %v", err)
	}
}

func TestStaleNoteIsRecognised(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tripline.db")
	s, err := store.Open(path, store.Options{})
	must(t, err)
	defer s.Close()
	for note, want := range map[string]string{
		fmt.Sprintf(`{"pid":%d,"command":"tripline learn"}`, goneProcess(t)): "which left its note and is gone",
		"": "in use by another process", "<html>": "in use by another process", `{"pid":-1}`: "in use by another process",
	} {
		must(t, os.WriteFile(path+".lock", []byte(note), 0o600))
		if _, err := store.Open(path, store.Options{}); !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), want) {
			t.Errorf("note %q: got %v, want %q", note, err, want)
		}
	}
}

func goneProcess(t *testing.T) int {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	must(t, cmd.Run())
	return cmd.Process.Pid
}

func TestNewerSchemaIsRefusedAndLeftAlone(t *testing.T) {
	s, path := opened(t)
	must(t, s.Close())
	edit(t, path, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("schema"), []byte("99")) })
	before, err := os.ReadFile(path)
	must(t, err)
	_, err = store.Open(path, store.Options{})
	if !errors.Is(err, store.ErrNewer) || !strings.Contains(err.Error(), path) || !strings.Contains(learn.HintOf(err), "upgrade") {
		t.Errorf("got %v, want ErrNewer, the path and the hint to upgrade", err)
	}
	after, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Error("the file was changed")
	}
}

func TestOtherFilesAreRefusedAndLeftAlone(t *testing.T) {
	garbage := make([]byte, 100_000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(garbage)
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"empty":    {nil, "the file is empty"},
		"html":     {[]byte("<!doctype html><title>\x1b[2J</title>"), `the file starts with "<!doctype html><"`},
		"a byte":   {[]byte{0}, "the file starts with"},
		"garbage":  {garbage, "the file starts with"},
		"zeros":    {make([]byte, 1<<16), "the file starts with"},
		"log line": {[]byte(strings.Repeat("Nov  2 08:00:00 filterlog: 4,,,1000000103\n", 1000)), `"Nov  2 08:00:00 `},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			must(t, os.WriteFile(path, c.content, 0o600))
			for _, readOnly := range []bool{true, false} {
				_, err := store.Open(path, store.Options{ReadOnly: readOnly})
				if !errors.Is(err, store.ErrNotStore) || !strings.Contains(err.Error(), c.want) || learn.HintOf(err) == "" {
					t.Errorf("got %v, want ErrNotStore, %q and a hint", err, c.want)
				}
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, c.content) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
}

func TestDirectoryAndForeignDatabaseAreRefused(t *testing.T) {
	dir := t.TempDir()
	if _, err := store.Open(dir, store.Options{}); !errors.Is(err, store.ErrNotStore) {
		t.Errorf("directory: got %v, want ErrNotStore", err)
	}
	path := filepath.Join(dir, "other.db")
	edit(t, path, func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err })
	if _, err := store.Open(path, store.Options{}); !errors.Is(err, store.ErrNotStore) {
		t.Errorf("foreign: got %v, want ErrNotStore", err)
	}
	must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	_, err := store.Open(filepath.Join(dir, "file", "x.db"), store.Options{})
	if err == nil || learn.HintOf(err) == "" {
		t.Errorf("below a file: got %v, want an error with a hint", err)
	}
}

// written returns the bytes of a store with some of everything.
func written(t *testing.T) []byte {
	t.Helper()
	s, path := opened(t)
	for n := range 6 {
		must(t, s.Commit(numbered(n)))
	}
	approve(t, s, 2)
	must(t, s.PutSnapshot(store.Snapshot{Name: "aws", Data: []byte("{}")}))
	must(t, s.Close())
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

func TestTruncatedFileIsRefused(t *testing.T) {
	whole := written(t)
	path := filepath.Join(t.TempDir(), "x.db")
	for _, n := range []int{1, 100, 4096, 8192, 12000, len(whole) / 4, len(whole) / 2} {
		must(t, os.WriteFile(path, whole[:n], 0o600))
		for _, readOnly := range []bool{true, false} {
			_, err := store.Open(path, store.Options{ReadOnly: readOnly})
			if !errors.Is(err, store.ErrNotStore) {
				t.Errorf("%d of %d bytes: got %v, want ErrNotStore", n, len(whole), err)
			}
		}
	}
}

// TestCheckFindsDamageAndNeverCrashes changes bytes anywhere in the file. What
// passes the check was changed where nothing is: it must read as before.
func TestCheckFindsDamageAndNeverCrashes(t *testing.T) {
	whole := written(t)
	path := filepath.Join(t.TempDir(), "x.db")
	r := rand.New(rand.NewPCG(5, 5))
	w := newTwin()
	for n := range 6 {
		w.commit(numbered(n))
	}
	refused, found := 0, 0
	for range 100 {
		b := bytes.Clone(whole)
		for range 1 + r.IntN(40) {
			b[r.IntN(len(b))] ^= 1 << r.UintN(8)
		}
		must(t, os.WriteFile(path, b, 0o600))
		s, err := store.Open(path, store.Options{Wait: time.Second})
		switch {
		case err != nil:
			refused++
			continue
		case s.Check() != nil:
			found++
		default:
			w.compare(t, s)
		}
		must(t, s.Close())
	}
	t.Logf("of 100 damaged files %d were refused, Check found %d", refused, found)
	if refused+found < 60 {
		t.Errorf("of 100 damaged files only %d were refused and %d found", refused, found)
	}
}
