package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// client does one thing, and prints one figure.
func client(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("client %q: want what, how much and where", args)
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	to, err := target(args[2])
	if err != nil {
		return err
	}
	var figure float64
	switch args[0] {
	case "nothing":
	case "down":
		figure, err = down(to, time.Duration(n))
	case "up":
		figure, err = up(to, time.Duration(n))
	case "latency":
		figure, err = latency(to, n)
	case "at-once":
		figure = atOnce(to, n)
	case "unread":
		figure = unread(to, n)
	case "many":
		figure, err = many(to, n)
	default:
		err = fmt.Errorf("client %s: there is no such thing", args[0])
	}
	if err == nil {
		fmt.Println(figure)
	}
	return err
}

// target is an address, or the gateway's as it is on the inside, once there is one.
func target(text string) (string, error) {
	port, ok := strings.CutPrefix(text, "gateway:")
	if !ok {
		return text, nil
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if a := gateway(); a != "" {
			return net.JoinHostPort(a, port), nil
		}
	}
	return "", errors.New("there is no way outside")
}

// gateway reads the default route of IPv4 (proc_net_route(5)).
func gateway() string {
	f, err := os.Open("/proc/net/route")
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if len(fields) < 3 || fields[1] != "00000000" {
			continue
		}
		if v, err := strconv.ParseUint(fields[2], 16, 32); err == nil {
			var a [4]byte
			binary.NativeEndian.PutUint32(a[:], uint32(v))
			return net.IP(a[:]).String()
		}
	}
	return ""
}

func dial(to, want string) (net.Conn, error) {
	c, err := net.DialTimeout("tcp", to, 30*time.Second)
	if err != nil {
		return nil, err
	}
	if err := c.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return nil, err
	}
	_, err = io.WriteString(c, want)
	return c, err
}

// down returns how many Gbit/s come.
func down(to string, span time.Duration) (float64, error) {
	c, err := dial(to, wantDown)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	n, began := 0, time.Now()
	for buf := make([]byte, chunk); time.Since(began) < span; {
		m, err := c.Read(buf)
		if n += m; err != nil {
			return 0, err
		}
	}
	return gigabits(n, time.Since(began)), nil
}

// up returns how many Gbit/s arrive.
func up(to string, span time.Duration) (float64, error) {
	c, err := dial(to, wantUp)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	defer tellAgain(c)
	began := time.Now()
	for buf := make([]byte, chunk); time.Since(began) < span; {
		if _, err := c.Write(buf); err != nil {
			return 0, err
		}
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return 0, err
	}
	var said [8]byte
	if _, err := io.ReadFull(c, said[:]); err != nil {
		return 0, err
	}
	return gigabits(int(binary.BigEndian.Uint64(said[:])), time.Since(began)), nil
}

// again is what begins the line that says how many segments were sent again: on a link
// without loss there is no need to.
const again = "sent again: "

func tellAgain(c net.Conn) {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			fmt.Fprintf(os.Stderr, "%s%d\n", again, info.Total_retrans)
		}
	})
}

func gigabits(bytes int, took time.Duration) float64 {
	return float64(bytes) * 8 / 1e9 / took.Seconds()
}

// latency returns the median of how many microseconds a connection takes, with a
// byte there and back: some answer before they have connected outside.
func latency(to string, n int) (float64, error) {
	var all []float64
	for range n {
		began := time.Now()
		if err := echo(to); err != nil {
			return 0, err
		}
		all = append(all, float64(time.Since(began).Microseconds()))
	}
	return median(all), nil
}

func echo(to string) error {
	c, err := dial(to, wantEcho)
	if err != nil {
		return err
	}
	defer c.Close()
	return answered(c)
}

func answered(c net.Conn) error {
	if _, err := c.Write([]byte{1}); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 1))
	return err
}

// atOnce returns how many connections are open at once and all answer.
func atOnce(to string, n int) float64 {
	open := make([]net.Conn, n)
	failed := parallel(n, 64, func(i int) (err error) { open[i], err = dial(to, wantEcho); return err })
	failed += parallel(n, 64, func(i int) error {
		if open[i] == nil {
			return nil
		}
		return answered(open[i])
	})
	for _, c := range open {
		if c != nil {
			c.Close()
		}
	}
	return float64(n - failed)
}

// unread returns how many connections say as much as they can to who does not read.
func unread(to string, n int) float64 {
	var open atomic.Int64
	parallel(n, n, func(int) error {
		c, err := dial(to, wantRest)
		if err != nil {
			return err
		}
		defer c.Close()
		open.Add(1)
		if err := c.SetDeadline(time.Now().Add(resting)); err != nil {
			return err
		}
		for buf := make([]byte, 64<<10); err == nil; {
			_, err = c.Write(buf)
		}
		return nil
	})
	return float64(open.Load())
}

// many returns how many connections a second are made, by sixteen at a time.
func many(to string, n int) (float64, error) {
	began := time.Now()
	if failed := parallel(n, 16, func(int) error { return echo(to) }); failed > 0 {
		return 0, fmt.Errorf("%d of %d connections failed", failed, n)
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// parallel does n things, some at a time, and returns how many failed.
func parallel(n, workers int, do func(i int) error) (failed int) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	next := make(chan int)
	for range workers {
		wg.Go(func() {
			for i := range next {
				if do(i) != nil {
					mu.Lock()
					failed++
					mu.Unlock()
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return failed
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(values))[len(values)/2]
}
