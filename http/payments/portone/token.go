// V1's access token: cached while it is valid, and requested once however many callers wait for it.

package portone

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// maxTokenAge is the longest that a token is kept, whatever PortOne says; usual are 30 minutes.
const maxTokenAge = 24 * time.Hour

// All callers wait for the same token, so one unknown outcome would fail them all. One that comes soon is retried, which is
// safe: PortOne gives the same token again.
const (
	maxTokenAttempts = 3
	tokenRetryWithin = time.Second
)

// token is renewed at 80 % of its life. PortOne repeats the same token until its last minute, which then extends it; so the
// last renewals come ever faster, and one of them falls into that minute.
type token struct {
	config    Config
	transport *transport
	requests  singleflight.Group

	mu      sync.Mutex // guards what follows
	access  string
	renewAt time.Time // by this node's clock
}

// get returns a valid token other than refused, the one that PortOne has just refused, or "".
func (t *token) get(ctx context.Context, refused string) (string, error) {
	if access := t.cached(refused); access != "" {
		return access, nil
	}
	// The request does not belong to any one caller: the first may leave, and the others still need it.
	result := t.requests.DoChan("", func() (any, error) {
		if access := t.cached(refused); access != "" {
			return access, nil
		}
		return t.renew()
	})
	select {
	case r := <-result:
		return r.Val.(string), r.Err
	case <-ctx.Done():
		return "", fmt.Errorf("%w: %w", ErrUnknown, ctx.Err())
	}
}

func (t *token) cached(refused string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.access == refused || !t.config.Now().Before(t.renewAt) {
		return ""
	}
	return t.access
}

func (t *token) renew() (string, error) {
	requestedAt := t.config.Now()
	access, ttl, err := t.fetch()
	retryable := func() bool {
		return errors.Is(err, ErrUnknown) && !errors.Is(err, ErrAuth) && !errors.Is(err, ErrNotPortOne) && t.config.Now().Sub(requestedAt) < tokenRetryWithin
	}
	for attempt := 1; attempt < maxTokenAttempts && retryable(); attempt++ {
		time.Sleep(time.Duration(attempt) * tokenRetryWithin / 10)
		access, ttl, err = t.fetch()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.access, t.renewAt = access, requestedAt.Add(ttl/5*4)
	return access, err
}

// fetch requests a token and computes its remaining life by PortOne's clock alone. The transport's timeout bounds it.
func (t *token) fetch() (access string, ttl time.Duration, err error) {
	status, response, err := t.transport.call(context.Background(), http.MethodPost, "/users/getToken", nil,
		map[string]string{"imp_key": t.config.Key, "imp_secret": t.config.Secret})
	if err != nil {
		return "", 0, err
	}
	if status == http.StatusNotFound {
		return "", 0, fmt.Errorf("%w: POST /users/getToken: 404: %s", ErrNotPortOne, reason(response))
	}
	o, err := unwrap(status, response)
	if refusal, refused := errors.AsType[*Refusal](err); refused {
		return "", 0, fmt.Errorf("%w: %s", ErrAuth, refusal)
	}
	if err != nil {
		return "", 0, err
	}
	access = o.RequiredText("access_token")
	seconds := amount(o, "expired_at") - amount(o, "now")
	switch {
	case o.Err() != nil:
		return "", 0, malformed("%w", o.Err())
	case seconds <= 0:
		return "", 0, malformed("the token has expired already")
	}
	return access, time.Duration(min(seconds, int64(maxTokenAge/time.Second))) * time.Second, nil
}
