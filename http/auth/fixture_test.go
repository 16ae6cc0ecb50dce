package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

const testSecret = "a secret of tests, forty characters long"

// signers are private keys by their key ids. Making one takes a while.
var signers = sync.OnceValue(func() map[string]crypto.Signer {
	_, ed, _ := ed25519.GenerateKey(nil)
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ec384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	rs, _ := rsa.GenerateKey(rand.Reader, 2048)
	short, _ := rsa.GenerateKey(rand.Reader, 1024)
	_, other, _ := ed25519.GenerateKey(nil)
	return map[string]crypto.Signer{"ed": ed, "ec": ec, "ec384": ec384, "rs": rs, "short": short, "other": other}
})

// publicSet is a JWKS with the public keys of some of the signers.
func publicSet(t testing.TB, ids ...string) []byte {
	t.Helper()
	keys := []json.RawMessage{}
	for _, id := range ids {
		jwk, err := jwkset.NewJWKFromKey(signers()[id].Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: id}, Validate: jwkset.JWKValidateOptions{SkipAll: true}})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(jwk.Marshal())
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, text)
	}
	set, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func writeSet(t testing.TB, ids ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(path, publicSet(t, ids...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newTestAuthenticator(t testing.TB, c Config) *Authenticator {
	t.Helper()
	if c.Mode == "" {
		c.Mode = JWT
	}
	if c.Node == "" {
		c.Node = "node-1"
	}
	if t, ok := t.(*testing.T); ok {
		c.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	a, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// lasting are claims that are valid for a while.
func lasting(more jwt.MapClaims) jwt.MapClaims {
	claims := jwt.MapClaims{"sub": "kim", "exp": time.Now().Add(time.Hour).Unix()}
	for name, value := range more {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
	return claims
}

// signed is a token as the algorithm signs it; header fields are added.
func signed(t testing.TB, algorithm string, key any, header map[string]any, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.GetSigningMethod(algorithm), claims)
	maps.Copy(token.Header, header)
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func withBearer(token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// outcome is an identity, or what was wrong, as one word for tables.
func outcome(who Identity, err error) string {
	if bad, ok := errors.AsType[*TokenError](err); ok {
		return bad.Reason
	}
	if bad, ok := errors.AsType[*UserError](err); ok {
		return "400 " + bad.Field
	}
	if err != nil {
		return "error: " + err.Error()
	}
	if who.User == "" {
		return "anonymous"
	}
	return "user " + who.User
}
