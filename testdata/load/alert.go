package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// alertTrial appends findings one by one, each well apart from the one before, and
// says how long each took to the peer, its own HTTP server.
func alertTrial(l *lab, out io.Writer) error {
	cmd, err := l.start(nil, l.log)
	if err != nil {
		return err
	}
	var took []time.Duration
	var lost int
	const warm = 10
	base := time.Date(2026, 3, 13, 8, 0, 0, 0, time.UTC)
	began := time.Now()
	for n := 0; time.Since(began) < 3*l.span || n < 200; n++ {
		var w writer
		w.allowed(base, n*50, 50) // there is other traffic
		w.unexpected(base.Add(time.Duration(n)*time.Minute), n%agents, n)
		written := time.Now()
		if err := l.append(w.buf); err != nil {
			return err
		}
		at, ok := l.peer.wait(n+1, 20*time.Second)
		if !ok {
			lost++
			continue
		}
		if n >= warm { // it starts
			took = append(took, at.Sub(written))
		}
		time.Sleep(time.Duration(7+n%13) * time.Millisecond)
	}
	if _, err := l.end(cmd); err != nil {
		return err
	}
	slices.Sort(took)
	at := func(share int) time.Duration {
		return took[min(len(took)-1, len(took)*share/1000)].Round(10 * time.Microsecond)
	}
	fmt.Fprintf(out, "  %d alerts: median %s, 99 %% %s, 99.9 %% %s, longest %s; a job of cron each minute: median 30 s, longest 60 s\n",
		len(took), at(500), at(990), at(999), took[len(took)-1].Round(10*time.Microsecond))
	if lost > 0 || at(990) > 50*time.Millisecond {
		return fmt.Errorf("%d lost, and 99 in 100 took up to %s: want none, and 50 ms", lost, at(990))
	}
	return nil
}

// wait returns when the event number n came.
func (p *peer) wait(n int, most time.Duration) (time.Time, bool) {
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(200 * time.Microsecond) {
		p.mu.Lock()
		if len(p.events) >= n {
			at := p.first[p.events[n-1].Event]
			p.mu.Unlock()
			return at, true
		}
		p.mu.Unlock()
	}
	return time.Time{}, false
}
