package lock

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// A Fetch is one line of a proxy's or a mirror's log.
type Fetch struct {
	Client  string
	Method  string
	URL     string
	Status  int
	Digests []Digest // of the bytes, where somebody hashed them
}

// longest is how long a line may be.
const longest = 1 << 20

var errLine = errors.New("want a line of Squid, nginx, Artifactory, Verdaccio, Athens or the mitmproxy addon")

// ParseLine reads a line of any log that is known, and says which it is of.
func ParseLine(line string) (f Fetch, format string, err error) {
	line = strings.TrimSpace(line)
	switch {
	case strings.HasPrefix(line, "{"):
		f, format, err = jsonLine(line)
	case strings.Count(line, "|") >= 8:
		f, format, err = artifactoryLine(line)
	case combined.MatchString(line):
		f, format, err = combinedLine(line)
	default:
		f, format, err = squidLine(line)
	}
	if err == nil && (f.Method == "" || f.URL == "" || f.Status < 0 || f.Status > 999) {
		err = errLine
	}
	if err != nil {
		return Fetch{}, "", err
	}
	f.Method = strings.ToUpper(f.Method)
	return f, format, nil
}

// jsonDoc is the union of the logs that are JSON: Squid with the documented
// logformat, the mitmproxy addon, Verdaccio, Athens.
type jsonDoc struct {
	Method  string          `json:"method"`
	URL     string          `json:"url"`
	Status  json.RawMessage `json:"status"`
	Src     string          `json:"src"`
	Client  json.RawMessage `json:"client"`
	SHA256  string          `json:"sha256"`
	SHA512  string          `json:"sha512"`
	BLAKE   string          `json:"blake2b_256"`
	H1      string          `json:"h1"`
	Remote  string          `json:"remoteIP"`
	Request *struct {
		Method string `json:"method"`
		URL    string `json:"url"`
	} `json:"request"`
	HTTPMethod string          `json:"http-method"`
	HTTPPath   string          `json:"http-path"`
	HTTPStatus json.RawMessage `json:"http-status"`
}

func jsonLine(line string) (f Fetch, format string, err error) {
	var d jsonDoc
	if err := json.Unmarshal([]byte(line), &d); err != nil {
		return f, "", errLine
	}
	f = Fetch{Method: d.Method, URL: d.URL, Client: d.Src}
	status := d.Status
	switch {
	case d.Request != nil:
		format, f.Method, f.URL, f.Client = "verdaccio", d.Request.Method, d.Request.URL, d.Remote
	case d.HTTPMethod != "":
		format, f.Method, f.URL, status = "athens", d.HTTPMethod, d.HTTPPath, d.HTTPStatus
	case len(d.Client) > 0:
		format, f.Client = "mitmproxy", strings.Trim(string(d.Client), `"`)
	default:
		format = "squid json"
	}
	if f.Status, err = strconv.Atoi(strings.Trim(string(status), `"`)); err != nil {
		return f, "", errLine
	}
	for algorithm, value := range map[string]string{"sha256": d.SHA256, "sha512": d.SHA512, "blake2b-256": d.BLAKE} {
		if value == "" {
			continue
		}
		digest, err := hexDigest(algorithm, value)
		if err != nil {
			return f, "", err
		}
		f.Digests = append(f.Digests, digest)
	}
	if d.H1 != "" {
		f.Digests = append(f.Digests, Digest{"h1", strings.TrimPrefix(d.H1, "h1:")})
	}
	return f, format, nil
}

// artifactoryLine reads the request log of Artifactory:
//
//	2026-03-02T10:00:00.123Z|1f2e3d4c|192.0.2.50|ci|GET|/api/npm/npm/a/-/a-1.0.0.tgz|200|-1|1234|12|npm/10
func artifactoryLine(line string) (Fetch, string, error) {
	p := strings.Split(line, "|")
	status, err := strconv.Atoi(p[6])
	if err != nil {
		return Fetch{}, "", errLine
	}
	return Fetch{Client: p[2], Method: p[4], URL: p[5], Status: status}, "artifactory", nil
}

// combined is a line of nginx, Apache or devpi in front of one of them.
var combined = regexp.MustCompile(`^(\S+) \S+ .*?\[[^\]]*\] "([A-Z]+) (\S+)[^"]*" (\d{3}) `)

func combinedLine(line string) (Fetch, string, error) {
	m := combined.FindStringSubmatch(line)
	status, err := strconv.Atoi(m[4])
	return Fetch{Client: m[1], Method: m[2], URL: m[3], Status: status}, "combined", err
}

// squidLine reads Squid's native log:
//
//	1772445600.123    45 192.0.2.50 TCP_MISS/200 12345 GET https://example.com/a.whl - HIER_DIRECT/203.0.113.7 -
func squidLine(line string) (Fetch, string, error) {
	w := strings.Fields(line)
	if len(w) < 7 {
		return Fetch{}, "", errLine
	}
	if _, err := strconv.ParseFloat(w[0], 64); err != nil {
		return Fetch{}, "", errLine
	}
	_, code, ok := strings.Cut(w[3], "/")
	status, err := strconv.Atoi(code)
	if !ok || err != nil {
		return Fetch{}, "", errLine
	}
	return Fetch{Client: w[2], Method: w[5], URL: w[6], Status: status}, "squid", nil
}

// Lines calls fn with each line of a log; one that is too long has no text.
func Lines(r io.Reader, fn func(n int, line string)) error {
	b := bufio.NewReaderSize(r, 64<<10)
	for n := 1; ; n++ {
		line, err := readLine(b)
		if line != "" || err == nil {
			fn(n, line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
}

func readLine(b *bufio.Reader) (string, error) {
	var text strings.Builder
	long := false
	for {
		part, err := b.ReadSlice('\n')
		if long = long || text.Len()+len(part) > longest; !long {
			text.Write(part)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if long {
			return tooLong, err
		}
		return strings.TrimRight(text.String(), "\r\n"), err
	}
}

// tooLong stands for a line that is; nothing can be read from it.
const tooLong = "\x00"
