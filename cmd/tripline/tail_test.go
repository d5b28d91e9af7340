package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A faltering writer takes long for what it gets first, and then breaks.
type faltering struct {
	n int
}

func (f *faltering) Write(p []byte) (int, error) {
	if f.n++; f.n > 1 {
		return 0, errors.New("the pipe broke")
	}
	time.Sleep(followAge + 100*time.Millisecond)
	return len(p), nil
}

// findings are two lines, one right behind the other.
const findings = `<134>1 2026-03-13T08:00:00+00:00 fw.example.com filterlog 64952 - - 5,,,1700000001,em1,match,pass,in,4,0x0,,64,1234,0,DF,6,tcp,60,192.0.2.50,203.0.113.%d,50023,4444,0,S,3003,,64240,,mss
<134>1 2026-03-13T08:00:01+00:00 fw.example.com filterlog 64952 - - 5,,,1700000001,em1,match,pass,in,4,0x0,,64,1234,0,DF,6,tcp,60,192.0.2.50,203.0.113.%d,50024,4444,0,S,3004,,64240,,mss
`

// approved returns a database with an approved baseline, and a log with two
// findings.
func approved(t *testing.T) (db, log string) {
	t.Helper()
	dir := t.TempDir()
	db, log = filepath.Join(dir, "tripline.db"), filepath.Join(dir, "live.log")
	from := filepath.Join("..", "..", "testdata", "script", "log")
	var shown strings.Builder
	steps := [][]string{{"learn", "-q", "--agent", "bot=192.0.2.50", filepath.Join(from, "week.log")}, {"review"}}
	for _, args := range steps {
		if code := run(t.Context(), append(args, "--db", db), nil, &shown, t.Output()); code != exitOK {
			t.Fatalf("%v: exit status %d", args, code)
		}
	}
	digest := regexp.MustCompile(`[Dd]igest:?\s+([0-9a-f]{12})`).FindStringSubmatch(shown.String())
	if digest == nil {
		t.Fatalf("no digest in %s", shown.String())
	}
	if code := run(t.Context(), []string{"review", "-q", "--db", db, "--approve", digest[1], "--reason", "test"}, nil, io.Discard, t.Output()); code != exitOK {
		t.Fatalf("approve: exit status %d", code)
	}
	if err := os.WriteFile(log, fmt.Appendf(nil, findings, 97, 98), 0o600); err != nil {
		t.Fatal(err)
	}
	return db, log
}

// What could not be told is told by the next run, also where it was read just
// when the place in the log was to be kept.
func TestFollowKeepsNoPlaceBehindWhatWasNotTold(t *testing.T) {
	db, log := approved(t)
	args := []string{"enforce", "--follow", "--db", db, "--format", "text", log}
	if code := run(t.Context(), args, nil, &faltering{}, t.Output()); code != exitTrouble {
		t.Fatalf("a broken pipe: exit status %d", code)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	var out strings.Builder
	if code := run(ctx, args, nil, &out, t.Output()); code != exitFound || !strings.Contains(out.String(), "203.0.113.98") {
		t.Errorf("exit status %d and %q, want what was not told", code, out.String())
	}
}
