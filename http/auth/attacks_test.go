package auth

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// part is one part of a token.
func part(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func jsonText(t testing.TB, value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// hmacToken is a token that is signed with bytes that need not be a secret.
func hmacToken(t testing.TB, header string, claims jwt.MapClaims, key []byte) string {
	text := part(header) + "." + part(jsonText(t, claims))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Each row is an attack on a token, and what its sender gets: never an identity.
func TestAttacks_OnTokens(t *testing.T) {
	var followed atomic.Int64
	trap := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		followed.Add(1)
		_, _ = w.Write(publicSet(t, "other"))
	}))
	defer trap.Close()
	keys := signers()
	good := signed(t, edDSA, keys["ed"], map[string]any{"kid": "ed"}, lasting(nil))
	head, rest, _ := strings.Cut(good, ".")
	body, signature, _ := strings.Cut(rest, ".")
	rsaDER, err := x509.MarshalPKIXPublicKey(keys["rs"].Public())
	if err != nil {
		t.Fatal(err)
	}
	rsaPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: rsaDER})
	var ownSet struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(publicSet(t, "other"), &ownSet); err != nil {
		t.Fatal(err)
	}
	other := func(header map[string]any) string {
		return signed(t, edDSA, keys["other"], header, lasting(jwt.MapClaims{"roles": "admin"}))
	}
	ed := func(claims jwt.MapClaims) string {
		return signed(t, edDSA, keys["ed"], map[string]any{"kid": "ed"}, lasting(claims))
	}
	now := time.Now().Unix()
	attacks := []struct{ name, token, want string }{
		{"alg none", part(`{"alg":"none"}`) + "." + body + ".", "tokens of this algorithm are not accepted"},
		{"alg None, as some compare it", part(`{"alg":"nOnE","kid":"ed"}`) + "." + body + ".", "tokens of this algorithm are not accepted"},
		{"alg none with the signature of a good token", part(`{"alg":"none","kid":"ed"}`) + "." + body + "." + signature, "tokens of this algorithm are not accepted"},
		{"no alg", part(`{"kid":"ed"}`) + "." + body + "." + signature, "the token is malformed"},
		{"alg is no string", part(`{"alg":["EdDSA"],"kid":"ed"}`) + "." + body + "." + signature, "tokens of this algorithm are not accepted"},
		{"alg twice, none last", part(`{"alg":"EdDSA","kid":"ed","alg":"none"}`) + "." + body + "." + signature, "tokens of this algorithm are not accepted"},
		{"signature left out", head + "." + body + ".", "the token's signature is wrong"},
		{"signature of something else", head + "." + part(jsonText(t, lasting(jwt.MapClaims{"sub": "lee"}))) + "." + signature, "the token's signature is wrong"},
		{"signature with other last bits", good[:len(good)-1] + string(otherLast(good[len(good)-1])), "the token is malformed"},
		{"key confusion: HS256 with the RSA key as PEM", hmacToken(t, `{"alg":"HS256","kid":"rs"}`, lasting(nil), rsaPEM), "tokens of this algorithm are not accepted"},
		{"key confusion: HS256 with the RSA key as DER", hmacToken(t, `{"alg":"HS256","kid":"rs"}`, lasting(nil), rsaDER), "tokens of this algorithm are not accepted"},
		{"key confusion: HS256 with an Ed25519 key", hmacToken(t, `{"alg":"HS256","kid":"ed"}`, lasting(nil), keys["ed"].Public().(ed25519.PublicKey)), "tokens of this algorithm are not accepted"},
		{"HS256 with an empty key", hmacToken(t, `{"alg":"HS256"}`, lasting(nil), nil), "tokens of this algorithm are not accepted"},
		{"a key of another kind than alg", signed(t, edDSA, keys["ed"], map[string]any{"kid": "rs"}, lasting(nil)), "the token's key is unknown"},
		{"RS256 named, Ed25519 signed", part(`{"alg":"RS256","kid":"rs"}`) + "." + body + "." + signature, "the token's signature is wrong"},
		{"RS384 with the right key", signed(t, "RS384", keys["rs"], map[string]any{"kid": "rs"}, lasting(nil)), "tokens of this algorithm are not accepted"},
		{"PS256 with the right key", signed(t, "PS256", keys["rs"], map[string]any{"kid": "rs"}, lasting(nil)), "tokens of this algorithm are not accepted"},
		{"ES384", signed(t, "ES384", keys["ec384"], map[string]any{"kid": "ec384"}, lasting(nil)), "tokens of this algorithm are not accepted"},
		{"an RSA key of 1024 bits, in the set", signed(t, rs256, keys["short"], map[string]any{"kid": "short"}, lasting(nil)), "the token's key is unknown"},
		{"crit", signed(t, edDSA, keys["ed"], map[string]any{"kid": "ed", "crit": []string{"exp"}, "exp": 1}, lasting(nil)), "the token has a crit header, which is not supported"},
		{"crit, empty", signed(t, edDSA, keys["ed"], map[string]any{"kid": "ed", "crit": []string{}}, lasting(nil)), "the token has a crit header, which is not supported"},
		{"b64 false", signed(t, edDSA, keys["ed"], map[string]any{"kid": "ed", "crit": []string{"b64"}, "b64": false}, lasting(nil)), "the token has a crit header, which is not supported"},
		{"jku", other(map[string]any{"kid": "other", "jku": trap.URL}), "the token's key is unknown"},
		{"jku with a known kid", other(map[string]any{"kid": "ed", "jku": trap.URL}), "the token's signature is wrong"},
		{"x5u", other(map[string]any{"kid": "ed", "x5u": trap.URL}), "the token's signature is wrong"},
		{"x5c", other(map[string]any{"kid": "ed", "x5c": []string{base64.StdEncoding.EncodeToString(rsaDER)}}), "the token's signature is wrong"},
		{"jwk in the header", other(map[string]any{"kid": "ed", "jwk": ownSet.Keys[0]}), "the token's signature is wrong"},
		{"kid as a path", other(map[string]any{"kid": "../../../../dev/null"}), "the token's key is unknown"},
		{"kid as a URL", other(map[string]any{"kid": trap.URL}), "the token's key is unknown"},
		{"kid as SQL", other(map[string]any{"kid": "x' UNION SELECT 'a"}), "the token's key is unknown"},
		{"kid with a line break and NUL", other(map[string]any{"kid": "ed\r\n\x00"}), "the token's key is unknown"},
		{"kid is no string", other(map[string]any{"kid": []string{"ed"}}), "the token's key is unknown"},
		{"no kid, a key of its own", other(nil), "the token's key is unknown"},
		{"expired", ed(jwt.MapClaims{"exp": now - 31}), "the token has expired"},
		{"no exp", ed(jwt.MapClaims{"exp": nil}), "claim exp is missing"},
		{"exp null", part(`{"alg":"EdDSA"}`) + "." + part(`{"exp":null}`) + ".", "the token's key is unknown"},
		{"exp as text", ed(jwt.MapClaims{"exp": "9999999999"}), "the token is malformed"},
		{"exp in milliseconds", ed(jwt.MapClaims{"exp": now * 1000}), "claim exp is not in seconds"},
		{"exp beyond every number", ed(jwt.MapClaims{"exp": json.Number("1e300")}), "the token has expired"},
		{"exp before every number", ed(jwt.MapClaims{"exp": json.Number("-1e300")}), "the token has expired"},
		{"not valid yet", ed(jwt.MapClaims{"nbf": now + 3600}), "the token is not valid yet"},
		{"no sub", ed(jwt.MapClaims{"sub": nil}), "claim sub names no user"},
		{"sub empty", ed(jwt.MapClaims{"sub": ""}), "claim sub names no user"},
		{"sub a list", ed(jwt.MapClaims{"sub": []string{"kim"}}), "claim sub names no user"},
		{"sub a fraction", ed(jwt.MapClaims{"sub": 1.5}), "claim sub names no user"},
		{"larger than 8 KiB", ed(jwt.MapClaims{"padding": strings.Repeat("x", 8<<10)}), "the token is too long"},
		{"8 KiB of dots", strings.Repeat(".", 8<<10), "the token is malformed"},
		{"nested JSON", part(`{"alg":`+strings.Repeat("[", 5000)) + "." + body + "." + signature, "the token is malformed"},
		{"empty", "", "the token is malformed"},
		{"header null", part("null") + "." + body + "." + signature, "the token is malformed"},
		{"claims null", head + "." + part("null") + "." + signature, "the token's signature is wrong"},
		{"claims a list", head + "." + part("[]") + "." + signature, "the token is malformed"},
		{"five parts, an encrypted token", strings.Repeat("a.", 4) + "a", "the token is malformed"},
		{"padding", head + "=." + body + "." + signature, "the token is malformed"},
		{"blank in the middle", head + ". " + body + "." + signature, "the token is malformed"},
	}
	a := newTestAuthenticator(t, Config{JWKS: writeSet(t, "ed", "ec", "ec384", "rs", "short"), Leeway: 30 * time.Second})
	if got, want := outcome(a.Identify(withBearer(good), true)), "user kim"; got != want {
		t.Fatalf("the good token: got %q, want %q", got, want)
	}
	for _, attack := range attacks {
		got := outcome(a.Identify(withBearer(attack.token), true))
		t.Logf("%-48s %s", attack.name, got)
		if got != attack.want {
			t.Errorf("%s: got %q, want %q", attack.name, got, attack.want)
		}
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("%d addresses in tokens were followed", n)
	}
}

// otherLast is another last character of a base64 text of 64 bytes that decodes to the same bytes.
func otherLast(c byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1]
}

func TestAttacks_OnSecret(t *testing.T) {
	a := newTestAuthenticator(t, Config{Secret: testSecret})
	good := signed(t, hs256, []byte(testSecret), nil, lasting(nil))
	for name, attack := range map[string]struct{ token, want string }{
		"good":                    {good, "user kim"},
		"another secret":          {signed(t, hs256, []byte(testSecret+"!"), nil, lasting(nil)), "the token's signature is wrong"},
		"HS512":                   {signed(t, "HS512", []byte(testSecret), nil, lasting(nil)), "tokens of this algorithm are not accepted"},
		"a key pair":              {signed(t, edDSA, signers()["ed"], nil, lasting(nil)), "tokens of this algorithm are not accepted"},
		"alg none":                {part(`{"alg":"none"}`) + "." + part(jsonText(t, lasting(nil))) + ".", "tokens of this algorithm are not accepted"},
		"kid of a file":           {signed(t, hs256, []byte{}, map[string]any{"kid": "/dev/null"}, lasting(nil)), "the token's signature is wrong"},
		"a signature of 0 bytes":  {good[:strings.LastIndexByte(good, '.')+1], "the token's signature is wrong"},
		"the signature's first 8": {good[:strings.LastIndexByte(good, '.')+9], "the token's signature is wrong"},
	} {
		if got := outcome(a.Identify(withBearer(attack.token), false)); got != attack.want {
			t.Errorf("%s: got %q, want %q", name, got, attack.want)
		}
	}
}

func TestToken_ChecksIssuerAndAudience(t *testing.T) {
	a := newTestAuthenticator(t, Config{Secret: testSecret, Issuer: "https://login.example", Audience: "onsale"})
	right := jwt.MapClaims{"iss": "https://login.example", "aud": []string{"mail", "onsale"}}
	for name, test := range map[string]struct {
		change jwt.MapClaims
		want   string
	}{
		"right":                      {nil, "user kim"},
		"aud as text":                {jwt.MapClaims{"aud": "onsale"}, "user kim"},
		"another issuer":             {jwt.MapClaims{"iss": "https://login.evil.example"}, "the token is of another issuer"},
		"an issuer that begins so":   {jwt.MapClaims{"iss": "https://login.example.evil.example"}, "the token is of another issuer"},
		"no issuer":                  {jwt.MapClaims{"iss": nil}, "claim iss is missing"},
		"another audience":           {jwt.MapClaims{"aud": []string{"mail", "onsale2"}}, "the token is for another audience"},
		"no audience":                {jwt.MapClaims{"aud": nil}, "claim aud is missing"},
		"audience of an empty list":  {jwt.MapClaims{"aud": []string{}}, "claim aud is missing"},
		"audience of an empty text":  {jwt.MapClaims{"aud": ""}, "claim aud is missing"},
		"audience that is no string": {jwt.MapClaims{"aud": 1}, "claim aud is missing"},
	} {
		claims := lasting(right)
		for claim, value := range test.change {
			claims[claim] = value
			if value == nil {
				delete(claims, claim)
			}
		}
		if got := outcome(a.Identify(withBearer(signed(t, hs256, []byte(testSecret), nil, claims)), false)); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

// Clocks may differ by the leeway, and by no second more.
func TestToken_Leeway(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	a, err := newAuthenticator(Config{Mode: JWT, Secret: testSecret, Leeway: 30 * time.Second}, time.Hour, time.Hour, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for name, test := range map[string]struct {
		notBefore, expires int64 // seconds from now
		want               string
	}{
		"in between":       {0, 1, "user kim"},
		"just expired":     {0, -29, "user kim"},
		"expired":          {0, -30, "the token has expired"},
		"almost valid":     {30, 60, "user kim"},
		"not valid yet":    {31, 60, "the token is not valid yet"},
		"never valid":      {60, -60, "the token has expired"},
		"issued elsewhere": {-60, 60, "user kim"},
	} {
		claims := jwt.MapClaims{"sub": "kim", "nbf": now.Unix() + test.notBefore, "exp": now.Unix() + test.expires}
		for range 2 {
			who, err := a.Identify(withBearer(signed(t, hs256, []byte(testSecret), nil, claims)), false)
			if got := outcome(who, err); got != test.want {
				t.Errorf("%s: got %q, want %q", name, got, test.want)
			}
			ends := now.Unix() + test.expires
			if test.expires <= 0 {
				ends += 30 // it was accepted by the leeway, and goes on for what is left of it
			}
			if err == nil && who.Expires.Unix() != ends {
				t.Errorf("%s: it ends %v", name, who.Expires)
			}
			if err != nil {
				continue
			}
			ticket, until, err := a.IssueTicket(who)
			if err != nil || until.After(who.Expires) {
				t.Errorf("%s: a ticket until %v, of an identity until %v, %v", name, until, who.Expires, err)
			}
			if got := outcome(a.Identify(ask("/?ticket="+ticket), true)); got != test.want {
				t.Errorf("%s: its ticket: got %q", name, got)
			}
		}
	}
}
