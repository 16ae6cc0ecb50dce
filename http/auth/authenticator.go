// The authenticator answers one question for every request: who makes it. How it finds out is the mode's matter.

package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

// Mode is how the user of a request is determined.
type Mode string

// The modes: Demo believes what the request says; JWT verifies a token; Proxy believes one header of a trusted proxy.
const (
	Demo  Mode = "demo"
	JWT   Mode = "jwt"
	Proxy Mode = "proxy"
)

// Config configures an Authenticator. Mode is required; the others belong to a mode.
type Config struct {
	Mode Mode

	// Mode JWT. Secret verifies HS256; JWKS, a file or an https URL of a key set, verifies RS256, ES256 and Ed25519. One of the
	// two is required. Whether the secret is long enough, and the URL is safe, is checked with the configuration.
	Secret string
	JWKS   string

	// Issuer and Audience must be those of a token, unless empty. Leeway is the difference of clocks that its times may have.
	Issuer, Audience string
	Leeway           time.Duration

	// UserClaim has the user. "": sub. RolesClaim has the roles. "": role and roles.
	UserClaim, RolesClaim string

	// Redeem redeems a ticket that another node issued. Nil: such tickets are invalid. Node is the name in the tickets of this
	// one.
	Redeem func(ctx context.Context, node, ticket string) (Identity, error)
	Node   string

	// Mode Proxy. UserHeader has the user, and RolesHeader, unless empty, the roles, comma separated.
	UserHeader, RolesHeader string

	// TrustedProxies are the peers whose headers are believed.
	TrustedProxies []netip.Prefix

	// Logger gets what an operator must know about the keys. Nil: it is discarded.
	Logger *slog.Logger
}

// TokenError is the error of a proof that is there and invalid: 401 unauthenticated, with WWW-Authenticate: Bearer
// error="invalid_token". Reason is a phrase that may be shown to the client; it has nothing of the token.
type TokenError struct{ Reason string }

func (e *TokenError) Error() string { return e.Reason }

// UserError is the error of a user that cannot be one, or that is named twice: 400 invalid_id.
type UserError struct{ Field, Reason string }

func (e *UserError) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Reason) }

// ErrNoKey is the error of New and CheckKeySet for a file that has no key that verifies tokens.
var ErrNoKey = errors.New("no usable key")

// Authenticator identifies the users of requests.
type Authenticator struct {
	config   Config
	identify func(r *http.Request, stream bool) (Identity, error)
	source   *keySource
	verifier *tokenVerifier
	tickets  *ticketStore
	stop     func()
}

// New reads the keys. A key set at a URL that cannot be reached is read later; NotReady says so.
func New(c Config) (*Authenticator, error) {
	return newAuthenticator(c, refreshEvery, refreshPause, time.Now)
}

func newAuthenticator(c Config, every, pause time.Duration, now func() time.Time) (*Authenticator, error) {
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	c.UserClaim, c.Node = cmp.Or(c.UserClaim, "sub"), cmp.Or(c.Node, "onsale")
	a := &Authenticator{config: c, tickets: newTicketStore(c.Node, now), stop: func() {}}
	switch c.Mode {
	case Demo:
		a.identify = func(r *http.Request, _ bool) (Identity, error) { return demoUser(r) }
	case Proxy:
		if c.UserHeader == "" || len(c.TrustedProxies) == 0 {
			return nil, errors.New("mode proxy needs a user header and trusted proxies")
		}
		a.identify = func(r *http.Request, _ bool) (Identity, error) { return a.proxyUser(r) }
	case JWT:
		if err := a.openKeys(every, pause); err != nil {
			return nil, err
		}
		a.verifier = newTokenVerifier(c, a.source, now)
		a.identify = a.tokenUser
	default:
		return nil, fmt.Errorf("there is no mode %q", c.Mode)
	}
	return a, nil
}

// openKeys reads the keys once. A file must be readable; a URL may be down while a node starts.
func (a *Authenticator) openKeys(every, pause time.Duration) error {
	c := a.config
	switch {
	case (c.Secret == "") == (c.JWKS == ""):
		return errors.New("mode jwt needs a secret or a key set, and not both")
	case c.JWKS == "":
		a.source = secretSource(c.Secret)
		return nil
	}
	if err := CheckKeySet(c.JWKS); err != nil {
		return err
	}
	source := newKeySource(c.JWKS, every, pause, c.Logger)
	ctx, cancel := context.WithCancel(context.Background())
	source.refresh(ctx)
	a.source = source
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		source.run(ctx)
	}()
	a.stop = func() {
		cancel()
		<-ended
	}
	return nil
}

// OnKeyWithdrawn sets what is called when a key has left the key set: identities that it proved are valid no more, nor are
// tickets. It must return soon. What has such identities, as open streams do, asks for them again.
func (a *Authenticator) OnKeyWithdrawn(f func()) {
	if a.source != nil {
		a.source.mu.Lock()
		defer a.source.mu.Unlock()
		a.source.onWithdrawn = func() {
			a.tickets.forgetAll()
			f()
		}
	}
}

// Close ends the refreshing of keys.
func (a *Authenticator) Close() { a.stop() }

// IsDemo says whether everyone may do everything.
func (a *Authenticator) IsDemo() bool { return a.config.Mode == Demo }

// NotReady is why no token can be verified yet; "": they can.
func (a *Authenticator) NotReady() string {
	if a.source == nil {
		return ""
	}
	return a.source.notReady()
}

// Notes are what /readyz says about the keys.
func (a *Authenticator) Notes() []string {
	if a.source != nil {
		if note := a.source.note(); note != "" {
			return []string{note}
		}
	}
	return nil
}

// Identify returns who makes the request; the zero Identity is anonymous. stream says that the response is an event stream,
// which may be asked for with a ticket. The error is a *TokenError or a *UserError. Except in mode demo a user in the path is
// not looked at: the caller compares.
func (a *Authenticator) Identify(r *http.Request, stream bool) (Identity, error) {
	return a.identify(r, stream)
}
