// V1's access token: kept while it is good, asked for by one caller at a time however many wait for it.

package portone

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// maxTokenAge is the longest that a token is kept, whatever PortOne says; usual are 30 minutes.
const maxTokenAge = 24 * time.Hour

// Everybody waits for the same token, so one answer that says nothing would fail them all. One that comes soon is asked for
// again; who asked twice has the same token.
const (
	maxTokenAttempts = 3
	tokenRetryWithin = time.Second
)

// token is renewed at 80 % of its life. PortOne then gives the same one again until its last minute, which it prolongs; so
// the last renewals come ever faster, and one of them is in that minute.
type token struct {
	config    Config
	transport *transport

	mu      sync.Mutex // guards what follows; never held during a request
	access  string
	renewAt time.Time // when it is renewed, by this clock
	flight  *flight   // the request under way, or nil
}

// flight is one request for a token; access and err may be read once done is closed.
type flight struct {
	done   chan struct{}
	access string
	err    error
}

// get is a token that is not refused, the one that PortOne has just refused; "" if it refused none.
func (t *token) get(ctx context.Context, refused string) (string, error) {
	t.mu.Lock()
	if t.access != "" && t.access != refused && t.config.Now().Before(t.renewAt) {
		defer t.mu.Unlock()
		return t.access, nil
	}
	if t.flight == nil {
		t.flight = &flight{done: make(chan struct{})}
		go t.fly(t.flight) // nobody's request: who began it may leave, and the others still need it
	}
	f := t.flight
	t.mu.Unlock()
	select {
	case <-f.done:
		return f.access, f.err
	case <-ctx.Done():
		return "", fmt.Errorf("%w: %w", ErrUnknown, ctx.Err())
	}
}

func (t *token) fly(f *flight) {
	requestedAt := t.config.Now()
	access, ttl, err := t.fetch()
	for attempt := 1; attempt < maxTokenAttempts && errors.Is(err, ErrUnknown) && !errors.Is(err, ErrAuth) && t.config.Now().Sub(requestedAt) < tokenRetryWithin; attempt++ {
		time.Sleep(time.Duration(attempt) * tokenRetryWithin / 10)
		access, ttl, err = t.fetch()
	}
	t.mu.Lock()
	f.access, f.err = access, err
	t.access, t.renewAt, t.flight = access, requestedAt.Add(ttl/5*4), nil
	t.mu.Unlock()
	close(f.done)
}

// fetch gets a token and the rest of its life, by PortOne's clock alone. The wire bounds how long that takes.
func (t *token) fetch() (access string, ttl time.Duration, err error) {
	status, answer, err := t.transport.call(context.Background(), http.MethodPost, "/users/getToken", nil,
		map[string]string{"imp_key": t.config.Key, "imp_secret": t.config.Secret})
	if err != nil {
		return "", 0, err
	}
	f, err := unwrap(status, answer)
	if refusal, refused := errors.AsType[*Refusal](err); refused {
		return "", 0, fmt.Errorf("%w: %s", ErrAuth, refusal)
	}
	if err != nil {
		return "", 0, err
	}
	access = f.string("access_token")
	seconds := f.amount("expired_at") - f.amount("now")
	switch {
	case f.err != nil:
		return "", 0, f.err
	case seconds <= 0:
		return "", 0, malformed("the token is over already")
	}
	return access, time.Duration(min(seconds, int64(maxTokenAge/time.Second))) * time.Second, nil
}
