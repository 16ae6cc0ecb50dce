// A client of this API for tests, benchmarks and Go programs. It never retries. A problem is a CommandResponse, not an error.

package http

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"onsale/domain"
)

// Client sends requests as one user.
type Client struct {
	URL  string // "http://127.0.0.1:8080"
	User string
	HTTP *http.Client // nil: http.DefaultClient
}

// CommandResponse is the response to a command, or its status.
type CommandResponse struct {
	HTTPStatus  int              `json:"-"`
	Replayed    bool             `json:"-"` // it is the outcome of an earlier request
	RetryAfter  string           `json:"-"`
	RequestID   domain.RequestID `json:"requestId"`
	Status      string           `json:"-"` // ACCEPTED, PENDING, SUCCEEDED or REJECTED; "" when it was refused
	Sequence    uint64           `json:"sequence"`
	EventID     string           `json:"eventId"`
	LastEventID string           `json:"lastEventId"`
	Result      json.RawMessage  `json:"result"`
	Code        string           `json:"code"`
	Detail      string           `json:"detail"`
	Field       string           `json:"field"`
	domain.Details
}

// CommandOptions are optional.
type CommandOptions struct {
	Key  string         // the idempotency key; "": the server generates one
	Wait *time.Duration // for the outcome; nil: the default of the command
}

// Issue requests a coupon.
func (c *Client) Issue(ctx context.Context, promotion string, opts CommandOptions) (CommandResponse, error) {
	return c.Command(ctx, "/api/v1/promotions/"+url.PathEscape(promotion)+"/coupons", nil, opts)
}

// Hold holds seats.
func (c *Client) Hold(ctx context.Context, schedule string, seats []int, opts CommandOptions) (CommandResponse, error) {
	return c.seats(ctx, schedule, "hold", map[string]any{"scheduleSeatIds": seats}, opts)
}

// Release releases a hold.
func (c *Client) Release(ctx context.Context, schedule, hold string, opts CommandOptions) (CommandResponse, error) {
	return c.seats(ctx, schedule, "release", map[string]any{"holdId": hold}, opts)
}

// Reserve reserves the seats of a hold.
func (c *Client) Reserve(ctx context.Context, schedule, hold string, opts CommandOptions) (CommandResponse, error) {
	return c.seats(ctx, schedule, "reserve", map[string]any{"holdId": hold}, opts)
}

func (c *Client) seats(ctx context.Context, schedule, verb string, body any, opts CommandOptions) (CommandResponse, error) {
	return c.Command(ctx, "/api/v1/schedules/"+url.PathEscape(schedule)+"/seats/"+verb, body, opts)
}

// Prepare gets a merchant_uid for paying count units of a product.
func (c *Client) Prepare(ctx context.Context, product string, count int, opts CommandOptions) (CommandResponse, error) {
	return c.Command(ctx, "/api/v1/orders/prepare", map[string]any{"salePostId": product, "count": count}, opts)
}

// Order orders count units of a product with the payment impUID. Whether it was paid is verified later.
func (c *Client) Order(ctx context.Context, impUID, product string, count int, amount int64, opts CommandOptions) (CommandResponse, error) {
	body := map[string]any{"imp_uid": impUID, "salePostId": product, "count": count, "amount": amount}
	return c.Command(ctx, "/api/v1/orders", body, opts)
}

// Command sends any command; body nil is no body.
func (c *Client) Command(ctx context.Context, path string, body any, opts CommandOptions) (CommandResponse, error) {
	header, payload := http.Header{}, []byte(nil)
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return CommandResponse{}, err
		}
		header["Content-Type"] = jsonType
	}
	if opts.Key != "" {
		header["Idempotency-Key"] = []string{opts.Key}
	}
	if opts.Wait != nil {
		header["Prefer"] = []string{fmt.Sprintf("wait=%d", int(opts.Wait.Seconds()))}
	}
	return c.doCommand(ctx, http.MethodPost, path, header, payload)
}

// RequestStatus gets the status of a request. With sequence 0 the server finds out whether it was accepted at all.
func (c *Client) RequestStatus(ctx context.Context, id domain.RequestID, sequence uint64, wait time.Duration) (CommandResponse, error) {
	path := fmt.Sprintf("/api/v1/requests/%s?wait=%s", id, wait)
	if sequence != 0 {
		path += fmt.Sprintf("&sequence=%d", sequence)
	}
	return c.doCommand(ctx, http.MethodGet, path, http.Header{}, nil)
}

// Get reads path into v.
func (c *Client) Get(ctx context.Context, path string, v any) error {
	response, body, err := c.do(ctx, http.MethodGet, path, http.Header{}, nil)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s: %s", path, response.Status, body)
	}
	return json.Unmarshal(body, v)
}

func (c *Client) doCommand(ctx context.Context, method, path string, header http.Header, payload []byte) (CommandResponse, error) {
	response, body, err := c.do(ctx, method, path, header, payload)
	if err != nil {
		return CommandResponse{}, err
	}
	var a struct {
		CommandResponse
		Status any `json:"status"` // a string, or a number in problems
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return CommandResponse{}, fmt.Errorf("%s: %s: %w", response.Request.URL.Path, response.Status, err)
	}
	a.CommandResponse.Status, _ = a.Status.(string)
	if a.CommandResponse.Status == "" && a.EventID != "" {
		a.CommandResponse.Status = "REJECTED"
	}
	a.HTTPStatus, a.RetryAfter = response.StatusCode, response.Header.Get("Retry-After")
	a.Replayed = response.Header.Get("Idempotent-Replayed") == "true"
	return a.CommandResponse, nil
}

func (c *Client) do(ctx context.Context, method, path string, header http.Header, payload []byte) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(payload))
	if err != nil {
		return nil, nil, err
	}
	r.Header = header
	if c.User != "" {
		r.Header["X-User-Id"] = []string{c.User}
	}
	response, err := cmp.Or(c.HTTP, http.DefaultClient).Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, body, err
}
