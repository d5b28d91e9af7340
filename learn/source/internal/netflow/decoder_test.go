package netflow

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"tripline/learn/source/internal/scan"
)

func TestScratch(t *testing.T) {
	files, _ := filepath.Glob("/work/shared/data/traffic/netflow/logstash-codec/*.dat")
	d := New()
	for pass := range 2 {
		for _, f := range files {
			data, _ := os.ReadFile(f)
			d.Feed(Datagram{Data: data})
			n, opt, noaddr, noproto := 0, 0, 0, 0
			causes := map[scan.Cause]int{}
			var r, one Record
			for {
				err := d.Next(&r)
				if err == io.EOF {
					break
				}
				if e, ok := errors.AsType[*scan.Error](err); ok {
					causes[e.Cause]++
					continue
				}
				if r.Options {
					opt++
					continue
				}
				if !r.Src.IsValid() || !r.Dst.IsValid() {
					noaddr++
					continue
				}
				if !r.HasProto {
					noproto++
					continue
				}
				one = r
				n++
			}
			if pass == 0 {
				fmt.Println(filepath.Base(f), len(data), "flows", n, "opt", opt, "noaddr", noaddr, "noproto", noproto, causes)
				if n > 0 {
					fmt.Printf("      %v:%d > %v:%d %d b%d p%d rev%d %v %v F%x ev%d %s\n", one.Src, one.SrcPort, one.Dst, one.DstPort, one.Proto, one.Octets, one.Packets, one.ReverseOctets, one.Start.Format("2006-01-02T15:04:05.000"), one.End.Sub(one.Start), one.Flags, one.Event, one.Host)
				}
			}
		}
	}
	fmt.Println(d.Missing(), d.Sampled())
	d.Flush()
	var r Record
	n := 0
	for d.Next(&r) != io.EOF {
		n++
	}
	fmt.Println("waiting", n)
}
