// How the connection reaches NATS and signs in.

package streams

import (
	"context"
	"net/url"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"onsale/config/readfile"
)

// Login is how to reach an external NATS and sign in. The embedded server asks for it if its own configuration has users. Of User,
// Token, NKey and Creds at most one is set.
type Login struct {
	User, Password string
	Token          string
	NKey           string // file with the seed
	Creds          string // file with a JWT and its seed

	CA        string // PEM file; with it, TLS is required
	Cert, Key string // PEM files of a client certificate
	TLSFirst  bool   // TLS begins before the server's first message

	Domain      string // of JetStream
	InboxPrefix string // of the subjects for answers; "" is _INBOX
}

// options reads the files: an error is permanent.
func (a Login) options() (options []nats.Option, err error) {
	switch {
	case a.User != "":
		options = append(options, nats.UserInfo(a.User, a.Password))
	case a.Token != "":
		options = append(options, nats.Token(a.Token))
	case a.NKey != "":
		seed, err := nats.NkeyOptionFromSeed(a.NKey)
		if err != nil {
			return nil, &Fault{"the nkey in " + a.NKey + " cannot be used: " + err.Error(), "nats.nkey names a file with the seed of a user, which begins with SU", err}
		}
		options = append(options, seed)
	case a.Creds != "":
		options = append(options, nats.UserCredentials(a.Creds))
	}
	if a.CA != "" {
		options = append(options, nats.RootCAs(a.CA))
	}
	if a.Cert != "" {
		options = append(options, nats.ClientCert(a.Cert, a.Key))
	}
	if a.TLSFirst {
		options = append(options, nats.TLSHandshakeFirst())
	}
	if a.InboxPrefix != "" {
		options = append(options, nats.CustomInboxPrefix(a.InboxPrefix))
	}
	return options, nil
}

// readFilesFirst makes an attempt to connect fail where a file is no regular one, or its storage does not answer. nats.go reads the
// files at each attempt, and holds the connection's lock meanwhile: whatever asks for its state, and its end, would hang too. It
// does not tell of all these failures, so failed is called, under that lock.
func (a Login) readFilesFirst(failed func(error)) nats.Option {
	readable := func(paths ...string) func() error { return readable(failed, paths...) }
	return func(o *nats.Options) error {
		login := readable(a.NKey, a.Creds)
		o.UserJWT = after(login, o.UserJWT)
		o.RootCAsCB = after(readable(a.CA), o.RootCAsCB)
		o.TLSCertCB = after(readable(a.Cert, a.Key), o.TLSCertCB)
		if sign := o.SignatureCB; sign != nil {
			o.SignatureCB = func(nonce []byte) ([]byte, error) {
				return after(login, func() ([]byte, error) { return sign(nonce) })()
			}
		}
		return nil
	}
}

// after is f, or nil for nil, which is called only if check succeeds.
func after[T any](check func() error, f func() (T, error)) func() (T, error) {
	if f == nil {
		return nil
	}
	return func() (none T, err error) {
		if err := check(); err != nil {
			return none, err
		}
		return f()
	}
}

// readable returns what reads the files whose paths are not empty. Only one goroutine at a time may call it.
func readable(failed func(error), paths ...string) func() error {
	var readers []*readfile.Reader
	for _, path := range paths {
		if path != "" {
			readers = append(readers, readfile.NewReader(path))
		}
	}
	return func() error {
		for _, r := range readers {
			if _, err := r.Read(context.Background()); err != nil {
				failed(err)
				return err
			}
		}
		return nil
	}
}

func (a Login) jetStream(nc *nats.Conn) (jetstream.JetStream, error) {
	if a.Domain != "" {
		return jetstream.NewWithDomain(nc, a.Domain)
	}
	return jetstream.New(nc)
}

// refused is what to do when NATS refuses the login.
func (c Config) refused() (who, hint string) {
	switch a := c.Login; {
	case a.User != "":
		return " of user " + a.User, "check nats.user and nats.password, and that the server has this user"
	case a.Token != "":
		return " by token", "check nats.token"
	case a.NKey != "":
		return " by nkey", "the server must have the public key of the seed in nats.nkey"
	case a.Creds != "":
		return " by credentials", "the file that nats.creds names may be of another operator, expired or revoked: make a new one with nsc"
	}
	for _, server := range c.URLs {
		if u, err := url.Parse(server); err == nil && u.User != nil {
			return " in nats.url", "check the user and the password, or the token, in nats.url"
		}
	}
	if c.Login.Cert != "" {
		return " by certificate", "the server must map the certificate in nats.cert to a user"
	}
	return ": none is set", "set nats.user and nats.password, nats.token, nats.nkey, nats.creds, or nats.context"
}

// hosts are the servers, without secrets.
func (c Config) hosts() string {
	var hosts []string
	for _, server := range c.URLs {
		if u, err := url.Parse(server); err == nil && u.Host != "" {
			hosts = append(hosts, u.Host)
		}
	}
	if len(hosts) == 0 {
		return "the embedded server"
	}
	return strings.Join(hosts, ", ")
}
