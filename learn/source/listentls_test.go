package source_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tripline/learn/source"
)

// certificate writes a certificate of its own authority, and its key.
func certificate(t *testing.T) (cert, key string, pair tls.Certificate) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "log.example.com"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certText, keyText := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})
	if pair, err = tls.X509KeyPair(certText, keyText); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, text := range map[string][]byte{cert: certText, key: keyText} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key, pair
}

func trusting(pair tls.Certificate, own ...tls.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(pair.Leaf)
	return &tls.Config{RootCAs: pool, Certificates: own}
}

// sayTLS sends what it can: a server may refuse only when it has read.
func sayTLS(t *testing.T, addr string, config *tls.Config, text string) {
	t.Helper()
	d := tls.Dialer{Config: config}
	c, err := d.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Logf("dial: %v", err)
		return
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Logf("write: %v", err)
	}
}

func TestListeningOverTLS(t *testing.T) {
	cert, key, pair := certificate(t)
	s, addr := listening(t, "filterlog", "tls://%s?cert="+cert+"&key="+key)
	line := line5424(1, udp("in em1 pass", host, "5000", far, "443", 50))
	sayTLS(t, addr, trusting(pair), fmt.Sprintf("%d %s", len(line), line))
	wants(t, heard(t, s, 1), string(source.Outbound))
	saying(t, "tcp", me, addr, line+"\n") // not in TLS
	wants(t, heard(t, s, 1), string(source.NoHandshake))
}

func TestOnlySendersWithACertificateAreHeard(t *testing.T) {
	cert, key, pair := certificate(t)
	clients, _, client := certificate(t)
	_, _, stranger := certificate(t)
	s, addr := listening(t, "filterlog", "tls://%s?cert="+cert+"&key="+key+"&ca="+clients)
	line := line5424(1, udp("in em1 pass", host, "5000", far, "443", 50)) + "\n"
	sayTLS(t, addr, trusting(pair, stranger), line)
	wants(t, heard(t, s, 1), string(source.NoHandshake))
	sayTLS(t, addr, trusting(pair), line)
	wants(t, heard(t, s, 1), string(source.NoHandshake))
	sayTLS(t, addr, trusting(pair, client), line)
	wants(t, heard(t, s, 1), string(source.Outbound))
}
