package source_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tripline/learn/source"
)

// eveBenchLines are the events of connections to 5,000 names: a question and its
// answer, a handshake, the end, and an alert now and then.
func eveBenchLines(n int) [][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	lines := make([][]byte, 0, n)
	for i := 0; len(lines) < n; i++ {
		d, port, at := rng.IntN(5000), 1024+rng.IntN(60_000), fmt.Sprintf("2026-03-28T%02d:%02d:%02d.%06d+0000", i/3600%24, i/60%60, i%60, rng.IntN(1e6))
		head := func(id int, kind string, sport, dport int, dst, proto string) string {
			return fmt.Sprintf(`{"timestamp":"%s","flow_id":%d,"in_iface":"em1","event_type":"%s","src_ip":"192.0.2.%d","src_port":%d,"dest_ip":"%s","dest_port":%d,"proto":"%s",`,
				at, 1_000_000_000_000_000+int64(id), kind, 10+d%40, sport, dst, dport, proto)
		}
		dst := fmt.Sprintf("203.0.%d.%d", d>>8, d&255)
		lines = append(lines,
			fmt.Appendf(nil, `%s"dns":{"version":2,"type":"answer","id":%d,"flags":"8180","qr":true,"rd":true,"ra":true,"opcode":0,"rrname":"n%d.example.com","rrtype":"A","rcode":"NOERROR","answers":[{"rrname":"n%d.example.com","rrtype":"CNAME","ttl":300,"rdata":"e%d.example.net"},{"rrname":"e%d.example.net","rrtype":"A","ttl":60,"rdata":"%s"}],"grouped":{"CNAME":["e%d.example.net"],"A":["%s"]}}}`,
				head(2*i, "dns", port, 53, "198.51.100.53", "UDP"), i&0xffff, d, d, d, d, dst, d, dst),
			fmt.Appendf(nil, `%s"tls":{"subject":"CN=*.example.com","issuerdn":"C=XX, O=Example, CN=R1","serial":"12:00:30:24:DD:3E:A5:11:E6:A7:79:59:04:00:00:00:30:24:DD","fingerprint":"3b:81:e6:07:a0:61:76:da:ad:5e:11:2e:6b:d4:8a:a1:a0:d3:26:be","sni":"n%d.example.com","version":"TLS 1.2","notbefore":"2022-09-08T23:53:46","notafter":"2023-09-08T23:53:46","ja3":{"hash":"37f463bf4616ecd445d4a1937da06e19","string":"771,49196-49195-49200-49199-49188-49187-49192-49191,0-10-11-13-35-23-65281,29-23-24,0"}}}`,
				head(2*i+1, "tls", port, 443, dst, "TCP"), d),
			fmt.Appendf(nil, `%s"app_proto":"tls","flow":{"pkts_toserver":9,"pkts_toclient":8,"bytes_toserver":%d,"bytes_toclient":%d,"start":"%s","end":"%s","age":30,"state":"closed","reason":"timeout","alerted":false},"tcp":{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"fin":true,"psh":true,"ack":true,"state":"closed"}}`,
				head(2*i+1, "flow", port, 443, dst, "TCP"), rng.IntN(1e5), rng.IntN(1e6), at, at))
	}
	return lines
}

// BenchmarkEve reads and judges.
func BenchmarkEve(b *testing.B) {
	lines, size := eveBenchLines(30_000), 0
	for _, line := range lines {
		size += len(line)
	}
	p := eveParser(b, home)
	b.SetBytes(int64(size / len(lines)))
	b.ReportAllocs()
	var r source.Record
	i := 0
	for b.Loop() {
		if err := p.Parse(lines[i], written, &r); err != nil {
			b.Fatal(err)
		}
		if i++; i == len(lines) {
			i = 0
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
