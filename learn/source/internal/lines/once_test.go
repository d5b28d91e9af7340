package lines_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tripline/learn/source/internal/lines"
)

// TestEachLineOnce interleaves a writer, whatever rotates its log, and a reader
// that is killed and starts again from the cursor it kept last.
// TRIPLINE_SEED repeats a run, TRIPLINE_ROUNDS asks for more.
func TestEachLineOnce(t *testing.T) {
	seed := number(t, "TRIPLINE_SEED", time.Now().UnixNano())
	rounds := number(t, "TRIPLINE_ROUNDS", 300)
	t.Logf("TRIPLINE_SEED=%d TRIPLINE_ROUNDS=%d", seed, rounds)
	for i := range rounds {
		w := newWorld(t, seed+i)
		for range 20 + w.rng.IntN(80) {
			w.step()
		}
		w.finish()
		if t.Failed() {
			t.Fatalf("round with TRIPLINE_SEED=%d TRIPLINE_ROUNDS=1:\n%s", seed+i, strings.Join(w.story, "\n"))
		}
	}
}

func number(t *testing.T, env string, otherwise int64) int64 {
	t.Helper()
	text := os.Getenv(env)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// world is a log, its writer and its reader.
type world struct {
	t     *testing.T
	rng   *rand.Rand
	dir   string
	story []string
	clock int

	out     *os.File // what the writer has open
	outName string   // where that is now
	torn    string   // what is missing of its last line
	written int      // number of the last line that is complete

	old     []predecessor // newest first
	pressed int           // of these, which one is half compressed; -1 is none
	pruned  bool

	r         *lines.Reader
	delivered int
	cursor    lines.Cursor
	saved     int // the last line before cursor
}

type predecessor struct {
	ext  string
	last int // number of its last line
}

func newWorld(t *testing.T, seed int64) *world {
	w := &world{t: t, rng: rand.New(rand.NewPCG(uint64(seed), 0)), dir: t.TempDir(), pressed: -1}
	if w.rng.IntN(2) == 0 {
		w.reopen()
	}
	w.start()
	return w
}

func (w *world) tell(format string, args ...any) {
	w.story = append(w.story, fmt.Sprintf(format, args...))
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%v\n%s", err, strings.Join(w.story, "\n"))
	}
}

func (w *world) path() string { return filepath.Join(w.dir, "filter.log") }

func (w *world) name(i int) string {
	return w.path() + "." + strconv.Itoa(i) + w.old[i].ext
}

func (w *world) step() {
	steps := []func(){
		w.append, w.append, w.append, w.appendTorn, w.rotate, w.reopen, w.copyTruncate, w.compress, w.compress,
		w.prune, w.read, w.read, w.readAll, w.save, w.save, w.kill,
	}
	steps[w.rng.IntN(len(steps))]()
}

// touch gives a file the time of the world: each step is a second.
func (w *world) touch(path string) {
	w.clock++
	at := time.Unix(1_700_000_000+int64(w.clock), 0)
	w.check(os.Chtimes(path, at, at))
}

func (w *world) put(text string) {
	_, err := w.out.WriteString(text)
	w.check(err)
	w.touch(w.outName)
}

func (w *world) line() string {
	pad := w.rng.IntN(60)
	if w.rng.IntN(10) == 0 {
		pad = w.rng.IntN(3000)
	}
	return fmt.Sprintf("%d %s\n", w.written+1, strings.Repeat("x", pad))
}

func (w *world) append() {
	if w.out == nil {
		return
	}
	w.mend()
	for range 1 + w.rng.IntN(5) {
		w.put(w.line())
		w.written++
	}
	w.tell("append up to %d", w.written)
}

func (w *world) appendTorn() {
	if w.out == nil || w.torn != "" {
		return
	}
	line := w.line()
	cut := 1 + w.rng.IntN(len(line)-1)
	w.put(line[:cut])
	w.torn = line[cut:]
	w.tell("append %d torn", w.written+1)
}

func (w *world) mend() {
	if w.torn != "" {
		w.put(w.torn)
		w.torn = ""
		w.written++
		w.tell("mend %d", w.written)
	}
}

// rotated says whether the writer does not write to the live file.
func (w *world) rotated() bool { return w.outName != w.path() }

func (w *world) shift() {
	w.old = append([]predecessor{{last: w.written}}, w.old...)
	for i := len(w.old) - 1; i > 0; i-- {
		from := w.path() + "." + strconv.Itoa(i-1) + w.old[i].ext
		w.check(os.Rename(from, w.name(i)))
	}
}

// rotate renames; the writer goes on in the old file until it opens again.
func (w *world) rotate() {
	if w.out == nil || w.rotated() || w.pressed >= 0 {
		return
	}
	w.tell("rotate")
	w.shift()
	w.check(os.Rename(w.path(), w.name(0)))
	w.outName = w.name(0)
}

func (w *world) reopen() {
	if w.out != nil && !w.rotated() {
		return
	}
	if w.out != nil {
		w.mend()
		w.old[0].last = w.written
		w.check(w.out.Close())
	}
	w.tell("reopen")
	var err error
	w.out, err = os.OpenFile(w.path(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	w.check(err)
	w.outName = w.path()
	w.touch(w.path())
}

func (w *world) copyTruncate() {
	if w.out == nil || w.rotated() || w.torn != "" || w.pressed >= 0 {
		return
	}
	w.tell("copytruncate")
	w.shift()
	text, err := os.ReadFile(w.path())
	w.check(err)
	w.check(os.WriteFile(w.name(0), text, 0o600))
	w.touch(w.name(0))
	w.check(os.Truncate(w.path(), 0))
	w.touch(w.path())
}

// compress works in two steps: the reader may look between them.
func (w *world) compress() {
	i := w.pressed
	if i < 0 {
		i = w.rng.IntN(len(w.old) + 1)
	}
	if i >= len(w.old) || w.old[i].ext != "" || i == 0 && w.rotated() {
		return
	}
	ext := []string{".gz", ".bz2", ".gz", ".zst", ".xz"}[w.rng.IntN(5)]
	if w.pressed >= 0 {
		ext = ".gz"
	}
	text, err := os.ReadFile(w.name(i))
	w.check(err)
	packed := compress(w.t, ext, text)
	if w.pressed < 0 && ext == ".gz" && w.rng.IntN(2) == 0 {
		w.tell("half compress %d", i)
		w.check(os.WriteFile(w.name(i)+ext, packed[:len(packed)/2], 0o600))
		w.pressed = i
		return
	}
	w.tell("compress %d%s", i, ext)
	w.pressed = -1
	info, err := os.Stat(w.name(i))
	w.check(err)
	w.check(os.WriteFile(w.name(i)+ext, packed, 0o600))
	w.check(os.Chtimes(w.name(i)+ext, info.ModTime(), info.ModTime()))
	w.check(os.Remove(w.name(i)))
	w.old[i].ext = ext
}

// prune deletes the oldest file, if a restart would not need it.
func (w *world) prune() {
	i := len(w.old) - 1
	if i < 0 || w.pressed == i || w.old[i].last > w.saved || i == 0 && w.rotated() {
		return
	}
	w.tell("prune %d", i)
	w.check(os.Remove(w.name(i)))
	w.old, w.pruned = w.old[:i], true
}

func (w *world) start() {
	var err error
	w.r, err = lines.Open(w.path(), kept(w.t, w.cursor), lines.Options{Follow: true, Predecessors: true, Settle: -1})
	w.check(err)
	w.delivered = w.saved
}

func (w *world) kill() {
	w.tell("kill, restart after %d", w.saved)
	w.check(w.r.Close())
	w.start()
}

func (w *world) save() {
	w.cursor, w.saved = w.r.Cursor(), w.delivered
	w.tell("save %d %+v", w.saved, w.cursor)
}

func (w *world) read() { w.deliver(1 + w.rng.IntN(8)) }

func (w *world) readAll() { w.deliver(1 << 30) }

func (w *world) deliver(most int) {
	for range most {
		line, err := w.r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		w.check(err)
		number, _, _ := strings.Cut(string(line), " ")
		if want := strconv.Itoa(w.delivered + 1); number != want {
			w.t.Errorf("got line %q of %s, want %s", line[:min(len(line), 40)], w.r.File(), want)
			return
		}
		w.delivered++
	}
	w.tell("read up to %d in %s:%d %+v", w.delivered, filepath.Base(w.r.File()), w.r.Line(), w.r.Stats())
	if lost := w.r.Stats().Lost; lost > 0 && !w.pruned {
		w.t.Errorf("got %d gaps, want none: nothing was deleted", lost)
	}
}

// finish lets the reader catch up.
func (w *world) finish() {
	w.reopen()
	w.append()
	w.readAll()
	if !w.t.Failed() && w.delivered != w.written {
		w.t.Errorf("got %d lines, want %d", w.delivered, w.written)
	}
	w.check(w.r.Close())
	w.check(w.out.Close())
	w.check(os.RemoveAll(w.dir))
}
