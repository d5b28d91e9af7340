package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tripline/enforce"
	"tripline/learn"
)

// A serving tells others how a watching does, over HTTP: metrics, and whether it is
// well. Nothing can be changed through it.
type serving struct {
	w      *watching
	server *http.Server
	done   chan error
}

func newServing(w *watching) (part, error) {
	where := w.o.service.Metrics
	if where == "" || !w.o.follow {
		return nil, nil //nolint:nilnil // nobody asked for it
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", where)
	if err != nil {
		return nil, learn.WithHint(fmt.Errorf("serve metrics: %w", err), "another program may be there already: choose another port, as --metrics 127.0.0.1:9471")
	}
	if at, err := netip.ParseAddrPort(l.Addr().String()); err == nil && !at.Addr().Unmap().IsLoopback() {
		w.a.warn("metrics at %s can be read by everybody who reaches it: they name your agents and say how they do; 127.0.0.1 is for this machine alone", at)
	}
	w.a.say("metrics and health at http://%s", l.Addr())
	s := &serving{w: w, done: make(chan error, 1)}
	s.server = &http.Server{
		Handler: s.routes(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	go func() { s.done <- s.server.Serve(l) }()
	return s, nil
}

func (s *serving) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.w.metrics.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	return mux
}

// healthz answers 200 where every check passes, else 503 and which do not.
func (s *serving) healthz(out http.ResponseWriter, _ *http.Request) {
	ready, list := s.w.health.troubles(s.w.a.now())
	status := "ok"
	switch {
	case len(list) > 0:
		status = "failing"
	case !ready:
		status = "starting"
	}
	reply(out, status == "ok", struct {
		Status string    `json:"status"`
		Failed []trouble `json:"failed"`
	}{status, append([]trouble{}, list...)})
}

// readyz answers 200 while the log is followed.
func (s *serving) readyz(out http.ResponseWriter, _ *http.Request) {
	ready, _ := s.w.health.troubles(s.w.a.now())
	reply(out, ready, struct {
		Ready bool `json:"ready"`
	}{ready})
}

func reply(out http.ResponseWriter, well bool, body any) {
	out.Header().Set("Content-Type", "application/json")
	out.Header().Set("Cache-Control", "no-store")
	if !well {
		out.WriteHeader(http.StatusServiceUnavailable)
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	_ = e.Encode(body) // who asked has gone
}

func (s *serving) flow(*learn.Flow, enforce.Verdict) error { return nil }

// tick says when serving has ended by itself.
func (s *serving) tick(_ context.Context, now time.Time) error {
	select {
	case err := <-s.done:
		s.done <- err
		s.w.health.fails("metrics", now, err.Error(), "restart tripline")
		return nil
	default:
		return nil
	}
}

// close ends serving; a scrape that is under way gets a second.
func (s *serving) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		return errors.Join(s.server.Close())
	}
	return nil
}
