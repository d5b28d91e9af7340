package source_test

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tripline/learn"
	"tripline/learn/source"
)

const traffic = "../../../shared/data/traffic/"

// sample returns a path of traffic that nobody of this project captured.
func sample(t *testing.T, path string) string {
	t.Helper()
	if _, err := os.Stat(traffic + path); err != nil {
		t.Skip("the sample logs are not here")
	}
	return traffic + path
}

// A census is what the records of a log are.
type census struct {
	Records, Unread, Counted, Answers int
	By                                map[learn.Evidence]int
	Not                               map[source.Why]int
}

func censusOf(t *testing.T, path string, o source.Options) census {
	t.Helper()
	c := census{By: map[learn.Evidence]int{}, Not: map[source.Why]int{}}
	s := openZeek(t, path, nil, source.StreamOptions{Options: o, Whole: true})
	var r source.Record
	for {
		err := s.Next(&r)
		if errors.Is(err, io.EOF) {
			return c
		}
		c.Records++
		switch _, bad := errors.AsType[*source.RecordError](err); {
		case bad:
			c.Unread++
			continue
		case err != nil:
			t.Fatal(err)
		case r.Answer != nil:
			c.Answers++
		}
		if r.Counted {
			c.Counted++
			c.By[r.Evidence]++
		} else {
			c.Not[r.Why]++
		}
	}
}

// rows counts the lines of logs that are neither empty nor of a header.
func rows(t *testing.T, pattern string) (n int) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
				n++
			}
		}
	}
	return n
}

// Two forms of the same 103,089 records are understood alike, to the last one.
func TestZeekSamplesOfBothFormsAgree(t *testing.T) {
	for log, want := range map[string]int{"dns": 53_615, "ssl": 49_474} {
		columns := openZeek(t, sample(t, "zeek/zed-sample/zeek-default/"+log+".log.gz"), nil, atHome)
		object := openZeek(t, sample(t, "zeek/zed-sample/zeek-json/"+log+".json.gz"), nil, atHome)
		for n := 0; ; n++ {
			var r, s source.Record
			err, other := columns.Next(&r), object.Next(&s)
			if errors.Is(err, io.EOF) && errors.Is(other, io.EOF) {
				if n != want {
					t.Errorf("%s: got %d records, want %d", log, n, want)
				}
				break
			}
			if err != nil || other != nil || r.Flow != s.Flow || r.Counted != s.Counted || r.Why != s.Why || !cmp.Equal(r.Answer, s.Answer, cmpopts.EquateComparable(netip.Addr{})) {
				t.Fatalf("%s, record %d:\n%+v %v\n%+v %v", log, n+1, r, err, s, other)
			}
		}
	}
}

// Every line of the directories is one record, none of them unreadable.
func TestZeekSamplesAreReadWhole(t *testing.T) {
	for _, dir := range []string{
		"rita-proxy", "zeekids", "strato/001-zeek-scenario-malicious", "strato/003-zeek-scenario-malicious", "strato/005-zeek-scenario-malicious",
		"strato/006-zeek-scenario-ssh", "strato/008-zeek-mixed/data", "strato/012-zeek-mixed/data",
		"slips-dataset/test9-mixed-zeek-dir", "slips-dataset/test10-mixed-zeek-dir", "slips-dataset/test13-malicious-dhcpscan-zeek-dir",
		"slips-dataset/test14-malicious-zeek-dir", "slips-dataset/test15-malicious-zeek-dir", "slips-dataset/test18-malicious-ctu-sme-11-win/zeek-labeled",
	} {
		path := sample(t, "zeek/"+dir)
		want := 0
		for _, log := range []string{"conn", "dns", "ssl", "quic", "http"} {
			want += rows(t, path+"/"+log+".log*")
		}
		got := censusOf(t, path, source.Options{})
		if got.Records != want || got.Unread > 0 {
			t.Errorf("%s: got %d records, %d unreadable, want %d of %d lines", dir, got.Records, got.Unread, want, want)
		}
		t.Logf("%s: %d records, %d connections %v, %d answers", dir, got.Records, got.Counted, got.By, got.Answers)
	}
}

// A flood of half-open connections from 28,487 invented sources is inbound, not
// traffic of hosts. Those of private space are taken for hosts, as they claim.
func TestZeekSampleOfAFloodIsInbound(t *testing.T) {
	got := censusOf(t, sample(t, "zeek/zeekids/conn.log"), source.Options{})
	if got.Not[source.Inbound] != 26_208 || got.Counted != 2_890 {
		t.Errorf("got %d inbound and %d connections, want 26,208 and 2,890", got.Not[source.Inbound], got.Counted)
	}
}

// Behind a proxy every connection goes to one address, and says what it asks for.
func TestZeekSampleOfAProxyIsNamed(t *testing.T) {
	got := censusOf(t, sample(t, "zeek/rita-proxy"), source.Options{})
	if got.Counted != 407 || got.By[learn.Proxy] != 407 {
		t.Errorf("got %d of %d named by what the proxy was asked for, want 407 of 407", got.By[learn.Proxy], got.Counted)
	}
}

// Hosts with public addresses are known by what Zeek or the user says.
func TestZeekSampleOfPublicHosts(t *testing.T) {
	said := censusOf(t, sample(t, "zeek/slips-dataset/test10-mixed-zeek-dir"), source.Options{})
	told := censusOf(t, sample(t, "zeek/slips-dataset/test10-mixed-zeek-dir"), source.Options{Local: []netip.Prefix{
		netip.MustParsePrefix("2001:718:2::/48"), netip.MustParsePrefix("147.32.80.0/22"),
	}})
	if said.Counted != 0 || told.Counted != 78 {
		t.Errorf("got %d connections without and %d with --local, want 0 and 78", said.Counted, told.Counted)
	}
	if zeek := censusOf(t, sample(t, "zeek/strato/008-zeek-mixed/data"), source.Options{}); zeek.Counted != 1_461 {
		t.Errorf("got %d connections of the host that Zeek calls local, want 1,461", zeek.Counted)
	}
}

// The logs of the test suite of Zeek have all its columns, but no times.
func TestZeekSamplesOfItsTestSuite(t *testing.T) {
	dirs, err := filepath.Glob(sample(t, "pcap/zeek/expected") + "/*")
	if err != nil || len(dirs) < 100 {
		t.Fatalf("got %d directories, %v", len(dirs), err)
	}
	var all, unread, headless int
	for _, dir := range dirs {
		for _, log := range []string{"conn", "dns", "ssl", "quic", "http"} {
			text, err := os.ReadFile(filepath.Join(dir, log+".log"))
			if err != nil {
				continue
			}
			if !bytes.Contains(text, []byte("\n#fields")) || !bytes.Contains(text, []byte("\tts\t")) {
				headless++ // the test printed some columns alone
				continue
			}
			file := filepath.Join(t.TempDir(), log+".log")
			timed := strings.ReplaceAll(string(text), "XXXXXXXXXX.XXXXXX", "1500000000.000000")
			if err := os.WriteFile(file, []byte(timed), 0o600); err != nil {
				t.Fatal(err)
			}
			got := censusOf(t, file, source.Options{})
			if diff := cmp.Diff(rows(t, file), got.Records); diff != "" {
				t.Errorf("%s/%s: records (-want +got):\n%s", filepath.Base(dir), log, diff)
			}
			if got.Unread > 0 {
				t.Logf("%s/%s: %d of %d unreadable", filepath.Base(dir), log, got.Unread, got.Records)
			}
			all, unread = all+got.Records, unread+got.Unread
		}
	}
	t.Logf("%d records of %d directories, %d unreadable; %d logs without their header", all, len(dirs), unread, headless)
	if all < 500 || unread > all/50 {
		t.Errorf("got %d records, %d unreadable", all, unread)
	}
}
