package container

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"tripline/learn"
)

// Where a pod finds the API of its cluster, and what it may say to it.
const (
	accountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token" //nolint:gosec // G101: a path
	accountCA    = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
)

// A Cluster is the API of Kubernetes. It reads the pods of all namespaces, which
// takes the verbs list and watch.
type Cluster struct {
	url   string
	token string // file; it is read again for each question, as it is replaced
	http  *http.Client
}

// OpenCluster finds the API: at k.URL, or where a pod is told to look.
func OpenCluster(k learn.Kubernetes) (*Cluster, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if k.URL == "" && host == "" {
		return nil, learn.WithHint(errors.New("kubernetes: this is no pod, and no url is configured"), "in tripline.yaml: kubernetes: {url: https://HOST:6443, token_file: FILE, ca_file: FILE}")
	}
	if k.URL == "" {
		k.URL = "https://" + joinHost(host) + ":" + port
		k.TokenFile, k.CAFile = or(k.TokenFile, accountToken), or(k.CAFile, accountCA)
	}
	transport := &http.Transport{ResponseHeaderTimeout: answerTime, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	if k.CAFile != "" {
		text, err := os.ReadFile(k.CAFile)
		if err != nil {
			return nil, fmt.Errorf("kubernetes: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("kubernetes: %s holds no certificate", k.CAFile)
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	return &Cluster{strings.TrimSuffix(k.URL, "/"), k.TokenFile, &http.Client{Transport: transport}}, nil
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func joinHost(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// errExpired is returned where the server no longer knows what has changed since:
// all is to be listed again.
var errExpired = errors.New("it does not know any more what has changed")

func (c *Cluster) ask(ctx context.Context, query url.Values) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/api/v1/pods?"+query.Encode(), http.NoBody)
	if err != nil {
		return nil, c.place(err)
	}
	if c.token != "" {
		text, err := os.ReadFile(c.token)
		if err != nil {
			return nil, c.place(err)
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(text)))
	}
	answer, err := c.http.Do(req)
	if err != nil {
		return nil, c.place(err)
	}
	switch answer.StatusCode {
	case http.StatusOK:
		return answer.Body, nil
	case http.StatusGone:
		err = errExpired
	case http.StatusUnauthorized, http.StatusForbidden:
		err = learn.WithHint(fmt.Errorf("it answered %s", answer.Status),
			"kubectl create clusterrole tripline --verb=list,watch --resource=pods, and bind it to the service account of the token")
	default:
		err = fmt.Errorf("it answered %s", answer.Status)
	}
	return nil, c.place(errors.Join(err, answer.Body.Close()))
}

func (c *Cluster) place(err error) error {
	return fmt.Errorf("kubernetes %s: pods: %w", c.url, err)
}

// A pod is what is asked of one.
type pod struct {
	Metadata struct {
		Namespace, Name, UID string
		ResourceVersion      string
		Labels               map[string]string
	}
	Spec struct {
		HostNetwork bool
		Containers  []struct{ Image string }
	}
	Status struct {
		Phase     string
		StartTime time.Time
		PodIPs    []struct{ IP string }
	}
}

// over says whether the pod has ended: its addresses may be another one's.
func (p *pod) over() bool { return p.Status.Phase == "Succeeded" || p.Status.Phase == "Failed" }

func (p *pod) container() learn.Container {
	k := learn.Container{ID: p.Metadata.UID, Name: p.Metadata.Namespace + "/" + p.Metadata.Name, Labels: p.Metadata.Labels}
	if len(p.Spec.Containers) > 0 {
		k.Image = p.Spec.Containers[0].Image
	}
	return k
}

// Pods follow a cluster, as a [Watcher] follows an engine. A pod counts as one
// container, called NAMESPACE/NAME, of the image of its first one.
type Pods struct {
	Cluster *Cluster
	Note    func(learn.Stay)
	Told    func(error)

	open    map[stayKey]learn.Stay
	version string // up to which all is known
}

// Begin notes what there is now.
func (w *Pods) Begin(ctx context.Context) error {
	if w.open == nil {
		w.open = map[stayKey]learn.Stay{}
	}
	body, err := w.Cluster.ask(ctx, url.Values{})
	if err != nil {
		return err
	}
	defer body.Close()
	var list struct {
		Metadata struct{ ResourceVersion string }
		Items    []pod
	}
	if err := json.NewDecoder(io.LimitReader(body, mostAnswer)).Decode(&list); err != nil {
		return w.Cluster.place(err)
	}
	there := map[string]bool{}
	for i := range list.Items {
		there[list.Items[i].Metadata.UID] = true
		w.take(&list.Items[i])
	}
	for key := range w.open {
		if !there[key.container] {
			w.end(key)
		}
	}
	w.version = list.Metadata.ResourceVersion
	return nil
}

// Watch goes on with what changes until ctx ends. Begin comes first.
func (w *Pods) Watch(ctx context.Context) {
	pause := shortPause
	for ctx.Err() == nil {
		began := time.Now()
		err := w.follow(ctx)
		if errors.Is(err, errExpired) {
			err = w.Begin(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err == nil || time.Since(began) > longPause:
			pause = shortPause // servers end what they are asked to watch after a while
		default:
			w.Told(fmt.Errorf("%w; it is tried again", err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(longPause, 2*pause)
	}
}

// mostEvent is how long one event may be.
const mostEvent = 8 << 20

// follow reads events until the stream ends: nil where it ended between two.
func (w *Pods) follow(ctx context.Context) error {
	body, err := w.Cluster.ask(ctx, url.Values{"watch": {"1"}, "allowWatchBookmarks": {"true"}, "resourceVersion": {w.version}})
	if err != nil {
		return err
	}
	defer body.Close()
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, mostEvent)
	for lines.Scan() {
		if err := w.event(lines.Bytes()); err != nil {
			return w.Cluster.place(err)
		}
	}
	if err := lines.Err(); err != nil {
		return w.Cluster.place(err)
	}
	return nil
}

// event takes one line: what happened, and to which pod.
func (w *Pods) event(line []byte) error {
	var ev struct {
		Type   string
		Object json.RawMessage
	}
	if err := json.Unmarshal(line, &ev); err != nil {
		return fmt.Errorf("an event that is cut: %w", err)
	}
	if ev.Type == "ERROR" {
		var status struct {
			Code    int
			Message string
		}
		if err := json.Unmarshal(ev.Object, &status); err == nil && status.Code == http.StatusGone {
			return errExpired
		}
		return fmt.Errorf("it says: %q", status.Message)
	}
	var p pod
	if err := json.Unmarshal(ev.Object, &p); err != nil {
		return fmt.Errorf("an event of no pod: %w", err)
	}
	switch ev.Type {
	case "ADDED", "MODIFIED":
		w.take(&p)
	case "DELETED":
		w.endAll(p.Metadata.UID)
	}
	if v := p.Metadata.ResourceVersion; v != "" { // a bookmark has nothing else
		w.version = v
	}
	return nil
}

// take notes the addresses of a pod, or that it has them no more.
func (w *Pods) take(p *pod) {
	if p.over() {
		w.endAll(p.Metadata.UID)
		return
	}
	if p.Spec.HostNetwork {
		w.Told(learn.WithHint(fmt.Errorf("pod %s is in the network of its node: its traffic has the node's address", learn.Printable(p.container().Name)),
			"no source can tell it by its address; learn it on the node, by process"))
		return
	}
	for _, ip := range p.Status.PodIPs {
		a, err := netip.ParseAddr(ip.IP)
		if err != nil || a.IsUnspecified() || p.Metadata.UID == "" {
			continue
		}
		a = a.Unmap().WithZone("")
		key := stayKey{p.Metadata.UID, "pods", a.String()}
		if _, known := w.open[key]; known {
			continue
		}
		from := p.Status.StartTime
		if from.IsZero() {
			from = time.Now()
		}
		// Most clusters translate what leaves them to the address of the node.
		w.open[key] = learn.Stay{Container: p.container(), Addr: a, Network: "pods", NAT: true, From: from.UTC()}
		w.Note(w.open[key])
	}
}

func (w *Pods) endAll(uid string) {
	for key := range w.open {
		if key.container == uid {
			w.end(key)
		}
	}
}

func (w *Pods) end(key stayKey) {
	s := w.open[key]
	delete(w.open, key)
	s.To = time.Now().UTC()
	w.Note(s)
}
