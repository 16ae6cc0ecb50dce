// One request and its response: what an HTTP status and a body mean for money.

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
	"strconv"
	"strings"
	"time"

	"onsale/http/jsonobject"
)

const (
	defaultTimeout = 60 * time.Second
	maxResponse    = 1 << 20 // bytes, decompressed
	maxIdleConns   = 256     // kept open for the next requests; with Go's default of 2 most would be closed at once
)

// transport sends requests to one server.
type transport struct {
	baseURL string
	timeout time.Duration
	client  *http.Client
}

func newTransport(c Config) (*transport, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%q is not an address of PortOne, such as https://api.portone.io", c.URL)
	}
	if c.Timeout < 0 {
		return nil, fmt.Errorf("timeout %s is negative", c.Timeout)
	}
	// A redirect would send the keys elsewhere.
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	roundTripper := http.DefaultTransport.(*http.Transport).Clone()
	roundTripper.MaxIdleConns, roundTripper.MaxIdleConnsPerHost = maxIdleConns, maxIdleConns
	client := &http.Client{CheckRedirect: noRedirect, Transport: roundTripper}
	return &transport{strings.TrimSuffix(c.URL, "/"), cmp.Or(c.Timeout, defaultTimeout), client}, nil
}

// call sends body, or none if nil, as JSON. It returns only responses in which PortOne itself answers yes or no: a JSON
// object with a status of 2xx or 4xx. All others are an ErrUnknown.
func (t *transport) call(ctx context.Context, method, path string, header http.Header, body any) (int, *jsonobject.Object, error) {
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
	o, err := classify(response.StatusCode, text)
	if err != nil {
		return 0, nil, fmt.Errorf("%w (%s %s: %s)", err, method, path, response.Status)
	}
	return response.StatusCode, o, nil
}

// classify returns the object in which PortOne answers yes or no, or why there is none.
func classify(status int, text []byte) (*jsonobject.Object, error) {
	o, err := jsonobject.ParseLoosely(text) // messages of card companies are not always UTF-8
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return nil, fmt.Errorf("%w: %s", ErrAuth, reason(o))
	case status == http.StatusTooManyRequests:
		return nil, fmt.Errorf("%w: %s", ErrTooMany, reason(o))
	case status >= 500 || status == http.StatusRequestTimeout:
		return nil, fmt.Errorf("%w: %s", ErrUnknown, reason(o))
	case len(text) > maxResponse:
		return nil, malformed("it is longer than %d bytes", maxResponse)
	case status/100 != 2 && status/100 != 4, !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")):
		return nil, ErrNotPortOne
	case err != nil:
		return nil, malformed("%w", err)
	}
	return o, nil
}

// reason is the message for people in a response, if any.
func reason(o *jsonobject.Object) string {
	if o == nil {
		return ""
	}
	return truncate(strings.TrimSpace(o.Text("message") + " " + o.Text("pgMessage")))
}

// amount is 0 or more in minor units. Nothing is rounded: 1000.00 is 1000, 1000.5 is invalid, and 9007199254740993 stays.
func amount(o *jsonobject.Object, name string) int64 {
	whole, fraction, _ := strings.Cut(o.RequiredNumber(name).String(), ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < 0 || strings.Trim(fraction, "0") != "" {
		o.Invalid(name, "is not a whole amount")
		return 0
	}
	return n
}
