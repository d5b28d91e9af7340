package alert

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"tripline/learn"
)

// answerLimit is how much of an answer is read.
const answerLimit = 64 << 10

// A poster sends requests to one HTTP server.
type poster struct {
	client *http.Client
	hide   []string // secrets that errors must not show
}

// caKey is the setting of every kind that speaks TLS.
var caKey = Key{Name: "ca", Short: "FILE of certificates to trust in place of the system's (PEM)"}

// poster returns a client that trusts what the configuration says.
func (s *Settings) poster(hide ...string) (*poster, error) {
	conf, err := s.tls()
	if err != nil {
		return nil, err
	}
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: conf, ForceAttemptHTTP2: true,
		MaxIdleConns: 2, IdleConnTimeout: 90 * time.Second, ResponseHeaderTimeout: time.Minute, MaxResponseHeaderBytes: answerLimit,
	}
	return &poster{client: &http.Client{Transport: t, CheckRedirect: stay}, hide: hide}, nil
}

// stay follows no redirect: a POST would become a GET without the alert, and
// secrets would go to somebody else.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// tls returns how to speak TLS, for clients that also set the name.
func (s *Settings) tls() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	file := s.text("ca", "")
	if file == "" {
		return conf, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, s.conf.Wrong("ca", err)
	}
	conf.RootCAs = x509.NewCertPool()
	if !conf.RootCAs.AppendCertsFromPEM(pem) {
		return nil, s.wrong("ca", "%s holds no certificate in PEM", learn.Printable(file))
	}
	return conf, nil
}

// address reads a setting that is a URL of http or https. It may come as a secret,
// since a URL often holds one.
func (s *Settings) address(key, without string) (*url.URL, error) {
	text, err := s.secret(key)
	if err != nil {
		return nil, err
	}
	if text == "" {
		text = s.text(key, without)
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, s.wrong(key, "want a URL such as https://alerts.example.com/path")
	}
	if u.User != nil && s.conf.Settings[key] != "" {
		return nil, s.wrong(key, "it holds a secret, which does not belong into the configuration")
	}
	return u, nil
}

// post sends a body and returns what the server answered. Any answer but 2xx is a
// [PeerError].
func (p *poster) post(ctx context.Context, to string, body []byte, header map[string]string) (answer string, text []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return "", nil, p.hidden(err)
	}
	req.Header.Set("User-Agent", "tripline")
	for key, value := range header {
		req.Header.Set(key, value)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return "", nil, p.hidden(err)
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	answer = said(resp.Status, text)
	if resp.StatusCode/100 != 2 {
		return answer, text, p.refusal(resp, answer)
	}
	// The status stands for itself: what is cut off behind it changes nothing.
	if err != nil && len(text) > 0 {
		answer += " (cut off)"
	}
	return answer, text, nil
}

// said is an answer in one line.
func said(status string, text []byte) string {
	words := strings.Join(strings.Fields(strings.ToValidUTF8(string(text), "?")), " ")
	if words == "" {
		return status
	}
	return status + ": " + cut(words, 300)
}

// refusal says whether it is worth to try again, and when.
func (p *poster) refusal(resp *http.Response, answer string) error {
	e := &PeerError{Answer: p.cover(answer), After: retryAfter(resp)}
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusUnsupportedMediaType:
		e.Refused = true
	}
	if to := resp.Header.Get("Location"); resp.StatusCode/100 == 3 && to != "" {
		return learn.WithHint(e, "it redirects to %s; redirects are not followed, so use that address if you trust it", learn.Printable(p.cover(cut(to, 200))))
	}
	return e
}

// retryAfter reads the header of RFC 9110 section 10.2.3.
func retryAfter(resp *http.Response) time.Duration {
	text := resp.Header.Get("Retry-After")
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// hidden takes secrets out of an error: that of net/http has the whole URL.
func (p *poster) hidden(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		if errors.Is(u.Err, context.DeadlineExceeded) {
			return errors.New("no answer in time")
		}
		err = u.Err
	}
	if text := p.cover(err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return fmt.Errorf("send: %w", err)
}

func (p *poster) cover(text string) string {
	for _, secret := range p.hide {
		if len(secret) > 3 { // "/" is none, and replacing it would hide everything
			text = strings.ReplaceAll(text, secret, "...")
		}
	}
	return text
}

func (p *poster) close() error {
	p.client.CloseIdleConnections()
	return nil
}

// authorization returns the header for a user with a password or for a token, and
// what must not be shown.
func (s *Settings) authorization() (header map[string]string, hide []string, err error) {
	token, err := s.secret("token")
	if err != nil {
		return nil, nil, err
	}
	password, err := s.secret("password")
	if err != nil {
		return nil, nil, err
	}
	user := s.text("user", "")
	if (user == "") != (password == "") {
		return nil, nil, s.wrong("user", "want a user and password_file, or neither")
	}
	header, hide = map[string]string{}, []string{token, password}
	switch {
	case token != "" && user != "":
		return nil, nil, s.wrong("user", "want a user or a token, not both")
	case token != "":
		header["Authorization"] = "Bearer " + token
	case user != "":
		both := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
		header["Authorization"], hide = "Basic "+both, append(hide, both)
	}
	return header, hide, nil
}
