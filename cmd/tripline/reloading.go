package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

// A reloading takes up another configuration while a log is followed: when it is
// told to by SIGHUP, and when the file has changed and stands still for a second.
// One that cannot be used changes nothing.
type reloading struct {
	w      *watching
	hangup chan os.Signal
	held   string // the identity of the file that was read last
	seen   string // that of the last look
	due    bool
}

func newReloading(w *watching) (part, error) {
	if !w.o.follow || w.src.Name == sandboxSource.Name {
		return nil, nil //nolint:nilnil // it ends by itself, and signals are for the command
	}
	r := &reloading{w: w, hangup: make(chan os.Signal, 1)}
	r.held = w.a.configIdentity()
	r.seen = r.held
	signal.Notify(r.hangup, syscall.SIGHUP)
	w.reloading = r
	return r, nil
}

// configIdentity names the configuration file and the state it is in, without
// reading it.
func (a *app) configIdentity() string {
	for _, path := range a.configPaths() {
		if info, err := os.Stat(path); err == nil {
			return fmt.Sprint(path, " ", info.Size(), " ", info.ModTime().UnixNano())
		}
	}
	return ""
}

// configPaths are where a configuration may be, the first one holds.
func (a *app) configPaths() []string {
	if a.configPath != "" {
		return []string{a.configPath}
	}
	return []string{configName, filepath.Join(filepath.Dir(a.path()), configName), systemConfig()}
}

func (r *reloading) flow(*learn.Flow, enforce.Verdict) error { return nil }

// tick notes when there is something to take up. It is done between two rounds of
// the keeper, see [watching.reload].
func (r *reloading) tick(context.Context, time.Time) error {
	select {
	case <-r.hangup:
		r.due = true
	default:
	}
	now := r.w.a.configIdentity()
	if now == r.seen && now != r.held {
		r.due = true
	}
	r.seen = now
	return nil
}

func (r *reloading) close() error {
	signal.Stop(r.hangup)
	return nil
}

// reload takes up the configuration where that is due, and says what became of it.
func (w *watching) reload(ctx context.Context, k *keeper) error {
	r := w.reloading
	if r == nil || !r.due || k.busy || ctx.Err() != nil {
		return nil
	}
	r.due, r.held = false, r.seen
	w.notifying.send(reloadingState())
	defer w.notifying.send(readyState)
	path, err := w.reconfigure(ctx, k)
	if err != nil && ctx.Err() == nil {
		w.metrics.reloads.add(1, "rejected")
		return w.rejected(path, err)
	}
	w.metrics.reloads.add(1, "accepted")
	w.a.say("%s: the configuration was read again and holds", path)
	return w.sees(enforce.ConfigRejected, "", "configuration", "the configuration can be used again")
}

// rejected tells that a configuration cannot be used, each time it is read again.
func (w *watching) rejected(path string, err error) error {
	why := fmt.Sprintf("%s cannot be used, what it said before holds on: %v", path, err)
	isNew, raised := w.blind(blindness{
		kind: enforce.ConfigRejected, severity: enforce.High, subject: "configuration", check: "configuration", why: why,
		do: orElse(learn.HintOf(err), "Mend it; it is read again when it changes"),
	}, w.a.now())
	if !isNew {
		w.a.warn("%s", why)
	}
	return raised
}

func orElse(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}

// reconfigure reads the configuration and goes on with it.
func (w *watching) reconfigure(ctx context.Context, k *keeper) (path string, err error) {
	old := w.a.config
	path, err = w.a.readConfig()
	if err == nil {
		err = w.adopt(ctx, k, &old)
	}
	if err != nil {
		w.a.config = old
	}
	return orElse(path, "the configuration"), err
}

// readConfig reads the configuration anew; where there is none, that of no file.
func (a *app) readConfig() (path string, err error) {
	path, text, err := a.configText()
	if err != nil {
		return orElse(path, a.configPath), fmt.Errorf("read configuration: %w", err)
	}
	if path == "" {
		a.config = learn.Config{Never: learn.NewNever(nil, nil)}
		return "", nil
	}
	c, err := learn.DecodeConfig(path, text)
	if err == nil {
		a.config = c
	}
	return path, err
}
