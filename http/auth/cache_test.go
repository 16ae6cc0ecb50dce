package auth

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestCache_ForgetsAtExp(t *testing.T) {
	now := time.Now()
	a, err := newAuthenticator(Config{Mode: JWT, Secret: testSecret}, time.Hour, time.Hour, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	token := signed(t, hs256, []byte(testSecret), nil, jwt.MapClaims{"sub": "kim", "exp": now.Add(time.Minute).Unix()})
	expect(t, a, token, "user kim")
	now = now.Add(58 * time.Second)
	expect(t, a, token, "user kim")
	now = now.Add(2 * time.Second)
	expect(t, a, token, "the token has expired")
}

func TestCache_IsBounded(t *testing.T) {
	c := newTokenCache(100)
	now := time.Now()
	used := tokenHash(sha256.Sum256([]byte("used")))
	who := Identity{User: "kim", Expires: now.Add(time.Hour)}
	c.put(used, who)
	for n := range 10_000 {
		c.put(sha256.Sum256(fmt.Append(nil, n)), who)
		if _, ok := c.get(used, now); !ok {
			t.Fatalf("a token in use was forgotten after %d others", n)
		}
		if kept := len(c.newer) + len(c.older); kept > 100 {
			t.Fatalf("%d tokens are kept", kept)
		}
	}
	if _, ok := c.get(sha256.Sum256(fmt.Append(nil, 0)), now); ok {
		t.Error("the first token is still there")
	}
}
