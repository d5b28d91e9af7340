package syslog_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"tripline/learn/source/internal/syslog"
)

// frames reads all messages; what could not be had is in angle brackets.
func frames(in io.Reader, maximum int) (list []string) {
	f := syslog.NewFramer(in, maximum)
	for {
		b, err := f.Next()
		switch {
		case errors.Is(err, syslog.ErrTooLong):
			list = append(list, "(too long)")
		case errors.Is(err, syslog.ErrCut):
			list = append(list, "(cut)")
		case err != nil:
			return list
		default:
			list = append(list, string(b))
		}
	}
}

func TestFraming(t *testing.T) {
	long := strings.Repeat("x", 40)
	for in, want := range map[string][]string{
		"":                                 nil,
		"<13>a\n<13>b\n":                   {"<13>a", "<13>b"},
		"<13>a\r\n\r\n<13>b":               {"<13>a", "<13>b"},
		"<13>a\x00<13>b\x00":               {"<13>a", "<13>b"},
		"5 <13>a6 <13>bc":                  {"<13>a", "<13>bc"},
		"5 <13>a\n<13>b\n6 <13>cd":         {"<13>a", "<13>b", "<13>cd"},
		"8 <13>a\r\n\x006 <13>cd":          {"<13>a", "<13>cd"},
		"8 <13>a\nb\n<13>c":                {"<13>a\nb", "<13>c"},
		"9 <13>a":                          {"(cut)"},
		"2 123456789010 eni-1\n2 1\n":      {"2 123456789010 eni-1", "2 1"},
		"5,,,1000000103,em1\n12\n":         {"5,,,1000000103,em1", "12"},
		"<13>" + long + "\n<13>b\n":        {"(too long)", "<13>b"},
		"44 <13>" + long + "5 <13>b":       {"(too long)", "<13>b"},
		"<13>" + long:                      {"(too long)"},
		"44 <13>" + long[:9]:               {"(too long)", "(cut)"},
		"99999999 <13>b\n":                 {"99999999 <13>b"},
		"0 <13>b\n":                        {"0 <13>b"},
		"<13>0123456789012345\n<13>a\n":    {"<13>0123456789012345", "<13>a"},
		"20 <13>01234567890123455 <13>a":   {"<13>0123456789012345", "<13>a"},
		"22 <13>0123456789012345675 <13>a": {"(too long)", "<13>a"},
	} {
		for way, r := range map[string]io.Reader{
			"whole":         strings.NewReader(in),
			"byte by byte":  iotest.OneByteReader(strings.NewReader(in)),
			"with its end":  iotest.DataErrReader(strings.NewReader(in)),
			"half of it":    iotest.HalfReader(strings.NewReader(in)),
			"after nothing": io.MultiReader(strings.NewReader(""), strings.NewReader(in)),
		} {
			if got := frames(r, 20); !slices.Equal(got, want) {
				t.Errorf("%q, %s: got %q, want %q", in, way, got, want)
			}
		}
	}
}

// A sender that is cut off in the middle of a line has not said the line.
func TestABrokenConnectionLeavesNoHalfLine(t *testing.T) {
	in := io.MultiReader(strings.NewReader("<13>a\n<13>half"), iotest.ErrReader(io.ErrUnexpectedEOF))
	f := syslog.NewFramer(in, 100)
	if b, err := f.Next(); string(b) != "<13>a" || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
	if b, err := f.Next(); b != nil || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %q, %v", b, err)
	}
}

// FuzzFramer holds that it does not matter in which pieces a stream comes, that
// no message is longer than allowed, and that nothing is made up.
func FuzzFramer(f *testing.F) {
	for _, seed := range []string{"<13>a\n<13>b\n", "5 <13>a6 <13>bc", "30 <13>a", "<13>" + strings.Repeat("x", 70), "9999 <13>\n<1>\x00\x00\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		whole := frames(bytes.NewReader(in), 50)
		pieces := frames(iotest.OneByteReader(bytes.NewReader(in)), 50)
		if !slices.Equal(whole, pieces) {
			t.Errorf("got %q at once, %q byte by byte", whole, pieces)
		}
		at := 0
		for _, m := range whole {
			if strings.HasPrefix(m, "(") && !bytes.Contains(in, []byte(m)) {
				continue
			}
			i := bytes.Index(in[at:], []byte(m))
			if len(m) > 50 || i < 0 {
				t.Fatalf("%q is not in %q behind %d", m, in, at)
			}
			at += i + len(m)
		}
	})
}

func BenchmarkFramer(b *testing.B) {
	line := "<134>1 2026-03-28T12:00:00.123456-05:00 fw.example.com filterlog 64952 - - " + strings.Repeat("5,", 70)
	for name, message := range map[string]string{"lines": line + "\n", "counted": fmt.Sprintf("%d %s", len(line), line)} {
		b.Run(name, func(b *testing.B) {
			text := strings.Repeat(message, 10_000)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				f := syslog.NewFramer(strings.NewReader(text), 1<<16)
				for {
					if _, err := f.Next(); err != nil {
						break
					}
				}
			}
		})
	}
}
