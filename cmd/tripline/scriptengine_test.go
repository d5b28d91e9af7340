package main

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdEngine answers on a Unix socket as a container engine does: "engine SOCKET
// FILE..." serves each FILE under its name, with slashes for the percent signs.
// It has no events.
func cmdEngine(ts *testscript.TestScript, _ bool, args []string) {
	answers := map[string]string{}
	for _, name := range args[1:] {
		answers["/v1.40/"+strings.ReplaceAll(name, "%", "/")] = ts.ReadFile(name)
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", ts.MkAbs(args[0]))
	ts.Check(err)
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := answers[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(text))
	})}
	go server.Serve(l)
	ts.Defer(func() { server.Close() })
}
