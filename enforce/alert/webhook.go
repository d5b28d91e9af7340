package alert

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// webhook posts alerts to a URL. With a secret it signs them as Standard Webhooks
// (https://www.standardwebhooks.com) has it, so that the receiver can use a library
// of his language; docs/alerts.md says how to verify without one.
//
//	POST /alerts
//	Webhook-Id: 2b9f8c...            the same when it is tried again
//	Webhook-Timestamp: 1795365601
//	Webhook-Signature: v1,BASE64(HMAC-SHA256(secret, id.timestamp.body))
//
//	{"tripline":"alerts/1","id":"2b9f8c...","title":"unexpected: bot: ...","alerts":[{...}]}
var webhook = Kind{
	Name: "webhook", Short: "POST to a URL, signed with HMAC-SHA256",
	Keys: []Key{
		{Name: "url", Short: "URL to post to (url_file or url_env where it holds a secret)"},
		{Name: "url", Short: "URL that holds a secret", Secret: true},
		{Name: "secret", Short: "key of the signature; whsec_... is read as base64", Secret: true},
		{Name: "token", Short: "sent as Authorization: Bearer", Secret: true},
		{Name: "format", Short: "json (default), or records of another format, one a line"},
		caKey,
	},
	Pace: Pace{Batch: 1, Timeout: 15 * time.Second},
	Open: openWebhook,
}

type webhookSink struct {
	*poster
	url    string
	key    []byte
	token  string
	format Format
}

func openWebhook(s *Settings) (Sink, error) {
	u, err := s.address("url", "")
	if err != nil {
		return nil, err
	}
	format, err := s.format("json")
	if err != nil {
		return nil, err
	}
	key, err := s.signingKey()
	if err != nil {
		return nil, err
	}
	token, err := s.secret("token")
	if err != nil {
		return nil, err
	}
	hide := []string{token}
	if s.conf.Settings["url"] == "" {
		hide = append(hide, u.String(), u.RequestURI())
	}
	p, err := s.poster(hide...)
	return &webhookSink{p, u.String(), key, token, format}, err
}

// signingKey returns the key of the signature, nil for none.
func (s *Settings) signingKey() ([]byte, error) {
	text, err := s.secret("secret")
	if err != nil || text == "" {
		return nil, err
	}
	encoded, is := strings.CutPrefix(text, "whsec_")
	if !is {
		return []byte(text), nil
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) == 0 {
		return nil, s.wrong("secret_file", "behind whsec_ must stand base64")
	}
	return key, nil
}

// Send implements [Sink].
func (w *webhookSink) Send(ctx context.Context, m *Message) (string, error) {
	body, err := w.body(m)
	if err != nil {
		return "", err
	}
	header := w.sign(m.ID, time.Now(), body)
	header["Content-Type"] = w.format.Media
	if w.format.Name == "json" {
		header["Content-Type"] = "application/json"
	}
	if w.token != "" {
		header["Authorization"] = "Bearer " + w.token
	}
	answer, _, err := w.post(ctx, w.url, body, header)
	return answer, err
}

func (w *webhookSink) body(m *Message) ([]byte, error) {
	if w.format.Name != "json" {
		return w.format.lines(m)
	}
	var b bytes.Buffer
	var alerts []json.RawMessage
	for _, a := range m.Alerts {
		one, err := w.format.record(a)
		if err != nil {
			return nil, err
		}
		alerts = append(alerts, one)
	}
	err := writeObject(&b, struct {
		Schema string            `json:"tripline"`
		ID     string            `json:"id"`
		Title  string            `json:"title"`
		Test   bool              `json:"test,omitempty"`
		Alerts []json.RawMessage `json:"alerts"`
	}{"alerts/1", m.ID, m.Title(), m.Test, alerts})
	return b.Bytes(), err
}

// sign returns the headers of a message at a moment.
func (w *webhookSink) sign(id string, at time.Time, body []byte) map[string]string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	header := map[string]string{"Webhook-Id": id, "Webhook-Timestamp": stamp}
	if w.key != nil {
		mac := hmac.New(sha256.New, w.key)
		fmt.Fprintf(mac, "%s.%s.", id, stamp)
		mac.Write(body) // a hash never fails
		sum := mac.Sum(nil)
		header["Webhook-Signature"] = "v1," + base64.StdEncoding.EncodeToString(sum)
		// The same for people who verify by hand: openssl prints hexadecimal.
		header["Tripline-Signature"] = "sha256=" + hex.EncodeToString(sum)
	}
	return header
}

// Close implements [Sink].
func (w *webhookSink) Close() error { return w.close() }
