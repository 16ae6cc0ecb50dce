// The authenticator answers one question for every request: who makes it. How it finds out is the mode's matter.

package auth

import (
	"context"
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
	// two is required.
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
// error="invalid_token". Reason may be shown to the client; it has nothing of the token.
type TokenError struct{ Reason string }

func (e *TokenError) Error() string { return "the token is invalid: " + e.Reason }

// UserError is the error of a user that cannot be one, or that is named twice: 400 invalid_id.
type UserError struct{ Field, Reason string }

func (e *UserError) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Reason) }

// Authenticator identifies the users of requests.
type Authenticator struct {
	config Config
}

// New checks the configuration and loads the keys. A key set at a URL that cannot be reached is loaded later; Notes says so.
func New(c Config) (*Authenticator, error) { return &Authenticator{config: c}, nil }

// Close ends the refreshing of keys.
func (a *Authenticator) Close() {}

// Open says whether everyone may do everything: mode demo.
func (a *Authenticator) Open() bool { return a.config.Mode == Demo }

// Notes are what /readyz says about the keys.
func (a *Authenticator) Notes() []string { return nil }

// Identify returns who makes the request; the zero Identity is anonymous. stream says that the response is an event stream,
// which may be asked for with a ticket. The error is a *TokenError or a *UserError. Except in mode demo a user in the path is
// not looked at: the caller compares.
func (a *Authenticator) Identify(r *http.Request, stream bool) (Identity, error) {
	return Identity{}, nil
}

// IssueTicket makes a ticket for who, which Identify takes once, for a stream, until it expires.
func (a *Authenticator) IssueTicket(who Identity) (ticket string, expires time.Time, err error) {
	return "", time.Time{}, nil
}

// RedeemTicket redeems a ticket of this node, for another one that got it.
func (a *Authenticator) RedeemTicket(ticket string) (Identity, error) {
	return Identity{}, &TokenError{"ticket"}
}

// ClientAddress returns the address of the client. It is that of the peer, unless the peer is a trusted proxy: then it is the
// last one in Forwarded, or else X-Forwarded-For, that is not trusted.
func ClientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr { return netip.Addr{} }
