// Where each mode looks for the user of a request.

package auth

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

const (
	demoHeader = "X-User-Id"
	demoCookie = "onsale_user"
	demoQuery  = "userId" // in the path, too
	demoAdmin  = "admin"

	tokenCookie = "onsale_token"
	ticketQuery = "ticket"
)

// demoUser is what the request says, without proof. The first place that names a user counts, even if its value is invalid.
func demoUser(r *http.Request) (Identity, error) {
	user, field := r.PathValue(demoQuery), demoQuery
	if user == "" {
		named, err := oneHeader(r, demoHeader)
		if err != nil {
			return Identity{}, err
		}
		user, field = named, demoHeader
	}
	if user == "" && r.Header["Cookie"] != nil {
		if c, err := r.Cookie(demoCookie); err == nil {
			user, field = c.Value, demoCookie
		}
	}
	if user == "" && r.URL.RawQuery != "" {
		user, field = r.URL.Query().Get(demoQuery), demoQuery
	}
	switch {
	case user == "":
		return Identity{}, nil
	case !isUserID(user):
		return Identity{}, &UserError{field, fmt.Sprintf("an id is 1 to %d characters of A-Z a-z 0-9 _ -", userMaxLength)}
	case user == demoAdmin:
		return Identity{User: user, Roles: Admin}, nil
	}
	return Identity{User: user}, nil
}

// proxyUser is the user whom a trusted proxy names. A proxy that adds its header to the client's own, instead of replacing it,
// would let the client choose; such a request is refused.
func (a *Authenticator) proxyUser(r *http.Request) (Identity, error) {
	if !contains(a.config.TrustedProxies, peer(r)) {
		return Identity{}, nil
	}
	user, err := oneHeader(r, a.config.UserHeader)
	if err != nil || user == "" {
		return Identity{}, err
	}
	who := Identity{User: userID(user)}
	if a.config.RolesHeader != "" {
		roles, err := oneHeader(r, a.config.RolesHeader)
		if err != nil {
			return Identity{}, err
		}
		who.Roles = parseRoles(roles)
	}
	return who, nil
}

// oneHeader returns a header that must not be there twice.
func oneHeader(r *http.Request, name string) (string, error) {
	switch values := r.Header.Values(name); len(values) {
	case 0:
		return "", nil
	case 1:
		return strings.TrimSpace(values[0]), nil
	default:
		return "", &UserError{name, "the header is there more than once"}
	}
}

// tokenUser is the user of a token: in Authorization; else in the cookie, which an EventSource sends; else, for a stream, of a
// ticket. A stream that is asked for with a ticket is not refused for the old cookie that the browser sends with it.
func (a *Authenticator) tokenUser(r *http.Request, stream bool) (Identity, error) {
	if token, found, err := bearer(r); err != nil {
		return Identity{}, err
	} else if found {
		return a.verifier.identify(r.Context(), token)
	}
	who, err := a.cookieUser(r)
	if who.User != "" || !stream || !strings.Contains(r.URL.RawQuery, ticketQuery+"=") {
		return who, err
	}
	switch tickets := r.URL.Query()[ticketQuery]; len(tickets) {
	case 0:
		return who, err
	case 1:
		return a.redeem(r.Context(), tickets[0])
	default:
		return Identity{}, &TokenError{"there are two tickets"}
	}
}

// bearer returns the token in Authorization. Other schemes belong to a proxy in front.
func bearer(r *http.Request) (token string, found bool, err error) {
	values := r.Header["Authorization"]
	if len(values) > 1 {
		return "", false, &TokenError{"there are two Authorization headers"}
	}
	if len(values) == 0 {
		return "", false, nil
	}
	scheme, token, _ := strings.Cut(strings.TrimSpace(values[0]), " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer"), nil
}

// cookieUser is the user of the cookie. Of two different ones the second may have been planted by another host of the same
// domain, and nobody knows which it is.
func (a *Authenticator) cookieUser(r *http.Request) (Identity, error) {
	if r.Header["Cookie"] == nil {
		return Identity{}, nil
	}
	token := ""
	for _, c := range r.CookiesNamed(tokenCookie) {
		if token != "" && c.Value != token {
			return Identity{}, &TokenError{"there are two different cookies " + tokenCookie}
		}
		token = c.Value
	}
	if token == "" {
		return Identity{}, nil
	}
	return a.verifier.identify(r.Context(), token)
}

// peer is the address of the other end of the connection; the zero Addr where it has none.
func peer(r *http.Request) netip.Addr {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return address.Addr().Unmap().WithZone("")
}

func contains(prefixes []netip.Prefix, address netip.Addr) bool {
	for _, prefix := range prefixes {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}
