package source_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tripline/learn/source"
)

// logs writes what two sensors say of random connections: most of them both, some
// one alone, with clocks that are apart by up to two seconds.
func logs(t *testing.T, r *rand.Rand) (inputs []source.Input, both, first, second int) {
	t.Helper()
	var fw, kern []string
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	for i := range 200 {
		at = at.Add(time.Duration(r.IntN(4000)) * time.Millisecond)
		port, late := 20000+i, time.Duration(r.IntN(2000))*time.Millisecond
		who := r.IntN(4)
		if who != 1 {
			fw = append(fw, fmt.Sprintf("%s fw filterlog[1]: 5,,,1000000103,em1,match,pass,in,4,0x0,,64,%d,0,DF,6,tcp,60,192.168.1.50,203.0.113.7,%d,443,0,S,%d,,64240,,mss", at.Format(time.RFC3339Nano), i, port, 1000+i))
		}
		if who != 2 {
			kern = append(kern, fmt.Sprintf("%s gw kernel: [UFW ALLOW] IN=br0 OUT=wan0 SRC=192.168.1.50 DST=203.0.113.7 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=%d DF PROTO=TCP SPT=%d DPT=443 WINDOW=64240 RES=0x00 SYN URGP=0", at.Add(late).Format("2006-01-02T15:04:05.000000-07:00"), i, port))
		}
		switch who {
		case 1:
			second++
		case 2:
			first++
		default:
			both++
		}
	}
	slices.Sort(kern) // a log is written in the order of its clock
	dir := t.TempDir()
	for name, lines := range map[string][]string{"filterlog": fw, "netfilter": kern} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := source.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, source.Input{Source: s, Path: path})
	}
	slices.SortFunc(inputs, func(a, b source.Input) int { return strings.Compare(a.Path, b.Path) })
	return inputs, both, first, second
}

// together reads all connections, and opens anew after every so many records.
func together(t *testing.T, inputs []source.Input, every int) (ports []uint16, s source.Stream) {
	t.Helper()
	src, path := source.Together(inputs)
	var cursor []byte
	for {
		var err error
		if s, err = source.Open(src, path, cursor, source.StreamOptions{Whole: every == 0}); err != nil {
			t.Fatal(err)
		}
		ended := false
		for n := 0; every == 0 || n < every; n++ {
			var r source.Record
			err := s.Next(&r)
			if ended = errors.Is(err, io.EOF); ended {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if r.Counted {
				ports = append(ports, r.SrcPort)
			}
		}
		if cursor, err = s.Cursor(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if ended {
			return ports, s
		}
	}
}

func TestConnectionThatSeveralSawIsOne(t *testing.T) {
	for seed := range uint64(5) {
		inputs, both, first, second := logs(t, rand.New(rand.NewPCG(seed, 1)))
		ports, s := together(t, inputs, 0)
		slices.Sort(ports)
		if n := len(slices.Compact(ports)); n != both+first+second || n != len(ports) {
			t.Errorf("seed %d: %d records of %d connections, want %d", seed, len(ports), n, both+first+second)
		}
		got := s.(interface{ Sighted() []source.Sighted }).Sighted()
		if len(got) != 2 || got[0].Alone != uint64(first) || got[1].Alone != uint64(second) || got[0].All != uint64(first+both) {
			t.Errorf("seed %d: got %d and %d alone, want %d and %d", seed, got[0].Alone, got[1].Alone, first, second)
		}
		if d := got[1].Later; got[1].Beside == "" || d < 500*time.Millisecond || d > 1500*time.Millisecond {
			t.Errorf("seed %d: clocks are %s apart, want about a second", seed, d)
		}
	}
}

func TestSeveralSourcesGoOnWhereTheyStopped(t *testing.T) {
	inputs, _, _, _ := logs(t, rand.New(rand.NewPCG(7, 1)))
	want, _ := together(t, inputs, 0)
	slices.Sort(want)
	for _, every := range []int{1, 7, 50} {
		got, _ := together(t, inputs, every)
		slices.Sort(got) // how far the clocks are apart is asked again after each restart
		if !slices.Equal(got, want) {
			t.Errorf("opened anew after every %d: got %d connections, want the same %d", every, len(got), len(want))
		}
	}
}
