package source_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"tripline/learn/source"
)

// What comes faster than it is read is counted, in whichever place it is lost.
func TestEveryDatagramIsReadOrCounted(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("this system does not tell what it dropped")
	}
	s, addr := listening(t, "filterlog", "udp://%s")
	const sent = 60_000
	c := saying(t, "udp", me, addr)
	text := []byte(line5424(1, udp("in em1 pass", host, "5000", far, "443", 50)) + strings.Repeat(" ", 300))
	for range sent {
		if _, err := c.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	// Nobody has read so far. What the kernel dropped, it tells with the next one.
	const after = 3
	var read int64
	for range after {
		read += unread(s)
		if _, err := c.Write(text); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	read += unread(s)
	dropped := s.Stats().Dropped
	t.Logf("%d sent, %d read, %d dropped", sent+after, read, dropped)
	if read+dropped != sent+after || dropped == 0 {
		t.Errorf("got %d read and %d dropped, want %d together, and some dropped", read, dropped, sent+after)
	}
}

// unread reads what is there.
func unread(s source.Stream) (n int64) {
	var r source.Record
	for !errors.Is(s.Next(&r), io.EOF) {
		n++
	}
	return n
}

// Forged addresses neither fill the memory nor push out who is at work.
func TestManySendersShareWhatThereIs(t *testing.T) {
	s, addr := listening(t, "filterlog", "udp://%s")
	line := line5424(7, udp("in em1 pass", host, "5000", far, "443", 50))
	saying(t, "udp", me, addr, line)
	wants(t, heard(t, s, 1), string(source.Outbound))
	for i := range 40 {
		saying(t, "udp", fmt.Sprintf("127.0.1.%d", i+1), addr, line5424(i, udp("in em1 pass", host, fmt.Sprint(6000+i), far, "443", 50)))
		heard(t, s, 1)
	}
	saying(t, "udp", me, addr, line)
	wants(t, heard(t, s, 1), string(source.SameExchange))
	saying(t, "udp", "127.0.1.40", addr, line5424(41, udp("in em1 pass", host, "6038", far, "443", 50)))
	wants(t, heard(t, s, 1), string(source.SameExchange)) // what 127.0.1.39 said
	if got := s.File(); !strings.HasSuffix(got, "(other senders)") {
		t.Errorf("got the name %q", got)
	}
}

// BenchmarkListen is what a firewall's lines cost from the socket to the record.
func BenchmarkListen(b *testing.B) {
	for _, network := range []string{"tcp", "udp"} {
		b.Run(network, func(b *testing.B) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Skip(err)
			}
			addr := l.Addr().String()
			l.Close()
			src, err := source.Find("filterlog")
			if err != nil {
				b.Fatal(err)
			}
			s, err := source.Open(src, network+"://"+addr, nil, source.StreamOptions{Options: home, Follow: true})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			c, err := net.Dial(network, addr)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			lines := benchLines(1000)
			b.SetBytes(int64(len(lines[0])))
			go func() {
				for i := 0; ; i++ {
					text := append(lines[i%len(lines)], '\n')
					if _, err := c.Write(text); err != nil {
						return
					}
				}
			}()
			var r source.Record
			n := 0
			for b.Loop() {
				for {
					err := s.Next(&r)
					if err == nil {
						break
					}
					if !errors.Is(err, io.EOF) {
						b.Fatal(err)
					}
					if err := s.Wait(b.Context(), time.Second); err != nil {
						b.Fatal(err)
					}
				}
				n++
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "lines/s")
			b.ReportMetric(float64(s.Stats().Dropped), "dropped")
		})
	}
}
