package http

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// serveUnread serves f over TLS, where no other deadline than that of responses ends one.
func serveUnread(t *testing.T, f *fixture) (address string) {
	t.Helper()
	example := httptest.NewTLSServer(nil)
	f.TLS = &tls.Config{Certificates: example.TLS.Certificates}
	example.Close()
	return serveImpatiently(t, f, func() {
		f.http.ReadHeaderTimeout, f.http.ReadTimeout, f.http.WriteTimeout, f.http.HTTP2.WriteByteTimeout = time.Minute, time.Minute, time.Minute, time.Minute
	})
}

// dialUnreading is a client that takes no byte of any response's body.
func dialUnreading(t *testing.T, address string) *frames {
	t.Helper()
	c := dialFrames(t, address)
	if err := c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}); err != nil {
		t.Fatal(err)
	}
	c.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = c.net.SetReadDeadline(time.Now().Add(20 * time.Second))
	return c
}

// next is what comes next for a stream: the status of its response, or "reset".
func (f *frames) next(t *testing.T) (stream uint32, what string) {
	t.Helper()
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			return frame.StreamID, frame.PseudoValue("status")
		case *http2.RSTStreamFrame:
			return frame.StreamID, "reset"
		}
	}
}

// Whatever a response is, it is ended when nobody reads it.
func TestUnread_EndsInTime(t *testing.T) {
	t.Parallel()
	f := newUnservedFixture(t)
	f.unread.timeout = 200 * time.Millisecond
	c := dialUnreading(t, serveUnread(t, f))
	paths := []string{"/healthz", "/nowhere", "/app.js", "/metrics", "/openapi.json", "/api/v1/promotions", "/api/v1/me/coupons", "/subscribe/no!id"}
	for i, path := range paths {
		if err := c.request(uint32(2*i+1), "GET", path); err != nil {
			t.Fatal(err)
		}
	}
	var reset []uint32
	for len(reset) < len(paths) {
		if stream, what := c.next(t); what == "reset" {
			reset = append(reset, stream)
		}
	}
	awaitUnread(t, f, 0)
}

func awaitUnread(t *testing.T, f *fixture, want int) {
	t.Helper()
	counted := func() int {
		f.unread.mu.Lock()
		defer f.unread.mu.Unlock()
		return f.unread.all
	}
	for deadline := time.Now().Add(20 * time.Second); counted() != want; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d responses count, want %d", counted(), want)
		}
	}
}

// Responses that nobody reads are bounded in number, those that say so too, except what says how the node is. Others are served as soon as they are gone.
func TestUnread_LimitsNumber(t *testing.T) {
	t.Parallel()
	f := newUnservedFixture(t)
	f.unread.max = 3
	address := serveUnread(t, f)
	c := dialUnreading(t, address)
	var got []string
	for i, path := range []string{"/docs", "/docs", "/docs", "/docs", "/nowhere", "/healthz", "/docs", "/docs"} {
		if err := c.request(uint32(2*i+1), "GET", path); err != nil {
			t.Fatal(err)
		}
		_, what := c.next(t)
		got = append(got, what)
	}
	if want := []string{"200", "200", "200", "429", "429", "200", "reset", "reset"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	_ = c.net.Close()
	awaitUnread(t, f, 0)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}}
	for range 10 {
		response, err := client.Get("https://" + address + "/docs")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK || response.ProtoMajor != 2 {
			t.Errorf("got %s %s %v", response.Proto, response.Status, err)
		}
		response.Body.Close()
	}
	client.CloseIdleConnections()
}

// One client's responses do not use up the number of another.
func TestUnread_CountsAddresses(t *testing.T) {
	u := unread{max: 10, maxPerAddress: 2, byAddress: map[netip.Addr]int{}}
	one, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for i, want := range [][2]bool{{false, false}, {false, false}, {true, false}, {true, false}, {true, true}} {
		if full, abort := u.begin(one); full != want[0] || abort != want[1] {
			t.Errorf("request %d: got %v, %v, want %v", i, full, abort, want)
		}
	}
	if full, _ := u.begin(other); full {
		t.Error("another address is refused")
	}
	for range 5 {
		u.end(one)
	}
	u.end(other)
	if u.all != 0 || len(u.byAddress) != 0 {
		t.Errorf("%d count, and %v", u.all, u.byAddress)
	}
}

// An event stream goes on beyond the time of a response, and leaves the number to others.
func TestUnread_SparesStreams(t *testing.T) {
	t.Parallel()
	f := newUnservedFixture(t)
	f.Streams = waitingStreams{}
	f.unread.timeout, f.AccessLog = 200*time.Millisecond, true
	address := serveUnread(t, f)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	response, err := client.Get("https://" + address + "/subscribe/kim")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "whole" || response.ProtoMajor != 2 {
		t.Errorf("got %s %q %v", response.Proto, body, err)
	}
	awaitUnread(t, f, 0)
}
