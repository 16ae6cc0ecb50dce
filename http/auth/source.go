// Where keys come from: a secret, or a key set that is read again from time to time. While it cannot be read the keys that
// were read last go on.

package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	refreshEvery  = 5 * time.Minute
	refreshPause  = 10 * time.Second // between a refresh and the next one for an unknown key, or after a failure
	fetchTimeout  = 5 * time.Second
	keySetMaxSize = 1 << 20
)

// keySource has the keys that are in force.
type keySource struct {
	read   func(context.Context) ([]byte, error) // nil: the keys never change
	where  string
	logger *slog.Logger
	every  time.Duration
	pause  time.Duration

	keys atomic.Pointer[keySet]

	refreshing sync.Mutex // held for one refresh; who waits for it needs none of its own

	mu      sync.Mutex
	tried   time.Time // when the last refresh began
	sum     [sha256.Size]byte
	problem string // why it failed
	since   time.Time
	loaded  bool // a key set was read once

	onWithdrawn func() // see Authenticator.OnKeyWithdrawn; nil: nothing
}

// secretSource is the source of a secret.
func secretSource(secret string) *keySource {
	s := &keySource{}
	s.keys.Store(newKeySet([]key{{algorithm: hs256, material: []byte(secret)}}))
	return s
}

// newKeySource is the source of a key set at a URL or in a file. It has no keys before the first refresh.
func newKeySource(where string, every, pause time.Duration, logger *slog.Logger) *keySource {
	s := &keySource{where: where, every: every, pause: pause, logger: logger}
	s.keys.Store(newKeySet(nil))
	s.read = func(context.Context) ([]byte, error) { return readFile(where) }
	if isURL(where) {
		s.where = redacted(where)
		client := keySetClient()
		s.read = func(ctx context.Context) ([]byte, error) { return fetch(ctx, client, where) }
	}
	return s
}

func isURL(where string) bool { return strings.Contains(where, "://") }

// redacted is an address without its password.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the configured address"
	}
	return u.Redacted()
}

// CheckKeySet says what is wrong with the key set in a file. One at a URL may be down while a node starts, so it is not asked.
func CheckKeySet(where string) error {
	if isURL(where) {
		return nil
	}
	text, err := readFile(where)
	if err != nil {
		return err
	}
	keys, warnings, err := parseKeySet(text)
	switch {
	case err != nil:
		return fmt.Errorf("%w in %s: %w", ErrNoKey, where, err)
	case len(keys) == 0:
		return fmt.Errorf("%w in %s: %s", ErrNoKey, where, cmp.Or(strings.Join(warnings, "; "), "the set is empty"))
	}
	return nil
}

// keySetClient follows no redirect: the address of the keys is the operator's to choose, not that of the server there.
func keySetClient() *http.Client {
	return &http.Client{
		Timeout: fetchTimeout,
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			return fmt.Errorf("it redirects to %s, which is not followed", r.URL.Redacted())
		},
	}
}

func fetch(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := client.Do(r)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // without the address, which may have a password
		}
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %d", response.StatusCode)
	}
	return readAtMost(response.Body)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAtMost(f)
}

func readAtMost(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, keySetMaxSize+1))
	if err == nil && len(text) > keySetMaxSize {
		err = fmt.Errorf("it is larger than %d bytes", keySetMaxSize)
	}
	return text, err
}

// current returns the keys in force.
func (s *keySource) current() *keySet { return s.keys.Load() }

// run refreshes until ctx ends.
func (s *keySource) run(ctx context.Context) {
	for {
		wait := s.every
		if s.note() != "" || s.notReady() != "" {
			wait = min(s.pause, s.every)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
			s.refresh(ctx)
		}
	}
}

// refreshed returns other keys than those that do not have a token's key, or nil. Unknown keys cost one refresh per pause,
// however many tokens name them.
func (s *keySource) refreshed(ctx context.Context, known *keySet) *keySet {
	if s.read == nil {
		return nil
	}
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	s.mu.Lock()
	due := time.Since(s.tried) >= s.pause
	s.mu.Unlock()
	if due && s.keys.Load() == known {
		s.load(context.WithoutCancel(ctx)) // others wait for it, too
	}
	if keys := s.keys.Load(); keys != known {
		return keys
	}
	return nil
}

// refresh reads the key set again.
func (s *keySource) refresh(ctx context.Context) {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	s.load(ctx)
}

// load reads the key set. The same text keeps the same keys, and with them the tokens that they verified.
func (s *keySource) load(ctx context.Context) {
	s.mu.Lock()
	s.tried = time.Now()
	s.mu.Unlock()
	text, err := s.read(ctx)
	var keys []key
	var warnings []string
	if err == nil {
		keys, warnings, err = parseKeySet(text)
	}
	if err != nil {
		if ctx.Err() == nil {
			s.failed(err)
		}
		return
	}
	sum := sha256.Sum256(text)
	s.mu.Lock()
	unchanged, wasBroken := s.sum == sum, s.problem != ""
	s.sum, s.problem, s.loaded = sum, "", true
	s.mu.Unlock()
	if wasBroken {
		s.logger.Info("the key set can be read again", "from", s.where)
	}
	if unchanged {
		return
	}
	before := s.keys.Swap(newKeySet(keys))
	if before.hasOthersThan(keys) {
		s.mu.Lock()
		onWithdrawn := s.onWithdrawn
		s.mu.Unlock()
		if onWithdrawn != nil {
			onWithdrawn()
		}
	}
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = k.id
	}
	s.logger.Info("key set read", "from", s.where, "keys", len(keys), "kid", ids)
	for _, warning := range warnings {
		s.logger.Warn("key set", "from", s.where, "problem", warning)
	}
	if len(keys) == 0 {
		s.logger.Warn("the key set has no key: every token is refused", "from", s.where)
	}
}

func (s *keySource) failed(err error) {
	s.mu.Lock()
	first := s.problem == ""
	if first {
		s.since = time.Now()
	}
	s.problem = err.Error()
	s.mu.Unlock()
	switch keys := len(s.keys.Load().keys); {
	case !first:
	case keys == 0:
		s.logger.Error("the key set cannot be read: every token is refused until it is", "from", s.where, "error", err)
	default:
		s.logger.Warn("the key set cannot be read, the known keys go on", "from", s.where, "keys", keys, "error", err)
	}
}

// notReady is why there are no keys: none were ever read. "": they were.
func (s *keySource) notReady() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.read == nil || s.loaded {
		return ""
	}
	return fmt.Sprintf("no keys yet: the key set cannot be read since %s, every token is refused", s.since.UTC().Format(time.RFC3339))
}

// note says what /readyz should say about the keys. "": nothing.
func (s *keySource) note() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := len(s.keys.Load().keys)
	switch {
	case !s.loaded: // see notReady
	case s.problem != "":
		// The log has the problem: readers of /readyz need not learn names and addresses of the internal network.
		return fmt.Sprintf("the key set cannot be read since %s, %d known keys go on", s.since.UTC().Format(time.RFC3339), keys)
	case keys == 0:
		return "the key set has no key: every token is refused"
	}
	return ""
}
