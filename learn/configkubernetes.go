package learn

import (
	"net/url"

	"gopkg.in/yaml.v3"
)

// Kubernetes is where the API of a cluster is, whose pods are containers here. In
// a pod nothing of it needs to be said.
type Kubernetes struct {
	Use       bool
	URL       string // of the API server
	TokenFile string // what is said to it
	CAFile    string // who may have signed its certificate
}

// kubernetesDoc is a Kubernetes in a configuration.
type kubernetesDoc struct {
	URL       string `yaml:"url"`
	TokenFile string `yaml:"token_file"`
	CAFile    string `yaml:"ca_file"`
}

func (d *kubernetesDoc) config(c *Config, node *yaml.Node) error {
	if d == nil {
		return nil
	}
	if d.URL != "" {
		u, err := url.Parse(d.URL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return at(node, "kubernetes", "url").errorf("%q: want https://HOST:PORT", d.URL)
		}
		if u.Scheme == "http" && d.TokenFile != "" {
			return at(node, "kubernetes", "url").errorf("a token is not sent without encryption: want https")
		}
	}
	c.Kubernetes = Kubernetes{true, d.URL, d.TokenFile, d.CAFile}
	return nil
}
