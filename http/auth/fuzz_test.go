package auth

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzToken checks that any text is refused as a *TokenError, unless it is a token that was signed here.
func FuzzToken(f *testing.F) {
	a := newTestAuthenticator(f, Config{JWKS: writeSet(f, "rs", "ec", "ed")})
	good := signed(f, edDSA, signers()["ed"], map[string]any{"kid": "ed"}, lasting(nil))
	body := strings.Split(good, ".")[1]
	f.Add(good)
	f.Add("..")
	f.Add(part(`{"alg":"none"}`) + "." + body + ".")
	f.Add(part(`{"alg":"RS256","kid":"rs","crit":["b64"]}`) + "." + body + ".AA")
	f.Add(part(`{"alg":"ES256"}`) + "." + part(`{"exp":1e400,"sub":["a"]}`) + "." + strings.Repeat("A", 86))
	f.Fuzz(func(t *testing.T, token string) {
		r := ask("/")
		r.Header["Authorization"] = []string{"Bearer " + token}
		who, err := a.Identify(r, true)
		if err == nil && (who.User != "kim" || strings.TrimSpace(token) != good) {
			t.Errorf("%q is the token of %+v", token, who)
		}
		if _, ok := errors.AsType[*TokenError](err); err != nil && !ok {
			t.Errorf("got %v", err)
		}
	})
}

// FuzzKeySet checks that no key set is read with a key that would panic, or is too weak.
func FuzzKeySet(f *testing.F) {
	f.Add(string(publicSet(f, "rs", "ec", "ed", "short", "ec384")))
	f.Add(`{"keys":[null,{},{"kty":"RSA","n":"AA","e":"AA"},{"kty":"EC","crv":"P-256","x":"","y":""}]}`)
	source := &keySource{}
	v := newTokenVerifier(Config{UserClaim: "sub"}, source, time.Now)
	var tokens []string
	for algorithm, id := range map[string]string{rs256: "rs", es256: "ec", edDSA: "ed"} {
		tokens = append(tokens, signed(f, algorithm, signers()[id], nil, lasting(nil)))
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, _, err := parseKeySet([]byte(text))
		if err != nil {
			return
		}
		source.keys.Store(newKeySet(keys))
		for _, token := range tokens {
			_, _ = v.identify(t.Context(), token)
		}
		for _, k := range keys {
			if _, err := algorithmOf(k.material); err != nil {
				t.Error(err)
			}
		}
	})
}

// FuzzForwarded checks that a client's address is the peer's, or one that the headers have, and that what a client writes
// before a proxy's own entry changes nothing.
func FuzzForwarded(f *testing.F) {
	f.Add("for=1.1.1.1", "1.1.1.1")
	f.Add(`for="[2001:db8::1]:4711";host="a,b\"", for=_x`, "1.1.1.1, [::1]:1, ::1%x")
	f.Add(`for="`, ",,")
	f.Fuzz(func(t *testing.T, forwarded, xff string) {
		r := ask("/")
		r.RemoteAddr = "10.0.0.1:9"
		r.Header["Forwarded"], r.Header["X-Forwarded-For"] = []string{forwarded}, []string{xff}
		if !ClientAddress(r, trusted).IsValid() {
			t.Error("no address")
		}
		r.Header["X-Forwarded-For"] = []string{xff + ", 198.51.100.1"}
		if got := ClientAddress(r, trusted).String(); got != "198.51.100.1" {
			t.Errorf("Forwarded %q, and X-Forwarded-For %q before the proxy's, make it %s", forwarded, xff, got)
		}
		delete(r.Header, "X-Forwarded-For")
		r.Header["Forwarded"] = []string{forwarded + ", for=198.51.100.1"}
		if got := ClientAddress(r, trusted).String(); got != "198.51.100.1" && got != "10.0.0.1" {
			t.Errorf("Forwarded %q before the proxy's makes it %s", forwarded, got)
		}
	})
}

// FuzzTicket checks that no text but a ticket is one, and that only names that nodes can have are asked.
func FuzzTicket(f *testing.F) {
	now := time.Now()
	a, err := newAuthenticator(Config{Mode: JWT, Secret: testSecret, Node: "node-1"}, time.Hour, time.Hour, func() time.Time { return now })
	if err != nil {
		f.Fatal(err)
	}
	good, _, err := a.IssueTicket(Identity{User: "kim"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("node-1.AAAA")
	f.Add("node-2." + strings.Repeat("A", 26))
	f.Add("*.>")
	f.Add(good + "A")
	f.Fuzz(func(t *testing.T, text string) {
		if node, secret, ok := cutTicket(text); ok && (!isUserID(node) || len(node) > 32 || !isUserID(secret)) {
			t.Errorf("%q is a ticket of node %q", text, node)
		}
		r := &http.Request{URL: &url.URL{RawQuery: url.Values{"ticket": {text}}.Encode()}, Header: http.Header{}}
		if _, err := a.Identify(r, true); err == nil && text != good {
			t.Errorf("%q was redeemed", text)
		}
	})
}
