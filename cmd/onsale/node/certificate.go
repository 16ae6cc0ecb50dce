// The certificate of tls.cert and tls.key. To renew it, replace the files: the node notices, and new
// connections get the new one. Between the two writes the files are no pair, so what cannot be used is no reason to end: the
// pair before it stays in force, and the log and /readyz say why.

package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/config"
)

const (
	certificateCheckInterval = 2 * time.Second
	certificateEndsSoon      = 7 * 24 * time.Hour
)

type certificate struct {
	files   config.TLS
	logger  *slog.Logger
	pair    atomic.Pointer[tls.Certificate] // in force
	problem atomic.Pointer[string]          // of the files; nil: pair is what they have

	// Of the goroutine that runs.
	certPEM, keyPEM []byte // as they were read last
	unusable        error  // why they are no pair
	endingLogged    bool   // of pair
}

// loadCertificate reads the pair; nil: the configuration has none.
func loadCertificate(files config.TLS, logger *slog.Logger) (*certificate, error) {
	if files.Cert == "" {
		return nil, nil
	}
	c := &certificate{files: files, logger: logger}
	c.check()
	if c.pair.Load() == nil {
		return nil, fmt.Errorf("tls: %s", *c.problem.Load())
	}
	return c, nil
}

// run reads the files again until ctx ends.
func (c *certificate) run(ctx context.Context) {
	for ticker := time.Tick(certificateCheckInterval); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker:
			c.check()
		}
	}
}

// check reads the files, and uses the pair if it is new and valid.
func (c *certificate) check() {
	err := c.read()
	before := c.problem.Load()
	if err == nil {
		c.problem.Store(nil)
	} else {
		problem := err.Error()
		c.problem.Store(&problem)
		if c.pair.Load() != nil && (before == nil || *before != problem) {
			c.logger.Error("certificate cannot be reloaded, the one before it stays", "error", err)
		}
	}
	if pair := c.pair.Load(); pair != nil && !c.endingLogged && time.Until(pair.Leaf.NotAfter) < certificateEndsSoon {
		c.endingLogged = true
		c.logger.Warn("certificate has ended or will soon", "file", c.files.Cert, "ends", pair.Leaf.NotAfter)
	}
}

// read compares contents, since the times of files may not change, as with the links by which Kubernetes mounts secrets.
func (c *certificate) read() error {
	certPEM, err := os.ReadFile(c.files.Cert)
	if err != nil {
		return err
	}
	keyPEM, err := os.ReadFile(c.files.Key)
	if err != nil {
		return err
	}
	if bytes.Equal(certPEM, c.certPEM) && bytes.Equal(keyPEM, c.keyPEM) {
		return c.unusable
	}
	c.certPEM, c.keyPEM = certPEM, keyPEM
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if c.unusable = err; err != nil {
		c.unusable = fmt.Errorf("%s and %s: %w", c.files.Cert, c.files.Key, err)
		return c.unusable
	}
	c.pair.Store(&pair)
	c.endingLogged = false
	c.logger.Info("certificate loaded", "file", c.files.Cert, "names", pair.Leaf.DNSNames, "addresses", pair.Leaf.IPAddresses, "ends", pair.Leaf.NotAfter)
	return nil
}

// config is the configuration of a server; nil: plain HTTP.
func (c *certificate) config() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Load(), nil },
	}
}

// notes are what /readyz says about it.
func (c *certificate) notes() (notes []string) {
	if c == nil {
		return nil
	}
	ends := c.pair.Load().Leaf.NotAfter
	switch left := time.Until(ends); {
	case left < 0:
		notes = append(notes, "the certificate ended at "+ends.UTC().Format(time.RFC3339)+": replace the files of tls.cert and tls.key")
	case left < certificateEndsSoon:
		notes = append(notes, "the certificate ends at "+ends.UTC().Format(time.RFC3339))
	}
	if problem := c.problem.Load(); problem != nil {
		notes = append(notes, "the certificate cannot be reloaded, the one before it stays: "+*problem)
	}
	return notes
}

var certificateEndDesc = prometheus.NewDesc("onsale_tls_certificate_end_timestamp_seconds", "When the certificate in force ends.", nil, nil)

// Describe implements prometheus.Collector.
func (c *certificate) Describe(out chan<- *prometheus.Desc) { out <- certificateEndDesc }

// Collect implements prometheus.Collector.
func (c *certificate) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.MustNewConstMetric(certificateEndDesc, prometheus.GaugeValue, float64(c.pair.Load().Leaf.NotAfter.Unix()))
}
