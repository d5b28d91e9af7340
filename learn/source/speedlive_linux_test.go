package source

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
)

// What passes in TestSpeedOfCapture.
const (
	wantedRate = 300_000 // packets a second
	rushTime   = 3 * time.Second
	rushBatch  = 300 // a millisecond's
)

// TestSpeedOfCapture captures on a veth while 300,000 packets a second pass, and
// prints how many were seen and how many the kernel had to drop.
func TestSpeedOfCapture(t *testing.T) {
	if os.Getenv("TRIPLINE_SPEED") == "" {
		t.Skip("a measurement: make bench-pcap")
	}
	if !inNamespace(t) {
		return
	}
	space := fmt.Sprintf("tlrush%d", os.Getpid())
	run(t, "ip", "netns", "add", space)
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", space).Run() })
	w := &world{T: t}
	w.link("rush0", space, "rush1", "192.0.2.1", "2001:db8:1::1", "192.0.2.2", "2001:db8:1::2")
	s, err := Open(captureSource, "rush0", nil, StreamOptions{Options: atHome(), Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rushed := make(chan error, 1)
	sent, began := 0, time.Now()
	var took time.Duration
	go func() {
		var err error
		sent, err = rush("192.0.2.2:9999")
		took = time.Since(began)
		rushed <- err
	}()
	var quiet time.Time // since when nothing is sent or seen: the kernel fills a block before it shows it
	for seen := int64(0); ; {
		var r Record
		switch err := s.Next(&r); {
		case errors.Is(err, io.EOF) && !quiet.IsZero() && time.Since(quiet) > time.Second:
			if err := <-rushed; err != nil {
				t.Fatal(err)
			}
			tellRush(t, s.Stats(), sent, took)
			return
		case errors.Is(err, io.EOF):
			_ = s.Wait(t.Context(), 20*time.Millisecond)
			if n := s.Stats().Lines; len(rushed) == 0 || n != seen || quiet.IsZero() {
				seen, quiet = n, time.Now()
			}
		case err != nil && !errors.As(err, new(*RecordError)):
			t.Fatal(err)
		}
	}
}

func tellRush(t *testing.T, st Stats, sent int, took time.Duration) {
	t.Helper()
	t.Logf("%d packets sent, %.0f a second; %d seen, %d dropped (%.3f %%)",
		sent, float64(sent)/took.Seconds(), st.Lines, st.Dropped, 100*float64(st.Dropped)/float64(max(1, sent)))
	if got := st.Lines + st.Dropped; got < int64(sent) {
		t.Errorf("%d packets seen and dropped, %d sent: some are not accounted for", got, sent)
	}
}

// rush sends datagrams of 64 connections at the wanted rate, or as fast as it can.
func rush(to string) (sent int, err error) {
	addr, err := net.ResolveUDPAddr("udp", to)
	if err != nil {
		return 0, err
	}
	var conns [64]*ipv4.PacketConn
	for i := range conns {
		c, err := net.ListenUDP("udp", &net.UDPAddr{})
		if err != nil {
			return 0, err
		}
		defer c.Close()
		conns[i] = ipv4.NewPacketConn(c)
	}
	batch := make([]ipv4.Message, rushBatch)
	for i := range batch {
		batch[i] = ipv4.Message{Buffers: [][]byte{make([]byte, 64)}, Addr: addr}
	}
	for began := time.Now(); ; {
		gone := time.Since(began)
		if gone > rushTime {
			return sent, nil
		}
		if float64(sent) > wantedRate*gone.Seconds() {
			time.Sleep(100 * time.Microsecond)
			continue
		}
		n, err := conns[sent/rushBatch%len(conns)].WriteBatch(batch, 0)
		if err != nil {
			return sent, err
		}
		sent += n
	}
}
