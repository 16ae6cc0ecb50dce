// The rules of the auth section, and of the proxies that may name a user.

package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode"
)

const secretMinLength = 32

func (v *validator) auth(c Config) {
	a := c.Auth
	oneOf(v, "auth.mode", a.Mode, "demo", "jwt", "proxy")
	within(v, "auth.leeway", a.Leeway, 0, 5*time.Minute)
	if a.UserClaim == "" {
		v.fault("auth.userClaim", "is empty", "name the claim that has the user, such as sub")
	}
	v.header("auth.userHeader", a.UserHeader)
	if a.RolesHeader != "" {
		v.header("auth.rolesHeader", a.RolesHeader)
	}
	if v.cleanSecret("auth.secret", a.Secret) && a.Secret != "" && len(a.Secret) < secretMinLength {
		v.fault("auth.secret", fmt.Sprintf("has %d bytes", len(a.Secret)), fmt.Sprintf("at least %d, such as openssl rand -base64 48 makes", secretMinLength))
	}
	v.keySet(a.JWKS)
	switch {
	case a.Mode == "jwt" && a.Secret == "" && a.JWKS == "":
		v.fault("auth.secret", "is missing, and auth.jwks too: nothing verifies tokens",
			"set ONSALE_AUTH_SECRET, or auth.jwks to the key set of your login; \"onsale token --new-key DIR\" makes one for trying")
	case a.Mode == "jwt" && a.Secret != "" && a.JWKS != "":
		v.fault("auth.secret", "cannot be set with auth.jwks", "leave one of the two out: tokens are of one kind")
	case a.Mode == "proxy" && len(c.TrustedProxies) == 0:
		v.fault("trustedProxies", "is empty, but in auth.mode proxy nobody else names users", "list the addresses of the proxy, such as 10.0.0.0/8")
	}
}

// cleanSecret records a secret that one program would trim and another not.
func (v *validator) cleanSecret(key, secret string) (clean bool) {
	if strings.TrimSpace(secret) == secret && !strings.ContainsFunc(secret, unicode.IsControl) {
		return true
	}
	v.fault(key, "begins or ends with a blank, or has a line break", "cut it off; a secret that is read from a file often ends with one")
	return false
}

// keySet records a key set that cannot be read, or that others could replace on its way.
func (v *validator) keySet(where string) {
	if !strings.Contains(where, "://") {
		v.readable("auth.jwks", where)
		return
	}
	u, err := url.Parse(where)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		v.fault("auth.jwks", "is "+quoted(maskURL(where)), "a file, or an https URL: over plain http anybody on the way could sign as any user")
	}
}

// header records what cannot be the name of a header.
func (v *validator) header(key, name string) {
	const characters = nodeCharacters + "!#$%&'*+.^`|~"
	if name == "" || strings.Trim(name, characters) != "" {
		v.fault(key, "is "+quoted(name), "the name of a header, such as X-User-Id")
	}
}

func (v *validator) trustedProxies(proxies []string) {
	for _, proxy := range proxies {
		prefix, err := parseProxy(proxy)
		switch {
		case err != nil:
			v.fault("trustedProxies", "has "+quoted(proxy), "an address such as 192.0.2.7, or a network such as 10.0.0.0/8")
		case prefix.Bits() == 0:
			v.fault("trustedProxies", "has "+quoted(proxy)+", which is everybody", "list the addresses of the proxies only")
		}
	}
}

// parseProxy parses a network, or one address.
func parseProxy(text string) (netip.Prefix, error) {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return prefix.Masked(), nil
	}
	address, err := netip.ParseAddr(text)
	if err != nil || address.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("%q is no address and no network", text)
	}
	return address.Unmap().Prefix(address.Unmap().BitLen())
}

// Proxies returns the networks of TrustedProxies.
func (c Config) Proxies() (proxies []netip.Prefix) {
	for _, text := range c.TrustedProxies {
		if proxy, err := parseProxy(text); err == nil {
			proxies = append(proxies, proxy)
		}
	}
	return proxies
}
