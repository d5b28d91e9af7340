package store_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tripline/store"
)

// childEnv makes the test binary a child that commits until it is killed.
const childEnv = "TRIPLINE_STORE_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		if err := commitForever(path); err != nil {
			fmt.Println("child:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// numbered returns the n-th batch, of up to 20 flows; every 25th has 1500. Its
// cursor is its number.
func numbered(n int) store.Batch {
	r := rand.New(rand.NewPCG(uint64(n), 7))
	b := store.Batch{
		Run: fmt.Sprint("run", n/50), At: t0,
		Cursors:  map[string][]byte{"log": []byte(strconv.Itoa(n))},
		Counters: map[string]uint64{"batches": 1},
	}
	count := r.IntN(20)
	if n%25 == 0 {
		count = 1500
	}
	for range count {
		b.Flows = append(b.Flows, anyFlow(r))
	}
	return b
}

// commitForever goes on after the last batch that is there, says so after each
// one, and opens the file anew now and then, as a program that shares it does.
func commitForever(path string) error {
	for {
		s, err := store.Open(path, store.Options{Holder: "child"})
		if err != nil {
			return err
		}
		c, err := s.Cursor("log")
		if err != nil {
			return err
		}
		n, _ := strconv.Atoi(string(c)) // 0 in the beginning
		for range 8 {
			n++
			if err := s.Commit(numbered(n)); err != nil {
				return err
			}
			fmt.Println(n)
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
}

// TestNothingIsLostOrDoubledByKill kills a writer at random moments; what was
// acknowledged must be there, once, and whatever is there must be whole.
func TestNothingIsLostOrDoubledByKill(t *testing.T) {
	kills, limit := 200, 15*time.Second
	if v, err := strconv.Atoi(os.Getenv("TRIPLINE_KILLS")); err == nil {
		kills, limit = v, 24*time.Hour
	} else if testing.Short() {
		kills = 20
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := crash{r: rand.New(rand.NewPCG(seed, 0)), dir: t.TempDir(), twin: newTwin()}
	start := time.Now()
	done := 0
	for ; done < kills && time.Since(start) < limit; done++ {
		c.round(t)
		if t.Failed() {
			t.Fatalf("after %d kills", done+1)
		}
	}
	t.Logf("%d kills, %d batches in the last of %d files", done, c.there, c.files)
	if done < kills {
		t.Logf("stopped early: %d of %d kills in %v", done, kills, limit)
	}
}

// A crash is a file with what should be in it.
type crash struct {
	r     *rand.Rand
	dir   string
	files int // begun so far: each new one tries the kill during creation again
	twin  *twin
	there int // batches in the file when it was last looked at
}

func (c *crash) round(t *testing.T) {
	t.Helper()
	if c.there > 40 || c.files == 0 {
		c.files, c.there, c.twin = c.files+1, 0, newTwin()
	}
	path := filepath.Join(c.dir, strconv.Itoa(c.files), "tripline.db")
	acknowledged := killed(t, path, time.Duration(c.r.Int64N(int64(35*time.Millisecond))))
	s, err := store.Open(path, store.Options{})
	must(t, err)
	defer s.Close()
	cursor, err := s.Cursor("log")
	must(t, err)
	n, _ := strconv.Atoi(string(cursor))
	if n < max(acknowledged, c.there) {
		t.Fatalf("batch %d was acknowledged, the store has %d", max(acknowledged, c.there), n)
	}
	for ; c.there < n; c.there++ {
		c.twin.commit(numbered(c.there + 1))
	}
	c.twin.compare(t, s)
}

// killed runs the child for a while after its first sign of life, or not even
// until then, kills it and returns the last batch it acknowledged.
func killed(t *testing.T, path string, after time.Duration) (last int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "child:") {
			t.Error(lines.Text())
		} else if n, err := strconv.Atoi(lines.Text()); err == nil {
			last = n
		}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the child ended by itself")
	}
	return last
}
