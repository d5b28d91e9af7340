package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tripline/store"
)

// killTrial kills enforce every few seconds while flows and findings come. Each
// finding has to reach the peer, and none under two IDs.
func killTrial(l *lab, out io.Writer) error {
	var cmd *exec.Cmd
	var err error
	base, n, written, kills := time.Date(2026, 3, 13, 8, 0, 0, 0, time.UTC), 0, 0, 0
	r := rand.New(rand.NewPCG(1, 1))
	for began := time.Now(); time.Since(began) < 3*l.span; kills++ {
		if cmd, err = l.start(nil, l.log); err != nil {
			return err
		}
		for end := time.Now().Add(time.Second + time.Duration(r.IntN(2000))*time.Millisecond); time.Now().Before(end); {
			var w writer
			w.allowed(base, written, 1000)
			w.unexpected(base.Add(time.Duration(n)*time.Minute), n%agents, n)
			if err := l.append(w.buf); err != nil {
				return err
			}
			n, written = n+1, written+1000
			time.Sleep(time.Duration(r.IntN(40)) * time.Millisecond)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	if cmd, err = l.start(nil, l.log); err != nil {
		return err
	}
	l.peer.wait(n, time.Minute)
	if _, err = l.end(cmd); err != nil {
		return err
	}
	list, again := l.peer.taken()
	found := map[string]bool{}
	for _, e := range list {
		found[fmt.Sprint(e.Dst, " ", e.Port)] = true
	}
	fmt.Fprintf(out, "  %d kills, %d flows, %d findings: %d arrived, with %d event IDs; %d were sent again with the same ID\n",
		kills, written, n, len(found), len(list), again)
	if len(found) != n || len(list) != n {
		return errors.New("want each finding once, with one ID")
	}
	return nil
}

// scanTrial writes a million destinations that are stamped within a minute.
func scanTrial(l *lab, out io.Writer) error {
	cmd, err := l.start(nil, l.log)
	if err != nil {
		return err
	}
	base, began := time.Date(2026, 3, 13, 8, 0, 0, 0, time.UTC), time.Now()
	const all = 1_000_000
	for n := 0; n < all; n += 2000 {
		var w writer
		for i := n; i < n+2000; i++ {
			w.unexpected(base.Add(time.Duration(i)*60*time.Microsecond), 7, i)
		}
		if err := l.append(w.buf); err != nil {
			return err
		}
	}
	var w writer
	w.unexpected(base.Add(time.Hour), 8, 5) // of another agent: when it is told, all was read
	if err := l.append(w.buf); err != nil {
		return err
	}
	if !l.await(2*time.Minute, func(e event) bool { return e.Agent == agentName(8) }) {
		return errors.New("what comes behind the scan is not told")
	}
	took := time.Since(began)
	w.buf = w.buf[:0]
	w.unexpected(base.Add(2*time.Hour), 7, 1_000_001) // when it is over, they are told one by one again
	if err := l.append(w.buf); err != nil {
		return err
	}
	recovered := l.await(time.Minute, func(e event) bool {
		return e.Agent == agentName(7) && e.Port == 20_000+1_000_001/256 && e.Status == "new"
	})
	now, most := memory(cmd.Process.Pid)
	if _, err := l.end(cmd); err != nil {
		return err
	}
	list, err := l.events()
	if err != nil {
		return err
	}
	alone, together := 0, 0
	for _, e := range list {
		switch {
		case e.Agent != agentName(7):
		case e.Group:
			together++
		default:
			alone++
		}
	}
	fmt.Fprintf(out, "  %d destinations read in %s: %d alerts one by one, %d for all others; the next after it told alone: %t; memory %d MiB, at most %d\n",
		all, took.Round(time.Millisecond), alone, together, recovered, now, most)
	if together != 1 || alone > 102 || !recovered || most > 200 {
		return errors.New("want 100 alerts, one for all others, recovery, and 200 MiB at most")
	}
	return nil
}

// garbageTrial writes rubbish as fast as it can, and then a finding.
func garbageTrial(l *lab, out io.Writer) error {
	cmd, err := l.start(nil, l.log)
	if err != nil {
		return err
	}
	var w writer
	w.allowed(time.Date(2026, 3, 13, 7, 0, 0, 0, time.UTC), 0, 100) // a file of nothing else is refused
	if err := l.append(w.buf); err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(1, 2))
	rubbish := make([]byte, 1<<20)
	written := 0
	for began := time.Now(); time.Since(began) < l.span && written < 1<<30; written += len(rubbish) {
		for i := range rubbish {
			rubbish[i] = byte(r.Uint32())
		}
		if written>>20%4 == 3 { // a line of a megabyte and more
			rubbish = bytes.ReplaceAll(rubbish, []byte("\n"), []byte("x"))
		}
		if err := l.append(rubbish); err != nil {
			return err
		}
	}
	w.buf = append(w.buf[:0], '\n')
	w.unexpected(time.Date(2026, 3, 13, 8, 0, 0, 0, time.UTC), 3, 3)
	began := time.Now()
	if err := l.append(w.buf); err != nil {
		return err
	}
	told := l.await(time.Minute, func(e event) bool { return e.Kind == "destination" })
	behind := time.Since(began)
	_, most := memory(cmd.Process.Pid)
	talk, err := l.end(cmd)
	if err != nil {
		return err
	}
	list, err := l.events()
	fmt.Fprintf(out, "  %d MiB of rubbish: a finding behind it is told after %s: %t; %d alerts, %d lines of talk, memory at most %d MiB\n",
		written>>20, behind.Round(time.Millisecond), told, len(list), strings.Count(talk, "\n"), most)
	if !told || most > 200 || len(list) > 20 || strings.Count(talk, "\n") > 200 {
		return errors.New("want the finding, few words and 200 MiB at most")
	}
	return err
}

// clockTrial stamps findings a year ahead and back, over and over.
func clockTrial(l *lab, out io.Writer) error {
	cmd, err := l.start(nil, l.log)
	if err != nil {
		return err
	}
	base := time.Date(2026, 3, 13, 8, 0, 0, 0, time.UTC)
	for n := range 20_000 {
		var w writer
		at := base.AddDate([]int{0, 1, 0, -1}[n%4], 0, 0).Add(time.Duration(n) * time.Second)
		w.unexpected(at, 7, n)
		w.unexpected(at, 8, 1) // the same again and again
		if err := l.append(w.buf); err != nil {
			return err
		}
	}
	var w writer
	w.unexpected(base, 9, 9)
	if err := l.append(w.buf); err != nil {
		return err
	}
	told := l.await(time.Minute, func(e event) bool { return e.Agent == agentName(9) })
	_, most := memory(cmd.Process.Pid)
	if _, err := l.end(cmd); err != nil {
		return err
	}
	list, err := l.events()
	same, scan := 0, 0
	for _, e := range list {
		switch e.Agent {
		case agentName(7):
			scan++
		case agentName(8):
			same++
		}
	}
	fmt.Fprintf(out, "  20,000 jumps by a year: %d events of a scan, %d of one finding that repeats, what comes then is told: %t; memory at most %d MiB\n", scan, same, told, most)
	if !told || scan > 210 || same > 3 || most > 200 {
		return errors.New("want a bounded number of events, and the next finding told")
	}
	return err
}

// diskTrial fills the file system of the database, a small one in memory: what is
// found is told, and kept when there is room.
func diskTrial(l *lab, out io.Writer) error {
	small := filepath.Join(l.dir, "small")
	if err := os.Mkdir(small, 0o700); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=24m"); err != nil {
		fmt.Fprintf(out, "  skipped: a small file system needs root: %v\n", err)
		return nil
	}
	defer syscall.Unmount(small, syscall.MNT_DETACH)
	text, err := os.ReadFile(l.db)
	if err != nil {
		return err
	}
	l.db = filepath.Join(small, "tripline.db")
	if err := os.WriteFile(l.db, text, 0o600); err != nil {
		return err
	}
	cmd, err := l.start(nil, l.log)
	if err != nil {
		return err
	}
	filler := filepath.Join(small, "filler")
	base := time.Date(2026, 3, 13, 8, 0, 0, 0, time.UTC)
	find := func(n int) error {
		var w writer
		for i := range 50 {
			w.unexpected(base.Add(time.Duration(n)*time.Hour), (n*50+i)%agents, n*50+i)
		}
		return l.append(w.buf)
	}
	if err := find(0); err != nil {
		return err
	}
	l.await(20*time.Second, func(e event) bool { return e.Kind == "destination" })
	fill(filler)
	for n := 1; n < 20; n++ {
		if err := find(n); err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	full := l.await(20*time.Second, func(e event) bool { return e.Kind == "not_kept" && e.Status == "new" })
	told := l.await(20*time.Second, func(e event) bool {
		return e.Port == 20_000+19*50/256 && e.Dst == fmt.Sprintf("203.0.113.%d", 19*50%256)
	})
	if err := os.Remove(filler); err != nil {
		return err
	}
	room := l.await(20*time.Second, func(e event) bool { return e.Kind == "not_kept" && e.Status == "resolved" })
	if _, err := l.end(cmd); err != nil {
		return err
	}
	s, err := store.Open(l.db, store.Options{ReadOnly: true, Wait: time.Second})
	if err != nil {
		return err
	}
	kept, err := s.Alerts()
	if err = errors.Join(err, s.Check(), s.Close()); err != nil {
		return err
	}
	fmt.Fprintf(out, "  full: said %t, findings told all the same %t; room again: said %t; %d alerts are kept, of 1,000 findings\n", full, told, room, len(kept))
	if !full || !told || !room || len(kept) < 1000 {
		return errors.New("want all told, and all kept in the end")
	}
	return nil
}

// fill writes until nothing more goes in.
func fill(path string) {
	f, err := os.Create(path)
	if err != nil {
		return
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4 << 10, 1} {
		for {
			if _, err := f.Write(make([]byte, size)); err != nil {
				break
			}
		}
	}
}
