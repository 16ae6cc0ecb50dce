package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// Random requests get a response in time, and never a 500. Exactly the commands that were accepted are in the log.
func TestAPI_AnswersRandomRequests(t *testing.T) {
	t.Parallel()
	rng := harness.NewRNG(t)
	duration := 5 * time.Second
	if harness.Long() {
		duration = time.Minute
	}
	node := harness.NewNode(t, "--demo", "--logging-level", "error")
	process := node.StartDemo()
	requestCtx := harness.TimeoutContext(t, duration+45*time.Second)
	fuzzCtx, cancel := context.WithTimeout(requestCtx, duration)
	defer cancel()

	var mu sync.Mutex
	accepted := map[uint64]string{} // requests by the sequence in their response
	sent, counts := 0, map[int]int{}
	var group sync.WaitGroup
	for range 2 {
		s := requestFuzzer{rng: rand.New(rand.NewPCG(rng.Uint64(), 2)), node: node}
		client := harness.NewHTTPClient(t, 0)
		group.Go(func() {
			for fuzzCtx.Err() == nil {
				r := s.request(requestCtx)
				if s.rng.IntN(4) == 0 {
					r = s.plausibleCommand(requestCtx)
				}
				a, err := s.send(client, r)
				if err != nil {
					if fuzzCtx.Err() == nil {
						t.Errorf("%s: %v", s.lastRequest, err)
					}
					continue
				}
				s.checkResponse(t, a)
				var response struct{ Sequence uint64 }
				_ = json.Unmarshal([]byte(a.Body), &response)
				mu.Lock()
				sent++
				counts[a.Status]++
				if response.Sequence != 0 && r.Method == http.MethodPost {
					accepted[response.Sequence] = s.lastRequest
				}
				mu.Unlock()
			}
		})
	}
	group.Go(func() { // and malformed HTTP
		malformedRNG := rand.New(rand.NewPCG(rng.Uint64(), 3))
		for fuzzCtx.Err() == nil {
			sendMalformed(t, node, malformedRNG)
		}
	})
	group.Wait()
	if a := node.MustDo(requestCtx, harness.NewHTTPClient(t, 0), "GET", "/readyz", ""); a.Status != http.StatusOK {
		t.Errorf("the node is not ready afterwards: %v", a)
	}
	process.Terminate(t)
	if strings.Contains(process.Stderr(), "level=ERROR") {
		t.Errorf("the node logged errors:\n%s", process.Stderr())
	}
	node.MustAudit()
	commands := 0
	for _, c := range node.History() {
		if c.RequestID == "" || c.User == "admin" && c.Sequence < 6000 {
			continue // a tick, or the demo
		}
		commands++
		if _, ok := accepted[c.Sequence]; !ok {
			t.Errorf("command %d, %s by %s, is in the log, and no response has its sequence", c.Sequence, c.Type, c.User)
		}
		delete(accepted, c.Sequence)
	}
	for sequence, request := range accepted {
		t.Errorf("%s got sequence %d, which is not in the log", request, sequence)
	}
	if commands < 20 || counts[200] == 0 || counts[202] == 0 {
		t.Errorf("%d requests, of which %d were commands, are too few: %v", sent, commands, counts)
	}
	t.Logf("%d requests, %d of them in the log: %v", sent, commands, counts)
}

// requestFuzzer makes random requests.
type requestFuzzer struct {
	rng         *rand.Rand
	node        *harness.Node
	lastRequest string // for error messages
}

// oddText is unusual text, often invalid.
func (s *requestFuzzer) oddText() string {
	return harness.Pick(s.rng, "", "0", "1", "-1", "demo", "DEMO", "kim", "~", "*", ">", "evt.>", "a b", "../..", "%2e%2e", "\x00", "é", "쿠폰", "x.y", "null", "{}",
		strings.Repeat("a", 40), strings.Repeat("a", 41), strings.Repeat("b", 65), strings.Repeat("9", 30), "18446744073709551616", "9223372036854775807",
		"h1000", "demo-1", "abcdefgh-1", "2026-01-01T00:00:00Z", "'; drop", "<script>", "\r\nX: y", "☃", fmt.Sprint(s.rng.Int64()))
}

func (s *requestFuzzer) id() string {
	if s.rng.IntN(4) > 0 {
		return "demo"
	}
	return url.PathEscape(s.oddText())
}

func (s *requestFuzzer) payment() string {
	return harness.Pick(s.rng, fmt.Sprint("imp_", s.rng.IntN(20)), s.id())
}

func (s *requestFuzzer) path() string {
	prefix := harness.Pick(s.rng, "/api/v1/schedules/", "/api/schedules/") + s.id()
	path := harness.Pick(s.rng,
		"/", "/app.js", "/healthz", "/readyz", "/metrics", "/openapi.json", "/api/v1/promotions", "/api/v1/promotions/"+s.id(),
		"/api/v1/promotions/"+s.id()+"/coupons", "/api/v1/schedules", prefix, prefix+"/seats", prefix+"/seats/hold", prefix+"/seats/release",
		prefix+"/seats/reserve", prefix+"/seats/summary", prefix+"/seats/my-holds", prefix+"/seats/events", prefix+"/seats/extend",
		"/api/v1/requests/"+harness.Pick(s.rng, strings.Repeat("A", 22), s.id()), "/api/v1/me/coupons", "/api/v1/me/holds", "/api/v1/me/reservations",
		"/api/v1/me/waiting", "/api/v1/me/alarms", "/api/v1/admin/stats",
		"/api/v1/admin/export/"+harness.Pick(s.rng, "coupons.csv", "seats.csv", "reservations.csv", "promotions.csv", "audit.csv", s.id()),
		"/api/v1/me/events", "/subscribe/"+s.id(), "/api/v1/admin/promotions", "/api/v1/admin/schedules", "/"+s.id(),
		"/api/v1/products", "/api/v1/products/"+s.id(), "/api/v1/admin/products", "/api/v1/admin/products/"+s.id()+harness.Pick(s.rng, "/stock", "/close"),
		"/api/v1/orders", "/api/v1/orders/prepare", "/api/v1/orders/"+s.payment(), "/api/v1/orders/"+s.payment()+"/sse", "/api/v1/me/orders",
		"/api/v1/admin/orders/"+s.payment()+"/cancel", "/api/v1/payments/webhook")
	switch s.rng.IntN(12) {
	case 0:
		path += "/"
	case 1:
		path = "/" + path
	case 2:
		path = strings.ToUpper(path)
	}
	return path
}

func (s *requestFuzzer) query() string {
	q := url.Values{}
	for range s.rng.IntN(3) {
		switch name := harness.Pick(s.rng, "limit", "cursor", "after", "wait", "sequence", "userId", "rewind", "lastEventId", "events", "lang", "at", "promotionId", "scheduleId"); name {
		case "wait": // shorter than the test
			q.Set(name, harness.Pick(s.rng, "0", "100ms", "-1", "31s", "1h", "x", ""))
		case "after", "lastEventId":
			q.Set(name, harness.Pick(s.rng, "abcdefgh-1", "abcdefgh-1.2", "-", s.oddText()))
		case "promotionId", "scheduleId":
			q.Set(name, harness.Pick(s.rng, "demo", s.oddText()))
		default:
			q.Set(name, harness.Pick(s.rng, "1", "3000", "1000", "1001", s.oddText()))
		}
	}
	text := q.Encode()
	if s.rng.IntN(20) == 0 {
		text += "&%zz;=&&"
	}
	return text
}

func (s *requestFuzzer) value(depth int) any {
	switch n := s.rng.IntN(10); {
	case n < 3:
		return s.rng.IntN(700)
	case n < 5:
		return s.oddText()
	case n == 5:
		return harness.Pick[any](s.rng, nil, true, 1.5, -1, 1e300, 1<<60)
	case n < 8 && depth < 4:
		list := []any{}
		for range s.rng.IntN(5) {
			list = append(list, s.value(depth+1))
		}
		return list
	case depth < 4:
		return s.object(depth + 1)
	}
	return "x"
}

func (s *requestFuzzer) object(depth int) map[string]any {
	o := map[string]any{}
	for range s.rng.IntN(4) {
		o[harness.Pick(s.rng, "scheduleSeatIds", "holdId", "name", "stock", "perUserLimit", "title", "sections", "rows", "seats", "price", "promotionId", "scheduleId", "opensAt",
			"salePostId", "imp_uid", "merchant_uid", "count", "amount", "delta", "status", s.oddText())] = s.value(depth)
	}
	return o
}

func (s *requestFuzzer) body() []byte {
	switch s.rng.IntN(8) {
	case 0:
		return nil
	case 1, 2:
		seat := 1 + s.rng.IntN(600)
		return fmt.Appendf(nil, `{"scheduleSeatIds":[%d,%d]}`, seat, seat+1)
	case 3:
		return fmt.Appendf(nil, `{"holdId":"h%d000"}`, 3+s.rng.IntN(200))
	case 4:
		return fmt.Appendf(nil, `{"name":"n","stock":%d}`, s.rng.IntN(5)-1)
	case 5:
		junk := make([]byte, s.rng.IntN(200))
		for i := range junk {
			junk[i] = byte(s.rng.Uint32())
		}
		return junk
	case 6:
		if s.rng.IntN(20) == 0 {
			return bytes.Repeat([]byte("["), 70_000)
		}
	}
	b, err := json.Marshal(s.value(0))
	if err != nil {
		panic(err)
	}
	return b
}

func (s *requestFuzzer) request(ctx context.Context) *http.Request {
	method := harness.Pick(s.rng, "GET", "GET", "GET", "POST", "POST", "POST", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY", "get")
	body := s.body()
	for {
		r, err := http.NewRequestWithContext(ctx, method, s.node.URL()+s.path(), bytes.NewReader(body))
		if err != nil {
			continue // not sendable; sendMalformed covers such
		}
		if method == "GET" || method == "HEAD" {
			r.Body, r.ContentLength = http.NoBody, 0
		}
		r.URL.RawQuery = s.query()
		r.Header.Set("Content-Type", harness.Pick(s.rng, "application/json", "application/json", "application/json; charset=utf-8", "text/plain", "application/json; charset=latin1", ";;"))
		r.Header.Set("Prefer", harness.Pick(s.rng, "respond-async", "wait=1", "wait=0", "wait=-1", "wait=x, respond-async"))
		if s.rng.IntN(4) > 0 {
			r.Header.Set("X-User-Id", harness.Pick(s.rng, "kim", "lee", "admin", fmt.Sprint("u", s.rng.IntN(1000)), "a b", "~", strings.Repeat("u", 65)))
		}
		if s.rng.IntN(2) == 0 {
			r.Header.Set("Idempotency-Key", harness.Pick(s.rng, "k", fmt.Sprint(s.rng.IntN(50)), "", "a b", "é", strings.Repeat("k", 255), strings.Repeat("k", 256)))
		}
		switch s.rng.IntN(12) {
		case 0:
			r.Header.Set("Last-Event-ID", harness.Pick(s.rng, "abcdefgh-1", "é", "-", s.node.Addr, strings.Repeat("9", 100)))
		case 1:
			r.Header.Set("Origin", harness.Pick(s.rng, "http://localhost:3000", "https://evil.example", "null", ""))
		case 2:
			r.Header.Set("Sec-Fetch-Site", harness.Pick(s.rng, "cross-site", "same-origin", "none", "x"))
		case 3:
			r.Header.Set("Cookie", harness.Pick(s.rng, "onsale_user=kim", "onsale_user=", "onsale_user=a b", ";;="))
		case 4:
			r.Header.Set("X-Request-Id", harness.Pick(s.rng, "mine", "a b", ""))
		case 5:
			r.Header.Set("Expect", "100-continue")
		case 6:
			r.ContentLength = -1 // in chunks
		case 7:
			r.Host = harness.Pick(s.rng, "evil.example", "")
		}
		s.lastRequest = fmt.Sprintf("%s %s %v %.200q", r.Method, r.URL.RequestURI(), r.Header, body)
		return r
	}
}

// plausibleCommand is a mostly valid command.
func (s *requestFuzzer) plausibleCommand(ctx context.Context) *http.Request {
	seat := 1 + s.rng.IntN(600)
	path, body := "/api/v1/promotions/demo/coupons", ""
	switch s.rng.IntN(7) {
	case 5:
		count := s.rng.IntN(3)
		path = "/api/v1/orders"
		body = fmt.Sprintf(`{"imp_uid":"imp_%d","salePostId":"demo","count":%d,"amount":%d}`, s.rng.IntN(20), count, count*25_000)
	case 6:
		path, body = "/api/v1/orders/prepare", `{"salePostId":"demo","count":1}`
	case 0:
		path, body = "/api/v1/schedules/demo/seats/hold", fmt.Sprintf(`{"scheduleSeatIds":[%d,%d]}`, seat, seat+1)
	case 1:
		path, body = "/api/schedules/demo/seats/release", fmt.Sprintf(`{"scheduleSeatIds":[%d]}`, seat)
	case 2:
		path, body = "/api/v1/schedules/demo/seats/reserve", fmt.Sprintf(`{"holdId":"h%d000"}`, 3+s.rng.IntN(300))
	case 3:
		path, body = "/api/v1/admin/promotions", fmt.Sprintf(`{"promotionId":"p%d","name":"n","stock":%d}`, s.rng.IntN(20), s.rng.IntN(5))
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.node.URL()+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-User-Id", fmt.Sprint("u", s.rng.IntN(50)))
	if s.rng.IntN(2) == 0 {
		r.Header.Set("Idempotency-Key", fmt.Sprint(s.rng.IntN(50)))
	}
	r.Header.Set("Prefer", harness.Pick(s.rng, "respond-async", "wait=5", ""))
	s.lastRequest = fmt.Sprintf("%s %s %v %s", r.Method, path, r.Header, body)
	return r
}

// send requires a response within the longest wait that exists. Of a stream it reads the first line.
func (s *requestFuzzer) send(client *http.Client, r *http.Request) (harness.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), 12*time.Second)
	defer cancel()
	response, err := client.Do(r.WithContext(ctx))
	if err != nil {
		return harness.Response{}, err
	}
	defer response.Body.Close()
	a := harness.Response{Status: response.StatusCode, Header: response.Header}
	if response.Header.Get("Content-Type") == "text/event-stream" {
		a.Body, err = bufio.NewReader(response.Body).ReadString('\n')
		return a, err
	}
	text, err := io.ReadAll(response.Body)
	a.Body = string(text)
	return a, err
}

// checkResponse checks what holds for every response.
func (s *requestFuzzer) checkResponse(t *testing.T, a harness.Response) {
	switch {
	case a.Status >= 500 && a.Code() != "not_caught_up", a.Status >= 300 && a.Status < 400:
		t.Errorf("%s\ngot %v", s.lastRequest, a)
	case a.Status >= 400 && strings.HasPrefix(s.lastRequest, "HEAD"):
	case a.Status >= 400 && (a.Header.Get("Content-Type") != "application/problem+json" || a.Code() == ""):
		t.Errorf("%s\ngot %v, want a problem with a code", s.lastRequest, a)
	}
	if a.Header.Get("X-Request-Id") == "" {
		t.Errorf("%s\ngot %v, want X-Request-Id", s.lastRequest, a)
	}
}

// sendMalformed sends malformed or unusual HTTP.
func sendMalformed(t *testing.T, node *harness.Node, rng *rand.Rand) {
	c, err := net.Dial("tcp", node.Addr)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	const path = "/api/v1/promotions/demo/coupons"
	text := harness.Pick(rng, "\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
		"POST "+path+" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
		"GET "+path+"\x00 HTTP/1.1\r\nHost: x\r\n\r\n", "GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n", "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT evil.example:80 HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 40<<10)+"\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	if _, err := io.WriteString(c, text); err != nil {
		return
	}
	status, err := bufio.NewReader(c).ReadString('\n')
	if strings.HasPrefix(status, "HTTP/1.1 5") && !strings.HasPrefix(status, "HTTP/1.1 50"+"1") && !strings.HasPrefix(status, "HTTP/1.1 505") {
		t.Errorf("%.100q: got %q %v", text, status, err)
	}
	if e, ok := err.(net.Error); ok && e.Timeout() && !strings.Contains(text, "ZZ") {
		t.Errorf("%.100q: no response", text)
	}
}
