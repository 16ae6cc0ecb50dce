// What is wrong with NATS, in words, and what to do about it: the library's errors name neither.

package streams

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Fault is an error of NATS, or of how it is configured, with a hint what to do.
type Fault struct {
	What, hint string
	Err        error
}

func (f *Fault) Error() string { return f.What }
func (f *Fault) Hint() string  { return f.hint }
func (f *Fault) Unwrap() error { return f.Err }

// String is the fault in one line, as readiness shows it.
func (f *Fault) String() string { return f.What + ": " + f.hint }

const (
	refusedLogin = "nats refuses the login"
	notConnected = "not connected to nats"
)

// refusal is the kind of a refused login, as the library distinguishes them; nil: it is another error.
func refusal(err error) error {
	for _, refused := range []error{nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired} {
		if errors.Is(err, refused) {
			return refused
		}
	}
	return nil
}

// passes says that an error of a connection may end by itself: a server that is starting, or busy.
func passes(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout() || strings.Contains(err.Error(), "connection refused") || errors.Is(err, nats.ErrNoServers) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, nats.ErrDisconnected) || errors.Is(err, nats.ErrMaxConnectionsExceeded) || errors.Is(err, nats.ErrMaxAccountConnectionsExceeded)
}

// connectionFault explains why there is no connection.
func (c Config) connectionFault(err error) *Fault {
	if err == nil {
		err = nats.ErrDisconnected
	}
	if refused := refusal(err); refused != nil {
		who, hint := c.refused()
		return &Fault{fmt.Sprintf("%s%s (%v)", refusedLogin, who, refused), hint, err}
	}
	what, hint := c.unreachable(err)
	return &Fault{notConnected + ": " + what, hint, err}
}

func (c Config) unreachable(err error) (what, hint string) {
	var unknown x509.UnknownAuthorityError
	var names x509.HostnameError
	var invalid x509.CertificateInvalidError
	var noName *net.DNSError
	var noTLS tls.RecordHeaderError
	var timeout net.Error
	switch text := err.Error(); {
	case errors.As(err, &unknown):
		return "its certificate is of an authority that is not trusted here", "name the file of that CA with nats.ca"
	case errors.As(err, &names):
		return "its certificate is for another name: " + names.Error(), "use a name in nats.url that the certificate has"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate is expired or not valid yet: " + invalid.Error(), "renew it, or correct this machine's clock"
	case strings.Contains(text, "remote error: tls:") || errors.Is(err, nats.ErrTLS):
		return "it refuses TLS with this client (" + text + ")", "it may want a client certificate that its own CA has signed: nats.cert and nats.key"
	case errors.Is(err, nats.ErrSecureConnWanted):
		return "TLS is required here, and " + c.hosts() + " offers none", "turn TLS on in the server, or use nats:// in nats.url and leave out nats.ca"
	case errors.As(err, &noTLS):
		return "it does not answer in TLS", "leave out nats.tlsFirst unless the server has handshake_first, and check the port in nats.url"
	case errors.Is(err, nats.ErrNkeysNotSupported):
		return "it knows no nkeys and no credentials", "check nats.url, or sign in with nats.user or nats.token"
	case errors.Is(err, nats.ErrMaxConnectionsExceeded) || errors.Is(err, nats.ErrMaxAccountConnectionsExceeded):
		return "it has no connection left (" + text + ")", "raise max_connections of the server or the account"
	case errors.Is(err, nats.ErrNoInfoReceived) || strings.Contains(text, "'INFO'"):
		return "what answers at " + c.hosts() + " is no nats-server", "check the port in nats.url: 4222 by default, 8222 is for monitoring"
	case errors.As(err, &noName):
		return "the name " + noName.Name + " is unknown", "check nats.url, and the name service"
	case errors.Is(err, io.EOF):
		return c.hosts() + " ends the connection at once", "check the port in nats.url; a server with handshake_first needs nats.tlsFirst"
	case errors.Is(err, nats.ErrDisconnected):
		return "the connection to " + c.hosts() + " has ended", "check the server and the network"
	case errors.Is(err, nats.ErrNoServers) || strings.Contains(text, "connection refused"):
		return "no server answers at " + c.hosts(), "start it, or correct nats.url"
	case errors.Is(err, nats.ErrTimeout) || errors.As(err, &timeout) && timeout.Timeout():
		return "no answer from " + c.hosts(), "check the network; a server with handshake_first needs nats.tlsFirst"
	default:
		return text, "check nats.url, the server and the network"
	}
}

// streamFault explains an error of the JetStream API about a stream; err itself if there is nothing to add.
func (l *Log) streamFault(err error, c jetstream.StreamConfig) error {
	api, ok := errors.AsType[*jetstream.APIError](err)
	if !ok {
		return err
	}
	hint := ""
	switch server.ErrorIdentifier(api.ErrorCode) {
	case server.JSStreamReplicasNotSupportedErr:
		hint = "a single server keeps one copy: set nats.replicas to 1 (--nats-replicas 1), or name a cluster"
	case server.JSClusterNoPeersErrF:
		hint = fmt.Sprintf("the cluster needs %d servers with JetStream and room: start them, or lower nats.replicas", c.Replicas)
	case server.JSStreamSubjectOverlapErr:
		hint = "another stream of this account has these subjects: use another account, or nats.prefix"
	case server.JSMaximumStreamsLimitErr:
		hint = "raise max_streams of the account: a log has two"
	case server.JSStorageResourcesExceededErr, server.JSInsufficientResourcesErr, server.JSAccountResourcesExceededErr, server.JSStreamMaxStreamBytesExceeded:
		hint = fmt.Sprintf("the server or the account has no room for %s of %s: raise max_file_store, or max_store of the account, or lower log.commandsMaxBytes and log.eventsMaxBytes",
			humanize.IBytes(uint64(c.MaxBytes)), c.Name)
	case server.JSNoLimitsErr:
		hint = "give the account limits for JetStream"
	default:
		return err
	}
	return &Fault{fmt.Sprintf("stream %s: %s", c.Name, api.Description), hint, err}
}

// denial is what the server has denied this user last. Requests that it denies are simply not answered.
type denial struct {
	fault *Fault
	at    time.Time
}

// denialLasts is how long a denial counts: what it concerns is tried again within seconds.
const denialLasts = 30 * time.Second

// noteDenied takes an error of permission. It is no problem where onsale can do without: names are then not checked, nor the room of
// the account.
func (l *Log) noteDenied(err error) {
	what := strings.TrimPrefix(err.Error(), nats.ErrPermissionViolation.Error()+": ")
	if strings.Contains(what, ".node.") || strings.Contains(what, ".API.INFO\"") {
		l.logger.Warn("nats denies what onsale can do without", "error", what)
		return
	}
	fault := &Fault{"nats denies this user: " + what, "give the user the permissions of config/deploy/nats/onsale.conf", err}
	before := l.denied.Swap(&denial{fault, time.Now()})
	if before == nil || before.fault.What != fault.What || time.Since(before.at) > denialLasts {
		l.logger.Error("nats denies a permission", "problem", fault.What, "hint", fault.hint)
	}
}

// denial is the fault of the last denial; nil if there was none just now.
func (l *Log) denial() *Fault {
	if d := l.denied.Load(); d != nil && time.Since(d.at) < denialLasts {
		return d.fault
	}
	return nil
}
