package zeek_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tripline/learn/source/internal/zeek"
)

// connColumns is the header of conn as Zeek 7 writes it.
const connColumns = "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\tip_proto"

// benchConns are lines of conn in columns and as JSON, and how many bytes.
func benchConns(n int) (tsv, object [][]byte, tsvSize, objectSize int64) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		ts, id := 1774700000+float64(i)/50, fmt.Sprintf("C%017x", rng.Uint64()>>1)
		src, dst := fmt.Sprintf("192.0.2.%d", 10+i%40), fmt.Sprintf("203.0.113.%d", rng.IntN(250))
		sport, up, down, took := 1024+rng.IntN(60000), rng.IntN(5000), rng.IntN(90000), rng.Float64()*20
		tsv = append(tsv, fmt.Appendf(nil, "%.6f\t%s\t%s\t%d\t%s\t443\ttcp\tssl\t%.6f\t%d\t%d\tSF\tT\tF\t0\tShADadFf\t14\t%d\t16\t%d\t-\t6",
			ts, id, src, sport, dst, took, up, down, up+700, down+800))
		object = append(object, fmt.Appendf(nil, `{"ts":%.6f,"uid":"%s","id.orig_h":"%s","id.orig_p":%d,"id.resp_h":"%s","id.resp_p":443,"proto":"tcp","service":"ssl","duration":%v,"orig_bytes":%d,"resp_bytes":%d,"conn_state":"SF","local_orig":true,"local_resp":false,"missed_bytes":0,"history":"ShADadFf","orig_pkts":14,"orig_ip_bytes":%d,"resp_pkts":16,"resp_ip_bytes":%d,"ip_proto":6}`,
			ts, id, src, sport, dst, took, up, down, up+700, down+800))
		tsvSize, objectSize = tsvSize+int64(len(tsv[i])+1), objectSize+int64(len(object[i])+1)
	}
	return tsv, object, tsvSize, objectSize
}

func BenchmarkDecode(b *testing.B) {
	tsv, object, tsvSize, objectSize := benchConns(20_000)
	for name, set := range map[string]struct {
		lines [][]byte
		size  int64
	}{"columns": {tsv, tsvSize}, "json": {object, objectSize}} {
		b.Run(name, func(b *testing.B) {
			d := zeek.New()
			var l zeek.Line
			_, _ = d.Decode([]byte(connColumns), &l)
			b.SetBytes(set.size / int64(len(set.lines)))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, err := d.Decode(set.lines[i], &l); err != nil {
					b.Fatal(err)
				}
				if i++; i == len(set.lines) {
					i = 0
				}
			}
		})
	}
}
