package auth

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// BenchmarkIdentify is the cost of a request's user: of a token that was verified before, and of a new one.
func BenchmarkIdentify(b *testing.B) {
	for _, kind := range []struct{ algorithm, id string }{{hs256, ""}, {rs256, "rs"}, {es256, "ec"}, {edDSA, "ed"}} {
		c, header := Config{Secret: testSecret}, map[string]any(nil)
		var key any = []byte(testSecret)
		if kind.id != "" {
			c, header, key = Config{JWKS: writeSet(b, "rs", "ec", "ed")}, map[string]any{"kid": kind.id}, signers()[kind.id]
		}
		a := newTestAuthenticator(b, c)
		tokens := make([]*http.Request, 1024)
		for i := range tokens {
			tokens[i] = withBearer(signed(b, kind.algorithm, key, header, lasting(jwt.MapClaims{"sub": fmt.Sprint("user-", i), "roles": []string{"viewer"}})))
		}
		b.Run(kind.algorithm+"/cached", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := a.Identify(tokens[i%len(tokens)], false); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(kind.algorithm+"/new", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%len(tokens) == 0 {
					keys := a.source.current().keys
					a.source.keys.Store(newKeySet(keys))
				}
				if _, err := a.Identify(tokens[i%len(tokens)], false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkIdentify_Refused is the cost of an invalid token, which is never cached.
func BenchmarkIdentify_Refused(b *testing.B) {
	a := newTestAuthenticator(b, Config{JWKS: writeSet(b, "rs", "ec", "ed")})
	for name, token := range map[string]string{
		"signature": signed(b, edDSA, signers()["other"], map[string]any{"kid": "ed"}, lasting(nil)),
		"malformed": "a.b.c",
	} {
		r := withBearer(token)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := a.Identify(r, false); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

func BenchmarkClientAddress(b *testing.B) {
	r := ask("/", "X-Forwarded-For: 1.1.1.1, 198.51.100.1")
	r.RemoteAddr = "10.0.0.1:9"
	b.ReportAllocs()
	for b.Loop() {
		ClientAddress(r, trusted)
	}
}
