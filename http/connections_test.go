package http

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/domain"
	"onsale/http/auth"
	"onsale/http/client"
)

// serveImpatiently serves f with short deadlines, and with the limits that set sets.
func serveImpatiently(t *testing.T, f *fixture, set func()) (address string) {
	t.Helper()
	f.http.ReadHeaderTimeout, f.http.ReadTimeout, f.importTimeout = 300*time.Millisecond, 600*time.Millisecond, 600*time.Millisecond
	if set != nil {
		set()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- f.Serve(l, f) }()
	t.Cleanup(func() {
		_ = f.http.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return c
}

var pathParameter = regexp.MustCompile(`[:*]\w+`)

// Whatever the route, a request whose body trickles or stops is cut, whether its handler reads the body or net/http does.
func TestBody_IsCutOnEveryRoute(t *testing.T) {
	f := newUnservedFixture(t)
	address := serveImpatiently(t, f, nil)
	if len(f.endpoints) < 100 {
		t.Errorf("only %d routes", len(f.endpoints))
	}
	endpoints := append(f.endpoints, Route{Method: "POST", Path: "/nowhere"}, Route{Method: "PUT", Path: "/healthz"}, Route{Method: "OPTIONS", Path: "/api/v1/promotions"})
	slots := make(chan struct{}, 100)
	var group sync.WaitGroup
	for _, endpoint := range endpoints {
		path := pathParameter.ReplaceAllString(endpoint.Path, "promotions.csv")
		for _, length := range []string{"Content-Length: 1000", "Content-Length: 10000000", "Transfer-Encoding: chunked"} {
			for _, interval := range []time.Duration{50 * time.Millisecond, time.Hour} {
				slots <- struct{}{}
				group.Go(func() {
					defer func() { <-slots }()
					took := trickleBody(t, address, endpoint.Method+" "+path+" HTTP/1.1\r\nHost: x\r\nX-User-Id: admin\r\nContent-Type: application/json\r\n"+length, interval)
					if took > 3*time.Second {
						t.Errorf("%s %s, %s: open after %v", endpoint.Method, path, length, took.Round(time.Second))
					}
				})
			}
		}
	}
	group.Wait()
}

// trickleBody sends the head and then a byte of the body at each interval, until the connection is closed.
func trickleBody(t *testing.T, address, head string, interval time.Duration) time.Duration {
	c := dial(t, address)
	began := time.Now()
	_ = c.SetReadDeadline(began.Add(5 * time.Second))
	_, _ = io.WriteString(c, head+"\r\n\r\n")
	if strings.Contains(head, "chunked") {
		_, _ = io.WriteString(c, "3e8\r\n")
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, c) // an error ends the connection, too
	}()
	for {
		select {
		case <-ended:
			return time.Since(began)
		case <-time.After(interval):
			_, _ = io.WriteString(c, " ")
		}
	}
}

func TestHead_IsCut(t *testing.T) {
	f := newUnservedFixture(t)
	address := serveImpatiently(t, f, nil)
	for _, sent := range []string{"", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: "} {
		if took := trickleBody(t, address, sent, 50*time.Millisecond); sent != "" && took > 2*time.Second {
			t.Errorf("open after %v", took)
		}
	}
}

type waitingStreams struct{ stubStreams }

func (waitingStreams) User(w http.ResponseWriter, r *http.Request, _ auth.Identity, _ string) {
	select {
	case <-r.Context().Done():
		_, _ = io.WriteString(w, "cut")
	case <-time.After(1500 * time.Millisecond):
		_, _ = io.WriteString(w, "whole")
	}
}

// appendUndecided appends a command as another node would, which is not decided before the test ends, and returns its sequence.
func appendUndecided(t *testing.T, f *fixture) string {
	t.Helper()
	f.log.update(func() { f.log.deliveryPaused = true })
	t.Cleanup(func() { f.log.update(func() { f.log.deliveryPaused = false }) })
	sequence, err := f.log.Append(t.Context(), domain.Command{Entity: domain.SystemEntity, Body: domain.Tick{}})
	if err != nil {
		t.Fatal(err)
	}
	return strconv.FormatUint(sequence, 10)
}

// The deadlines are for reading a request: long polls and streams go on after them.
func TestDeadlines_SpareWaits(t *testing.T) {
	t.Parallel()
	f := newUnservedFixture(t)
	f.Streams = waitingStreams{}
	url := "http://" + serveImpatiently(t, f, nil)
	undecided := appendUndecided(t, f)
	var group sync.WaitGroup
	for _, c := range []struct{ method, path, body, want string }{
		{"GET", "/subscribe/kim", "", "whole"},
		{"POST", "/api/v1/promotions/p/coupons", "", "ACCEPTED"},
		{"POST", "/api/v1/schedules/s/seats/hold", `{"scheduleSeatIds":[1]}`, "ACCEPTED"},
		{"GET", "/api/v1/requests/" + domain.NewRequestID("kim", "k").String() + "?wait=2s&sequence=" + undecided, "", "PENDING"},
	} {
		group.Go(func() {
			began := time.Now()
			r, _ := http.NewRequest(c.method, url+c.path, strings.NewReader(c.body))
			r.Header.Set("X-User-Id", "kim")
			r.Header.Set("Prefer", "wait=2")
			r.Header.Set("Content-Type", "application/json")
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(c.path, err)
				return
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if took := time.Since(began); err != nil || !strings.Contains(string(body), c.want) || took < 1400*time.Millisecond {
				t.Errorf("%s: got %s %v after %v, want %s after its wait", c.path, body, err, took, c.want)
			}
		})
	}
	group.Wait()
}

// mustGet sends a request on the connection and reads the response; false: it is closed.
func mustGet(t *testing.T, c net.Conn) bool {
	t.Helper()
	_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err == nil && response.StatusCode == http.StatusOK
}

// When connections run short the longest idle one is closed; while none is idle, new ones wait. Streams count.
func TestConnections_CloseLongestIdle(t *testing.T) {
	t.Parallel()
	f := newUnservedFixture(t)
	streams := 0
	address := serveImpatiently(t, f, func() {
		f.connections.max, f.http.ReadTimeout, f.http.ReadHeaderTimeout = 5, 3*time.Second, 3*time.Second
		f.connections.streams = func() int { return streams }
		streams = 1
	})
	var conns []net.Conn
	for range 6 {
		conns = append(conns, dial(t, address))
		if !mustGet(t, conns[len(conns)-1]) {
			t.Fatal("a new connection was closed")
		}
		time.Sleep(20 * time.Millisecond) // until it is idle
	}
	if open, closed := f.connections.counts(); open > 5 || closed != (closedConnections{idle: 2}) {
		t.Errorf("%d connections, closed %+v, want 5, and two idle ones closed", open, closed)
	}
	for i, c := range conns {
		if open := mustGet(t, c); open != (i >= 2) {
			t.Errorf("connection %d is open: %v, want the two that were idle for longest closed", i, open)
		}
		time.Sleep(20 * time.Millisecond)
	}
	undecided := appendUndecided(t, f)
	for _, c := range conns[2:] { // busy for a second
		_, _ = io.WriteString(c, "GET /api/v1/requests/"+strings.Repeat("A", 22)+"?wait=1s&sequence="+undecided+" HTTP/1.1\r\nHost: x\r\nX-User-Id: kim\r\n\r\n")
	}
	time.Sleep(50 * time.Millisecond)
	waiting := dial(t, address)
	_ = waiting.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if mustGet(t, waiting) {
		t.Error("a connection beyond the limit was served")
	}
	_ = waiting.SetReadDeadline(time.Now().Add(10 * time.Second))
	if response, err := http.ReadResponse(bufio.NewReader(waiting), nil); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("once another was idle: %v %v", response, err)
	}
}

// Connections of TLS are counted and closed like others, whatever they speak.
func TestConnections_CountTLS(t *testing.T) {
	t.Parallel()
	f := newUnservedFixture(t)
	f.connections.max = 2
	address := serveTLS(t, f)
	var clients []*http.Client
	for i := range 4 {
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: i%2 == 0}
		clients = append(clients, &http.Client{Transport: transport, Timeout: 20 * time.Second})
		response, err := clients[i].Get("https://" + address + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if response.ProtoMajor != 2-i%2 {
			t.Errorf("connection %d has %s", i, response.Proto)
		}
	}
	if open, closed := f.connections.counts(); open != 2 || closed != (closedConnections{idle: 2}) {
		t.Errorf("%d connections, closed %+v, want 2, and two idle ones closed", open, closed)
	}
	for _, client := range clients {
		client.CloseIdleConnections()
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		open, _ := f.connections.counts()
		if open == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are open", open)
		}
	}
}

func TestConnections_LimitAddress(t *testing.T) {
	t.Parallel()
	f := newUnservedFixture(t)
	address := serveImpatiently(t, f, func() {
		f.connections.maxPerAddress, f.http.ReadTimeout, f.http.ReadHeaderTimeout, f.connections.openingGrace = 2, 5*time.Second, 5*time.Second, time.Hour
	})
	from := func(host string) net.Conn {
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}}).Dial("tcp", address)
		if err != nil {
			t.Skip("no other loopback address: ", err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		return c
	}
	for range 2 {
		_, _ = fmt.Fprint(from("127.0.0.1"), "GET /healthz HTTP/1.1\r\n")
	}
	time.Sleep(50 * time.Millisecond)
	if mustGet(t, from("127.0.0.1")) {
		t.Error("a third connection of an address was served")
	}
	for range 3 { // of which the idle are closed
		if !mustGet(t, from("127.0.0.2")) {
			t.Error("a connection of another address was closed")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// An isolated node refuses what may be stale, and answers what cannot change any more.
func TestIsolated_RefusesReads(t *testing.T) {
	f := newFixture(t)
	isolated := false
	f.Isolated = func() bool { return isolated }
	done := must(f.client("kim").Command(t.Context(), "/api/v1/admin/promotions", map[string]any{"promotionId": "p", "name": "n", "stock": 3}, client.Options{}))(t)
	isolated = true
	get := func(path string) *http.Response {
		r, _ := http.NewRequest("GET", f.url+path, nil)
		r.Header.Set("X-User-Id", "kim")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response
	}
	for _, path := range []string{"/api/v1/promotions/p", "/api/v1/schedules/s/seats", "/api/v1/me/alarms", "/api/v1/admin/stats",
		"/api/v1/admin/export/coupons.csv", "/api/v1/orders/imp_1", "/api/v1/requests/" + domain.NewRequestID("kim", "other").String()} {
		if a := get(path); a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: got %s, want 503 with Retry-After", path, a.Status)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/app.js", "/api/v1/requests/" + done.RequestID,
		"/api/v1/promotions/none/events"} { // which the hub rejects
		if a := get(path); a.StatusCode != http.StatusOK {
			t.Errorf("%s: got %s, want 200", path, a.Status)
		}
	}
}
