// A request costs a look-up instead of a signature when its token was verified before. Only verified tokens are kept, so a
// flood of invalid ones neither grows the cache nor pushes a good one out.

package auth

import (
	"crypto/sha256"
	"sync"
	"time"
)

// maxCachedTokens is how many verified tokens a key set keeps: some 10 MB.
const maxCachedTokens = 1 << 16

// tokenHash stands for a token, which is a secret, in memory.
type tokenHash [sha256.Size]byte

// tokenCache has the identities of verified tokens. It is two maps: when the newer is full it becomes the older, whose tokens
// are forgotten unless they were used since.
type tokenCache struct {
	mu           sync.RWMutex
	newer, older map[tokenHash]Identity
	half         int
}

func newTokenCache(size int) *tokenCache {
	return &tokenCache{newer: map[tokenHash]Identity{}, half: size / 2}
}

// get returns the identity of a verified token that has not expired.
func (c *tokenCache) get(token tokenHash, now time.Time) (Identity, bool) {
	c.mu.RLock()
	who, ok := c.newer[token]
	older := false
	if !ok {
		who, ok = c.older[token]
		older = ok
	}
	c.mu.RUnlock()
	if !ok || !now.Before(who.Expires) {
		return Identity{}, false
	}
	if older {
		c.put(token, who)
	}
	return who, true
}

func (c *tokenCache) put(token tokenHash, who Identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.newer) >= c.half {
		c.newer, c.older = make(map[tokenHash]Identity, len(c.newer)/8), c.newer
	}
	c.newer[token] = who
}
