package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// A contender is one way for a command to reach the server.
type contender struct {
	name string
	to   string // what the client is told
	ours bool   // it says what it saw
	// command returns what runs the client, and what is to run beside it, if
	// anything, when that has a process.
	command func(client []string) []string
	beside  func(pid int) []string
}

const direct = "direct"

func (b *bench) contenders() (list []contender, absent []string) {
	at, gateway := b.server.at.String(), "gateway:"+strconv.Itoa(int(b.server.at.Port()))
	list = []contender{{name: direct, to: at, command: func(client []string) []string { return client }}}
	for _, way := range []string{"veth", "veth hashes", "tun"} {
		link, hashes, _ := strings.Cut(way, " ")
		if err := b.possible(link); err != nil {
			absent = append(absent, fmt.Sprintf("tripline %s is left out: %v", way, err))
			continue
		}
		list = append(list, contender{name: "tripline " + way, to: "203.0.113.5:80", ours: true, command: func(client []string) []string {
			return append([]string{b.self, roleSandbox, link, hashes, at, b.profile}, client...)
		}})
	}
	if _, err := exec.LookPath("pasta"); err == nil {
		list = append(list, contender{name: "pasta", to: gateway, command: func(client []string) []string {
			return append(append([]string{"pasta", "--config-net", "--quiet"}, asRoot()...), append([]string{"--"}, client...)...)
		}})
	} else {
		absent = append(absent, "pasta is not installed (Debian: passt): its row is left out")
	}
	if _, err := exec.LookPath("slirp4netns"); err == nil {
		list = append(list, contender{
			name: "slirp4netns", to: gateway,
			command: func(client []string) []string {
				return append([]string{"unshare", "--user", "--map-root-user", "--net"}, client...)
			},
			beside: func(pid int) []string {
				return []string{"slirp4netns", "--configure", "--mtu=65520", strconv.Itoa(pid), "tap0"}
			},
		})
	} else {
		absent = append(absent, "slirp4netns is not installed: its row is left out")
	}
	return list, absent
}

// asRoot keeps pasta from becoming somebody else who then may do nothing.
func asRoot() []string {
	if os.Geteuid() != 0 {
		return nil
	}
	return []string{"--runas", "0"}
}

// possible says why a link is none here.
func (b *bench) possible(link string) error {
	if link != "tun" {
		return nil
	}
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// A run is what one client said, and what could be seen from outside.
type run struct {
	figure float64
	took   time.Duration
	again  int    // segments that it sent again
	seen   report // of tripline
}

// run runs the client once.
func (b *bench) run(c *contender, what string, n int) (r run, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), b.patience())
	defer cancel()
	args := c.command([]string{b.self, roleClient, what, strconv.Itoa(n), c.to})
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var said, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &said, &complaint, time.Second
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return r, err
	}
	if c.beside != nil {
		stop, err := b.accompany(c, cmd.Process.Pid)
		if err != nil {
			return r, errors.Join(err, cmd.Process.Kill(), cmd.Wait())
		}
		defer stop()
	}
	err = cmd.Wait()
	r.again = sentAgain(complaint.String())
	if err != nil {
		return r, fmt.Errorf("%s: %s: %w: %s", c.name, what, err, strings.TrimSpace(complaint.String()))
	}
	r.took = time.Since(began)
	lines := strings.Split(strings.TrimSpace(said.String()), "\n")
	if r.figure, err = strconv.ParseFloat(lines[0], 64); err != nil {
		return r, fmt.Errorf("%s: %s: %w", c.name, what, err)
	}
	if c.ours {
		err = json.Unmarshal([]byte(lines[len(lines)-1]), &r.seen)
	}
	return r, err
}

// sentAgain reads how many segments a client sent again.
func sentAgain(complaint string) (n int) {
	_, rest, _ := strings.Cut(complaint, again)
	_, _ = fmt.Sscan(rest, &n)
	return n
}

// patience is how long one figure may take.
func (b *bench) patience() time.Duration {
	return 10*time.Second + 3*b.span + time.Duration(b.connections)*2*time.Millisecond
}

// accompany starts what serves a namespace as soon as there is one.
func (b *bench) accompany(c *contender, pid int) (stop func(), err error) {
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		// The program that makes the namespace becomes the client.
		if theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid)); err == nil && theirs != own {
			if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil && exe == b.self {
				break
			}
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%s: no namespace was made", c.name)
		}
	}
	args := c.beside(pid)
	cmd := exec.Command(args[0], args[1:]...)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }, nil
}
