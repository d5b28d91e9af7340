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
// that is killed and starts again from the cursor it kept last. In between,
// files of the past are read by their names, in any order.
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

	r         *lines.Reader // of the log, or of one file of the past
	opened    string        // by what name
	delivered int           // the last line from it
	pending   []int         // lines from it that are not kept yet

	kept   map[int]bool            // lines
	places map[string]lines.Cursor // by name of the file
	ends   map[string]lines.Cursor // by content
}

type predecessor struct {
	ext  string
	last int // number of its last line
}

func newWorld(t *testing.T, seed int64) *world {
	w := &world{t: t, rng: rand.New(rand.NewPCG(uint64(seed), 0)), dir: t.TempDir(), pressed: -1}
	w.kept, w.places, w.ends = map[int]bool{}, map[string]lines.Cursor{}, map[string]lines.Cursor{}
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
		w.prune, w.read, w.read, w.readAll, w.save, w.save, w.kill, w.byName,
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
	if i < 0 || w.pressed == i || !w.safe(i) || i == 0 && w.rotated() {
		return
	}
	w.tell("prune %d", i)
	w.check(os.Remove(w.name(i)))
	w.old, w.pruned = w.old[:i], true
}

// safe says whether all lines of a file, and those before, are kept.
func (w *world) safe(i int) bool {
	for n := range w.old[i].last {
		if !w.kept[n+1] {
			return false
		}
	}
	return true
}

func (w *world) start() {
	w.open(w.path(), lines.Options{Follow: true, Predecessors: true, Settle: -1})
}

// open starts a reader from what was kept.
func (w *world) open(name string, o lines.Options) {
	for _, c := range w.places {
		o.Known = append(o.Known, kept(w.t, c))
	}
	for _, c := range w.ends {
		o.Known = append(o.Known, kept(w.t, c))
	}
	var err error
	w.r, err = lines.Open(name, kept(w.t, w.places[name]), o)
	w.check(err)
	w.opened, w.delivered, w.pending = name, 0, nil
}

func (w *world) kill() {
	w.tell("kill, restart")
	w.check(w.r.Close())
	w.start()
}

// byName reads a file of the past while nothing else reads.
func (w *world) byName() {
	if len(w.old) == 0 {
		return
	}
	i := w.rng.IntN(len(w.old))
	name := w.name(i)
	if w.pressed == i && w.rng.IntN(2) == 0 {
		name += ".gz"
	}
	w.check(w.r.Close())
	w.tell("by name: %s", filepath.Base(name))
	w.open(name, lines.Options{})
	for range w.rng.IntN(3) {
		[]func(){w.read, w.readAll, w.save}[w.rng.IntN(3)]()
	}
	if w.rng.IntN(2) == 0 {
		w.save()
	}
	w.kill()
}

func (w *world) save() {
	for _, c := range w.r.Finished() {
		w.ends[c.ID] = c
		w.tell("left %+v", c)
	}
	if c := w.r.Cursor(); !c.IsZero() {
		w.places[w.opened] = c
	}
	for _, n := range w.pending {
		w.kept[n] = true
	}
	w.pending = nil
	w.tell("save %s %d %+v", filepath.Base(w.opened), w.delivered, w.places[w.opened])
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
		text, _, _ := strings.Cut(string(line), " ")
		n, err := strconv.Atoi(text)
		if err != nil || n <= w.delivered || w.kept[n] {
			w.t.Errorf("got line %q of %s after %d; kept before: %t", line[:min(len(line), 40)], w.r.File(), w.delivered, w.kept[n])
			return
		}
		w.delivered = n
		w.pending = append(w.pending, n)
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
	w.save()
	if !w.t.Failed() && len(w.kept) != w.written {
		w.t.Errorf("got %d lines, want %d", len(w.kept), w.written)
	}
	w.check(w.r.Close())
	w.check(w.out.Close())
	w.check(os.RemoveAll(w.dir))
}
