// One request and its answer. Here it is decided what an HTTP status means for money.

package portone

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	defaultTimeout = 60 * time.Second
	maxResponse    = 1 << 20 // bytes, unpacked
	maxIdleConns   = 256     // connections that are kept for the next request; Go's two would be closed all the time
)

// transport is a way to one server.
type transport struct {
	baseURL string
	timeout time.Duration
	client  *http.Client
}

func newTransport(c Config) (*transport, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%q is no address of PortOne, such as https://api.portone.io", c.URL)
	}
	if c.Timeout < 0 {
		return nil, fmt.Errorf("a timeout of %s is none", c.Timeout)
	}
	// A redirect would take the keys elsewhere.
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	roundTripper := http.DefaultTransport.(*http.Transport).Clone()
	roundTripper.MaxIdleConns, roundTripper.MaxIdleConnsPerHost = maxIdleConns, maxIdleConns
	client := &http.Client{CheckRedirect: noRedirect, Transport: roundTripper}
	return &transport{strings.TrimSuffix(c.URL, "/"), cmp.Or(c.Timeout, defaultTimeout), client}, nil
}

// call sends body, nil for none, as JSON. What it gives is an answer in which PortOne says yes or no itself: a JSON object
// with a status of 2xx or 4xx. All else is an error, of the unknown kind.
func (t *transport) call(ctx context.Context, method, path string, header http.Header, body any) (int, object, error) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	var payload io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, nil, refuse("%v", err)
		}
		payload = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, t.baseURL+path, payload)
	if err != nil {
		return 0, nil, refuse("%v", err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := t.client.Do(r)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxResponse+1))
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %s %s: %w", ErrUnknown, method, path, err)
	}
	answer, err := classify(response.StatusCode, text)
	if err != nil {
		return 0, nil, fmt.Errorf("%w (%s %s: %s)", err, method, path, response.Status)
	}
	return response.StatusCode, answer, nil
}

// classify is the object in which PortOne says yes or no, or why there is none.
func classify(status int, text []byte) (object, error) {
	answer, err := parseObject(text)
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return nil, fmt.Errorf("%w: %s", ErrAuth, answer.reason())
	case status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
		return nil, fmt.Errorf("%w: %s", ErrUnknown, answer.reason())
	case len(text) > maxResponse:
		return nil, malformed("it is longer than %d bytes", maxResponse)
	case status/100 != 2 && status/100 != 4:
		return nil, malformed("it is neither yes nor no")
	}
	return answer, err
}
