// The nats section: which servers, how to sign in, and whether the files can be used.

package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"onsale/config/readfile"
)

// NATS selects the JetStream that holds the logs.
type NATS struct {
	// URL lists servers of one external NATS, as nats://host:port, tls://,
	// ws:// or wss://; in a variable or a flag comma separated. Optional.
	// Empty, the default, means the embedded server. Only one of url and
	// config can be set.
	URL []string

	// Config is a nats-server configuration file for the embedded server, for
	// example to make it part of a cluster. Optional.
	Config string

	// Replicas is the number of copies that JetStream keeps of each log: 1, 3
	// or 5. Default 1 for the embedded server, 3 with nats.url. An embedded
	// server without nats.config is no cluster and allows only 1.
	Replicas int

	// Prefix is put before the names of the streams (shop_COMMANDS) and their
	// subjects (shop.evt.>), so that several shops can share one NATS account:
	// 1 to 32 of A-Z a-z 0-9 _ and -. All nodes of one shop have the same.
	// Default none.
	Prefix string

	// Context is a context of the nats command line tool: its name, or the path
	// of its file. What it says counts where nothing else sets the same setting
	// of this section. Default none.
	Context string

	// User and Password sign in to NATS; so does one of Token, NKey and Creds.
	// Secrets are better set as ONSALE_NATS_PASSWORD and ONSALE_NATS_TOKEN than
	// in a file. Optional.
	User, Password string

	// Token is a token to sign in to NATS with. Optional.
	Token string

	// NKey is a file with the seed of an nkey to sign in to NATS with. Optional.
	NKey string

	// Creds is a credentials file (a user's JWT and its seed, as nsc writes
	// it) to sign in to NATS with. Optional.
	Creds string

	// CA is a PEM file of the authorities that may have signed the servers'
	// certificates; with it, TLS is required. Default: the system's.
	CA string

	// Cert and Key are PEM files of the client certificate that this node shows
	// to the servers. Optional.
	Cert, Key string

	// TLSFirst begins TLS before the server has said anything, for servers with
	// handshake_first. Default false.
	TLSFirst bool

	// Domain is the JetStream domain of the logs, for servers that this node
	// reaches through a leaf node. Optional.
	Domain string

	// InboxPrefix is the prefix of the subjects on which this node gets answers,
	// where its user may not subscribe to _INBOX.>, the default.
	InboxPrefix string
}

func (v *validator) nats(c Config) {
	for _, server := range c.NATS.URL {
		if u, err := url.Parse(server); err != nil || u.Hostname() == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			v.fault("nats.url", "has "+quoted(maskURL(server))+", which is not a server", "nats://host:4222, or the same with tls, ws or wss")
		}
	}
	if len(c.NATS.URL) > 0 && c.NATS.Config != "" {
		v.fault("nats.config", "cannot be set with nats.url", "it configures the embedded server: leave one of the two out")
	}
	v.readable("nats.config", c.NATS.Config)
	v.login(c.NATS)
	v.certificates(c.NATS)
	if p := c.NATS.Prefix; p != "" && (len(p) > nodeMaxLength || strings.Trim(p, nodeCharacters) != "" || strings.HasPrefix(p, "_") || p == "cmd" || p == "evt") {
		v.fault("nats.prefix", "is "+quoted(p), "1 to 32 of A-Z a-z 0-9 _ and -, not with _ at the start, and neither cmd nor evt, with which subjects begin")
	}
	singleServer := len(c.NATS.URL) == 0 && c.NATS.Config == ""
	switch {
	case !slices.Contains([]int{1, 3, 5}, c.NATS.Replicas):
		v.fault("nats.replicas", fmt.Sprintf("is %d", c.NATS.Replicas), "1, 3 or 5")
	case singleServer && c.NATS.Replicas > 1:
		v.fault("nats.replicas", fmt.Sprintf("is %d, but the embedded server is not in a cluster", c.NATS.Replicas),
			"1, or a cluster by nats.config or nats.url")
	}
}

// readable reads a file, and records that it cannot be read. ok is false without a path, too.
func (v *validator) readable(key, path string) (text []byte, ok bool) {
	if path == "" {
		return nil, false
	}
	text, err := readfile.Regular(path)
	if err != nil {
		v.fault(key, "is "+quoted(path)+": "+reason(err)+absolute(path), "name a file that can be read")
		return nil, false
	}
	return text, true
}

// login allows one way to sign in. The embedded server asks for one only if its own configuration has users.
func (v *validator) login(n NATS) {
	v.readable("nats.nkey", n.NKey)
	v.readable("nats.creds", n.Creds)
	values := map[string]string{"nats.user": n.User, "nats.password": n.Password, "nats.token": n.Token, "nats.nkey": n.NKey, "nats.creds": n.Creds}
	first := ""
	for _, key := range []string{"nats.user", "nats.token", "nats.nkey", "nats.creds"} {
		switch {
		case values[key] == "":
		case first != "":
			v.fault(key, "cannot be set with "+first, "keep one way to sign in")
		default:
			first = key
		}
	}
	for _, key := range []string{"nats.user", "nats.password", "nats.token"} {
		if strings.ContainsFunc(values[key], unicode.IsControl) || strings.TrimSpace(values[key]) != values[key] {
			v.fault(key, "has a line break or blanks at an end", "a file's last line break may have come with it: leave it out")
		}
	}
	switch {
	case n.User != "" && n.Password == "":
		v.fault("nats.password", "is missing", "set ONSALE_NATS_PASSWORD to the password of nats.user")
	case n.Password != "" && n.User == "":
		v.fault("nats.user", "is missing", "nats.password belongs to it; a token is nats.token")
	}
	for _, server := range n.URL {
		if u, err := url.Parse(server); err == nil && u.User != nil && first != "" {
			v.fault(first, "cannot be set with a login in nats.url", "keep one way to sign in")
			break
		}
	}
	if first != "" && len(n.URL) == 0 && n.Config == "" {
		v.fault(first, "is for an external NATS", "set nats.url, or leave it out: the embedded server asks for no login")
	}
}

// certificates reads the files as a connection will.
func (v *validator) certificates(n NATS) {
	if text, ok := v.readable("nats.ca", n.CA); ok && !x509.NewCertPool().AppendCertsFromPEM(text) {
		v.fault("nats.ca", "is "+quoted(n.CA)+", which has no certificate", "a PEM file: -----BEGIN CERTIFICATE-----")
	}
	switch {
	case n.Cert != "" && n.Key == "":
		v.fault("nats.key", "is missing", "name the file of the key of nats.cert")
	case n.Key != "" && n.Cert == "":
		v.fault("nats.cert", "is missing", "name the file of the certificate of nats.key")
	case n.Cert != "":
		if err := v.pair("nats.cert", n.Cert, "nats.key", n.Key); err != nil {
			v.fault("nats.cert", "and nats.key cannot be used: "+err.Error(), "a certificate and its own key, as PEM files")
		}
	}
}

// pair reads a certificate and its key. A file that cannot be read is recorded; the error is of files that are no pair.
func (v *validator) pair(certKey, certPath, keyKey, keyPath string) error {
	cert, certOK := v.readable(certKey, certPath)
	key, keyOK := v.readable(keyKey, keyPath)
	if !certOK || !keyOK {
		return nil
	}
	_, err := tls.X509KeyPair(cert, key)
	return err
}
