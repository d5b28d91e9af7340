package alert_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"tripline/enforce"
	"tripline/enforce/alert"
	"tripline/learn"
)

// sink opens a kind with settings. A setting NAME_file is written to a file first.
func sink(t *testing.T, kind string, settings map[string]string) *alert.Route {
	t.Helper()
	r, err := trySink(t, kind, settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Sink.Close() })
	return r
}

func trySink(t *testing.T, kind string, settings map[string]string) (*alert.Route, error) {
	t.Helper()
	conf := learn.Sink{Name: "s", To: kind, Window: -1, Settings: map[string]string{}}
	for key, v := range settings {
		if strings.HasSuffix(key, "_file") {
			file := filepath.Join(t.TempDir(), key)
			if err := os.WriteFile(file, []byte(v+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			v = file
		}
		conf.Settings[key] = v
	}
	return alert.Open(&conf, io.Discard, func(text string) { t.Log(text) })
}

func message(alerts ...*enforce.Alert) *alert.Message {
	return &alert.Message{ID: "msg_1", Alerts: alerts}
}

func send(t *testing.T, r *alert.Route, m *alert.Message) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return r.Sink.Send(ctx, m)
}

// A caught is a request as a server saw it.
type caught struct {
	mu     sync.Mutex
	path   []string
	header []http.Header
	body   []string
}

func (c *caught) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.path, c.header, c.body = append(c.path, r.URL.Path), append(c.header, r.Header), append(c.body, string(body))
}

func TestWebhookIsSigned(t *testing.T) {
	var c caught
	srv := httptest.NewServer(&c)
	defer srv.Close()
	r := sink(t, "webhook", map[string]string{"url": srv.URL + "/hook", "secret_file": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "token_file": "tkn"})
	if answer, err := send(t, r, message(spiteful())); err != nil || answer != "200 OK" {
		t.Fatalf("got %q, %v", answer, err)
	}
	h := c.header[0]
	key, _ := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	mac := hmac.New(sha256.New, key)
	io.WriteString(mac, h.Get("Webhook-Id")+"."+h.Get("Webhook-Timestamp")+"."+c.body[0])
	sum := mac.Sum(nil)
	if got, want := h.Get("Webhook-Signature"), "v1,"+base64.StdEncoding.EncodeToString(sum); got != want {
		t.Errorf("signature: got %q, want %q", got, want)
	}
	if got, want := h.Get("Tripline-Signature"), "sha256="+hex.EncodeToString(sum); got != want {
		t.Errorf("signature: got %q, want %q", got, want)
	}
	if h.Get("Webhook-Id") != "msg_1" || h.Get("Authorization") != "Bearer tkn" || h.Get("Content-Type") != "application/json" {
		t.Errorf("header: got %v", h)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(c.body[0]), &got); err != nil {
		t.Fatal(err)
	}
	if at(t, got, "alerts/0/name") != whole(spite) || at(t, got, "tripline") != "alerts/1" || at(t, got, "alerts/0/event") != "3f9a2c-new" {
		t.Errorf("body: got %v", got)
	}
}

func TestWebhookInOtherFormats(t *testing.T) {
	var c caught
	srv := httptest.NewServer(&c)
	defer srv.Close()
	for _, name := range []string{"ecs", "ocsf", "cef", "wazuh"} {
		r := sink(t, "webhook", map[string]string{"url": srv.URL, "format": name})
		if _, err := send(t, r, message(spiteful(), spiteful())); err != nil {
			t.Fatal(err)
		}
		if got, want := c.body[len(c.body)-1], record(t, name, spiteful()); got != want+"\n"+want+"\n" {
			t.Errorf("%s: got %q", name, got)
		}
		if c.header[0].Get("Webhook-Signature") != "" {
			t.Error("signed without a secret")
		}
	}
}

// TestPeersThatMisbehave says for each fault whether it is tried again, when, and
// what a person reads.
func TestPeersThatMisbehave(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	for name, c := range map[string]struct {
		serve   http.HandlerFunc
		refused bool
		after   time.Duration
		want    string // in the error; "" for success
	}{
		"broken":  {serve: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "\x1b[31mboom", 500) }, want: `500 Internal Server Error: \x1b[31mboom`},
		"busy":    {serve: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "7"); w.WriteHeader(429) }, after: 7 * time.Second, want: "429 Too Many Requests"},
		"invalid": {serve: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 400) }, refused: true, want: "400 Bad Request: no"},
		"gone":    {serve: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 404) }, want: "404 Not Found"},
		"redirect": {serve: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
		}, want: "307 Temporary Redirect"},
		"torn": {serve: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, "ok")
		}, want: ""},
		"cut":      {serve: func(w http.ResponseWriter, _ *http.Request) { cutOff(w, "HTTP/1.1 20") }, want: "send: "},
		"nonsense": {serve: func(w http.ResponseWriter, _ *http.Request) { cutOff(w, "SSH-2.0-x\r\n\r\n") }, want: "send: "},
		"endless":  {serve: endless, want: ""},
		"hangs":    {serve: func(_ http.ResponseWriter, r *http.Request) { wait(r, hang) }, want: "no answer in time"},
		"far": {serve: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "99999999999")
			w.WriteHeader(503)
		}, want: "503"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(c.serve)
			defer srv.Close()
			r := sink(t, "webhook", map[string]string{"url": srv.URL})
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			answer, err := r.Sink.Send(ctx, message(spiteful()))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %q, %v; want %q", answer, err, c.want)
			}
			peer, _ := errors.AsType[*alert.PeerError](err)
			if refused, after := peer != nil && peer.Refused, time.Duration(0); refused != c.refused || peer != nil && peer.After != c.after {
				t.Errorf("refused %v, after %v; want %v, %v", refused, after, c.refused, c.after)
			}
			srv.CloseClientConnections()
		})
	}
}

func wait(r *http.Request, hang chan struct{}) {
	io.Copy(io.Discard, r.Body) // only then the server notices that the client is gone
	select {
	case <-hang:
	case <-r.Context().Done():
	}
}

func endless(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, strings.Repeat("x", 4096)); err != nil {
			return
		}
	}
}

func cutOff(w http.ResponseWriter, text string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	io.WriteString(conn, text)
	conn.Close()
}

func TestTLSWithACAOfOnesOwn(t *testing.T) {
	var c caught
	srv := httptest.NewTLSServer(&c)
	defer srv.Close()
	srv.Config.ErrorLog = nil
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := send(t, sink(t, "webhook", map[string]string{"url": srv.URL}), message(spiteful())); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without the CA: got %v", err)
	}
	if _, err := send(t, sink(t, "webhook", map[string]string{"url": srv.URL, "ca": ca}), message(spiteful())); err != nil {
		t.Error(err)
	}
	for file, want := range map[string]string{"nowhere": "no such file", os.Args[0]: "no certificate in PEM"} {
		if _, err := trySink(t, "webhook", map[string]string{"url": srv.URL, "ca": file}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", file, err, want)
		}
	}
}

// A secret in a URL is in no error.
func TestSecretsAreNotShown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := l.Addr().String()
	l.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no such "+r.URL.Path+" "+r.Header.Get("Authorization"), 404)
	}))
	defer srv.Close()
	for _, r := range []*alert.Route{
		sink(t, "webhook", map[string]string{"url_file": "http://" + dead + "/services/hunter2secret"}),
		sink(t, "webhook", map[string]string{"url_file": srv.URL + "/hunter2secret", "token_file": "hunter2secret"}),
		sink(t, "telegram", map[string]string{"api": "http://" + dead, "chat": "1", "token_file": "1:hunter2secret"}),
		sink(t, "telegram", map[string]string{"api": srv.URL, "chat": "1", "token_file": "1:hunter2secret"}),
		sink(t, "ntfy", map[string]string{"url": srv.URL, "topic_file": "hunter2secret", "user": "u", "password_file": "hunter2secret"}),
		sink(t, "shoutrrr", map[string]string{"url_file": "gotify://" + dead + "/hunter2secretX?disabletls=yes"}),
		sink(t, "shoutrrr", map[string]string{"url_file": "generic+" + srv.URL + "/hunter2secret"}),
	} {
		_, err := send(t, r, message(spiteful()))
		if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(learn.HintOf(err), "hunter2") {
			t.Errorf("%s: got %v", r.Kind.Name, err)
		}
	}
}

func TestTelegram(t *testing.T) {
	var c caught
	answer, status := `{"ok":true,"result":{"message_id":42}}`, 200
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.ServeHTTP(w, r)
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	defer srv.Close()
	r := sink(t, "telegram", map[string]string{"api": srv.URL, "chat": "-100123", "token_file": "1:abc", "topic": "7"})
	var many []*enforce.Alert
	for range 40 {
		a := spiteful()
		a.Name = strings.Repeat("<&>😀", 300)
		many = append(many, a)
	}
	if said, err := send(t, r, message(many...)); err != nil || said != "taken as message 42" {
		t.Fatalf("got %q, %v", said, err)
	}
	var got struct {
		Chat  string `json:"chat_id"`
		Text  string `json:"text"`
		Mode  string `json:"parse_mode"`
		Topic int    `json:"message_thread_id"`
	}
	if err := json.Unmarshal([]byte(c.body[0]), &got); err != nil {
		t.Fatal(err)
	}
	if c.path[0] != "/bot1:abc/sendMessage" || got.Chat != "-100123" || got.Mode != "HTML" || got.Topic != 7 {
		t.Errorf("got %s %+v", c.path[0], got)
	}
	// What Telegram counts: UTF-16 units, after the tags are taken out.
	plain := got.Text
	for _, tag := range []string{"<b>", "</b>", "<pre>", "</pre>"} {
		if strings.Count(plain, tag) != 1 {
			t.Errorf("%d times %s", strings.Count(plain, tag), tag)
		}
		plain = strings.Replace(plain, tag, "", 1)
	}
	if strings.ContainsAny(plain, "<>") {
		t.Errorf("a tag of somebody else: %s", plain)
	}
	plain = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(plain)
	if n := len(utf16.Encode([]rune(plain))); n > 4096 || n < 1000 {
		t.Errorf("%d characters, want at most 4096", n)
	}
	if !strings.Contains(plain, "40 findings of bot") || !strings.Contains(plain, " more; see") {
		t.Errorf("got %s", plain)
	}
	for _, c := range []struct {
		status       int
		answer, hint string
		after        time.Duration
		refused      bool
	}{
		{429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 5","parameters":{"retry_after":5}}`, "", 5 * time.Second, false},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`, "write to the bot once", 0, true},
		{400, `{"ok":false,"description":"Bad Request: group chat was upgraded","parameters":{"migrate_to_chat_id":-1009}}`, `chat: "-1009"`, 0, true},
		{401, `{"ok":false,"error_code":401,"description":"Unauthorized"}`, "token", 0, false},
		{200, `{"ok":false,"description":"odd"}`, "", 0, false},
		{200, `<html>`, "", 0, false},
	} {
		status, answer = c.status, c.answer
		_, err := send(t, r, message(spiteful()))
		peer, ok := errors.AsType[*alert.PeerError](err)
		if !ok || peer.After != c.after || peer.Refused != c.refused || !strings.Contains(learn.HintOf(err), c.hint) {
			t.Errorf("%d %s: got %v, hint %q", c.status, c.answer, err, learn.HintOf(err))
		}
	}
}

func TestNtfyAndShoutrrr(t *testing.T) {
	var c caught
	srv := httptest.NewServer(&c)
	defer srv.Close()
	if _, err := send(t, sink(t, "ntfy", map[string]string{"url": srv.URL, "topic": "alerts", "token_file": "tk"}), message(spiteful())); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(c.body[0]), &got); err != nil {
		t.Fatal(err)
	}
	if got["topic"] != "alerts" || got["priority"] != 4.0 || len(got["message"].(string)) > 4096 || c.header[0].Get("Authorization") != "Bearer tk" {
		t.Errorf("got %v", got)
	}
	if _, err := send(t, sink(t, "shoutrrr+generic+"+srv.URL+"/x?template=json", nil), message(spiteful())); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(c.body[1]), &got); err != nil || !strings.HasPrefix(fmt.Sprint(got["title"]), "unexpected: bot: 203.0.113.9:443") {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := trySink(t, "shoutrrr+discrod://x@y", nil); err == nil || learn.HintOf(err) != `did you mean "discord"?` {
		t.Errorf("got %v, hint %q", err, learn.HintOf(err))
	}
}

// What the configuration gets wrong is said before anything is sent.
func TestSettingsAreRefused(t *testing.T) {
	for _, c := range []struct {
		kind     string
		settings map[string]string
		want     string
	}{
		{"webhook", nil, "want a URL"},
		{"webhook", map[string]string{"url": "ftp://192.0.2.1"}, "want a URL"},
		{"webhook", map[string]string{"url": "https://u:p@192.0.2.1"}, "holds a secret"},
		{"webhook", map[string]string{"url": "https://192.0.2.1", "format": "esc"}, `no format is called "esc"`},
		{"webhook", map[string]string{"url": "https://192.0.2.1", "secret_file": "whsec_?"}, "base64"},
		{"webhook", map[string]string{"url": "https://192.0.2.1", "secret_env": "TRIPLINE_NOT_SET"}, "is not set"},
		{"syslog", map[string]string{"address": "192.0.2.1:514"}, "want udp://"},
		{"syslog", map[string]string{"address": "udp://192.0.2.1", "format": "text"}, "several lines"},
		{"syslog", map[string]string{"address": "udp://192.0.2.1", "facility": "kern"}, "want local0"},
		{"telegram", map[string]string{"chat": "1"}, "token_file is missing"},
		{"telegram", map[string]string{"chat": "1", "token_file": "a/b"}, "no token of a bot"},
		{"telegram", map[string]string{"chat": "1", "token_file": ""}, "is empty"},
		{"smtp", map[string]string{"server": "192.0.2.1", "sender": "me", "recipients": "a@example.com"}, "want an address"},
		{"smtp", map[string]string{"server": "192.0.2.1", "sender": "me@example.com", "recipients": "a@example.com, b"}, "want addresses"},
		{"smtp", map[string]string{"server": "192.0.2.1", "sender": "me@example.com", "recipients": "a@example.com", "user": "u"}, "want a user and password_file"},
		{"smtp", map[string]string{"server": "192.0.2.1", "sender": "me@example.com", "recipients": "a@example.com", "user": "u", "password_file": "p", "security": "none"}, "clear text"},
		{"smtp", map[string]string{"server": "192.0.2.1:x", "sender": "me@example.com", "recipients": "a@example.com"}, "want HOST:PORT"},
		{"ntfy", nil, "topic is missing"},
		{"alertmanager", map[string]string{"url": "http://192.0.2.1", "token_file": "t", "user": "u", "password_file": "p"}, "not both"},
		{"", nil, "does not say where to"},
	} {
		if _, err := trySink(t, c.kind, c.settings); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: got %v, want %q", c.kind, c.settings, err, c.want)
		}
	}
}

func TestSecretThatAllCanReadIsWarnedAbout(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	var warned []string
	conf := learn.Sink{Name: "hook", To: "webhook", Window: -1, Settings: map[string]string{"url": "https://192.0.2.1", "secret_file": file}}
	if _, err := alert.Open(&conf, io.Discard, func(text string) { warned = append(warned, text) }); err != nil {
		t.Fatal(err)
	}
	if len(warned) != 1 || !strings.Contains(warned[0], "chmod 600 "+file) {
		t.Errorf("got %q", warned)
	}
}
