// Package client is the Go client of onsale's HTTP API, for programs that buy, administrate or follow what happens. It needs
// nothing of the server. Commands are retried with the same idempotency key, so that each runs once however often it is sent;
// event streams resume by their last event id, so that each event arrives once.
package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Client sends requests to one node, or to the address of a load balancer in front of several. Its fields must not change
// while it is used; it may be used by many goroutines.
type Client struct {
	// URL is the address, as "https://sale.example".
	URL string

	// Token returns the bearer token of the next request; it is asked for each attempt, so it may renew the token. Nil: none.
	Token func(context.Context) (string, error)

	// User is sent as X-User-Id, for a node in demo mode. "": none.
	User string

	// HTTP sends the requests. Nil: http.DefaultClient. It must not have a Timeout if Events is used, since that would end
	// streams. Redirects are not followed: a node sends none, and the token belongs to URL alone.
	HTTP *http.Client

	// Silence is how long Events waits for the next byte before it reconnects. 0: 75 s. Where streams.heartbeat or
	// streams.userHeartbeat of the node is longer than the default of 30 s, it must be longer than two of them.
	Silence time.Duration

	// Attempts is how often a request is sent if there is no response, or one that says to try again: 429, 502, 503, 504.
	// 0: until the context ends.
	Attempts int
}

// Response is the response to a command, or the state of a request. A problem is a Response too; Err makes it an error.
type Response struct {
	HTTPStatus  int             `json:"-"`
	Status      string          `json:"-"` // ACCEPTED, PENDING, SUCCEEDED or REJECTED; "" when it was refused before it was recorded
	Replayed    bool            `json:"-"` // it is the outcome of an earlier request with the same key
	RetryAfter  time.Duration   `json:"-"` // what the server asks for; 0: nothing
	Key         string          `json:"-"` // the idempotency key that was sent
	Body        []byte          `json:"-"` // the whole response, with the facts of a rejection
	RequestID   string          `json:"requestId"`
	Sequence    uint64          `json:"sequence"`
	EventID     string          `json:"eventId"`
	LastEventID string          `json:"lastEventId"` // a stream that starts behind it has the outcome
	Result      json.RawMessage `json:"result"`
	Code        string          `json:"code"`   // of a problem, as "sold_out"
	Detail      string          `json:"detail"` // of a problem, for people
	Field       string          `json:"field"`  // of the request that a problem is about
}

// Problem is a Response as an error.
type Problem struct{ Response }

// Error has the detail; of what is no problem document, as a proxy's page, the beginning.
func (p *Problem) Error() string {
	text := cmp.Or(p.Detail, string(p.Body[:min(len(p.Body), 100)]))
	return fmt.Sprintf("%d %s: %s", p.HTTPStatus, cmp.Or(p.Code, http.StatusText(p.HTTPStatus)), strings.Map(printable, strings.TrimSpace(text)))
}

func printable(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	return r
}

// Err is a *Problem if the request was refused or rejected, else nil.
func (r Response) Err() error {
	if r.HTTPStatus >= 200 && r.HTTPStatus < 300 && r.Status != "REJECTED" {
		return nil
	}
	return &Problem{r}
}

// Decode reads the result of a success into v.
func (r Response) Decode(v any) error { return json.Unmarshal(r.Result, v) }

// Facts reads the facts of a rejection into v: of seat_unavailable, for example, {"scheduleSeatIds":[2]}.
func (r Response) Facts(v any) error { return json.Unmarshal(r.Body, v) }

// Options of a command; the zero value is fine.
type Options struct {
	// Key is the idempotency key: the same key is the same command. "": a new one. A program that must survive its own
	// restart stores the key before it sends the command.
	Key string

	// Wait is how long to wait for the outcome, up to 30 s; 0: respond as soon as the command is durable. Nil: the default
	// of the command. Await waits for longer.
	Wait *time.Duration
}

// Command sends any command, as POST; body nil is no body. The error is about the connection or ctx; when it is not nil, it is
// unknown whether the command was accepted, and sending it again with the same key finds out.
func (c *Client) Command(ctx context.Context, path string, body any, opts Options) (Response, error) {
	header, payload := http.Header{}, []byte(nil)
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return Response{}, err
		}
		header.Set("Content-Type", "application/json")
	}
	key := cmp.Or(opts.Key, rand.Text())
	header.Set("Idempotency-Key", key)
	if opts.Wait != nil {
		header.Set("Prefer", fmt.Sprintf("wait=%d", int(math.Ceil(opts.Wait.Seconds()))))
	}
	r, err := c.send(ctx, http.MethodPost, path, header, payload)
	r.Key = key
	return r, cmp.Or(err, r.checkState())
}

// checkState is an error if a success is not one of onsale, but of something else at its address.
func (r Response) checkState() error {
	if r.HTTPStatus >= 200 && r.HTTPStatus < 300 && r.Status == "" {
		return errors.New("the response is not of onsale: it has no status")
	}
	return nil
}

// RequestStatus gets the state of a request, and waits up to wait (at most 30 s) for its outcome. With sequence 0 the server
// finds out whether it was accepted at all; if not, the Response is the problem request_not_found.
func (c *Client) RequestStatus(ctx context.Context, requestID string, sequence uint64, wait time.Duration) (Response, error) {
	path := fmt.Sprintf("/api/v1/requests/%s?wait=%s", url.PathEscape(requestID), wait)
	if sequence != 0 {
		path += "&sequence=" + strconv.FormatUint(sequence, 10)
	}
	r, err := c.send(ctx, http.MethodGet, path, http.Header{}, nil)
	return r, cmp.Or(err, r.checkState())
}

// Await waits for the outcome of a command that was accepted; any other Response is returned as it is.
func (c *Client) Await(ctx context.Context, r Response) (Response, error) {
	for polls := 0; r.Status == "ACCEPTED" || r.Status == "PENDING"; polls++ {
		began := time.Now()
		next, err := c.RequestStatus(ctx, r.RequestID, r.Sequence, 25*time.Second)
		if err != nil {
			return r, err
		}
		next.Key = r.Key
		r = next
		if r.Status == "PENDING" && time.Since(began) < time.Second { // it did not wait
			if err := sleep(ctx, backoff(polls)); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// Get reads the JSON at path into v. The error may be a *Problem.
func (c *Client) Get(ctx context.Context, path string, v any) error {
	r, err := c.send(ctx, http.MethodGet, path, http.Header{}, nil)
	if err != nil {
		return err
	}
	if r.HTTPStatus != http.StatusOK {
		return fmt.Errorf("GET %s: %w", path, &Problem{r})
	}
	return json.Unmarshal(r.Body, v)
}

// send sends a request until there is a response that does not ask for another attempt. When no attempts are left, it returns
// what the last one got.
func (c *Client) send(ctx context.Context, method, path string, header http.Header, payload []byte) (Response, error) {
	for attempt := 1; ; attempt++ {
		r, err := c.try(ctx, method, path, header, payload)
		if err == nil && !retryable(r.HTTPStatus) || attempt == c.Attempts || ctx.Err() != nil {
			return r, err
		}
		if ended := sleep(ctx, max(r.RetryAfter, backoff(attempt))); ended != nil {
			return r, cmp.Or(err, ended)
		}
	}
}

// sleep waits for d, or returns the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func retryable(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// Limits of what a server can make a client do: wait, and hold in memory. The largest response is a map of 100,000 seats.
const (
	maxDelay = 5 * time.Minute
	maxBody  = 64 << 20
)

// backoff is the delay after so many failed attempts: up to 0.2 s, doubled up to 5 s, jittered.
func backoff(failed int) time.Duration {
	limit := min(100*time.Millisecond<<min(failed, 10), 5*time.Second)
	return limit/2 + mathrand.N(limit/2)
}

// try sends a request once.
func (c *Client) try(ctx context.Context, method, path string, header http.Header, payload []byte) (Response, error) {
	response, err := c.do(ctx, method, path, header, payload)
	if err != nil {
		return Response{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = fmt.Errorf("%s: the response is larger than %d bytes", path, maxBody)
	}
	if err != nil {
		return Response{}, err
	}
	r := Response{HTTPStatus: response.StatusCode, Body: body, Replayed: response.Header.Get("Idempotent-Replayed") == "true"}
	if seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 63); err == nil {
		r.RetryAfter = time.Duration(min(seconds, uint64(maxDelay/time.Second))) * time.Second
	}
	if body = bytes.TrimSpace(body); len(body) == 0 || body[0] != '{' { // a list, or a proxy's own page
		return r, nil
	}
	var state struct {
		Status any `json:"status"` // a word, or the number in a problem
	}
	if err = json.Unmarshal(body, &r); err == nil {
		err = json.Unmarshal(body, &state)
	}
	if err != nil {
		return r, fmt.Errorf("%s: %s: %w", path, response.Status, err)
	}
	r.Status, _ = state.Status.(string)
	if r.Status == "" && r.EventID != "" && r.Code != "" {
		r.Status = "REJECTED"
	}
	return r, nil
}

// do sends a request once, and returns the response with its body unread.
func (c *Client) do(ctx context.Context, method, path string, header http.Header, payload []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	r.Header = header.Clone()
	if c.User != "" {
		r.Header.Set("X-User-Id", c.User)
	}
	if c.Token != nil {
		token, err := c.Token(ctx)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	sender := *cmp.Or(c.HTTP, http.DefaultClient)
	sender.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return sender.Do(r)
}
