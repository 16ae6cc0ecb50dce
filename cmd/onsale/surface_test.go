package main

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
)

// Anybody may send anything. Whatever it is: it gets an answer, soon, and never a 500; what was refused at the door is not
// in the log, and what is in the log is what was taken.
func TestSurface(t *testing.T) {
	t.Parallel()
	whole := dice(t)
	duration := 5 * time.Second
	if long() {
		duration = time.Minute
	}
	b := newBox(t, "--demo", "--logging-level", "error")
	l := b.startDemo()
	past := within(t, duration+45*time.Second)
	end, cancel := context.WithTimeout(past, duration)
	defer cancel()

	var mu sync.Mutex
	taken := map[uint64]string{} // sequences that somebody was told, and of what
	sent, counts := 0, map[int]int{}
	var group sync.WaitGroup
	for range 2 {
		s := stranger{dice: rand.New(rand.NewPCG(whole.Uint64(), 2)), b: b}
		client := wire(t, 0)
		group.Go(func() {
			for end.Err() == nil {
				r := s.request(past)
				if s.dice.IntN(4) == 0 {
					r = s.wish(past)
				}
				a, err := s.send(client, r)
				if err != nil {
					if end.Err() == nil {
						t.Errorf("%s: %v", s.said, err)
					}
					continue
				}
				s.judge(t, a)
				var told struct{ Sequence uint64 }
				_ = json.Unmarshal([]byte(a.body), &told)
				mu.Lock()
				sent++
				counts[a.status]++
				if told.Sequence != 0 && r.Method == http.MethodPost {
					taken[told.Sequence] = s.said
				}
				mu.Unlock()
			}
		})
	}
	group.Go(func() { // and one who does not even speak HTTP
		noise := rand.New(rand.NewPCG(whole.Uint64(), 3))
		for end.Err() == nil {
			b.mumble(t, noise)
		}
	})
	group.Wait()
	if a := b.must(past, wire(t, 0), "GET", "/readyz", ""); a.status != http.StatusOK {
		t.Errorf("afterwards the node is not ready: %v", a)
	}
	l.end(t)
	if strings.Contains(l.stderr.String(), "level=ERROR") {
		t.Errorf("the node has faults of its own:\n%s", &l.stderr)
	}
	b.audit()
	commands := 0
	for _, c := range b.replayed() {
		if c.RequestID == "" || c.User == "admin" && c.Entity == "demo" && c.Sequence < 4000 {
			continue // the clock, and the demo
		}
		commands++
		if _, ok := taken[c.Sequence]; !ok {
			t.Errorf("command %d, %s by %s, is in the log, and nobody was told so", c.Sequence, c.Type, c.User)
		}
		delete(taken, c.Sequence)
	}
	for sequence, said := range taken {
		t.Errorf("%s was told %d, which is not in the log", said, sequence)
	}
	if commands < 20 || counts[200] == 0 || counts[202] == 0 {
		t.Errorf("%d requests, of which %d were commands, say little: %v", sent, commands, counts)
	}
	t.Logf("%d requests, %d of them in the log: %v", sent, commands, counts)
}

// stranger makes requests up.
type stranger struct {
	dice *rand.Rand
	b    *box
	said string // the last one, for a message
}

func pick[T any](dice *rand.Rand, from ...T) T { return from[dice.IntN(len(from))] }

// odd is text that nobody expects.
func (s *stranger) odd() string {
	return pick(s.dice, "", "0", "1", "-1", "demo", "DEMO", "kim", "~", "*", ">", "evt.>", "a b", "../..", "%2e%2e", "\x00", "é", "쿠폰", "x.y", "null", "{}",
		strings.Repeat("a", 40), strings.Repeat("a", 41), strings.Repeat("b", 65), strings.Repeat("9", 30), "18446744073709551616", "9223372036854775807",
		"h1000", "demo-1", "abcdefgh-1", "2026-01-01T00:00:00Z", "'; drop", "<script>", "\r\nX: y", "☃", fmt.Sprint(s.dice.Int64()))
}

func (s *stranger) id() string {
	if s.dice.IntN(4) > 0 {
		return "demo"
	}
	return url.PathEscape(s.odd())
}

func (s *stranger) payment() string { return pick(s.dice, fmt.Sprint("imp_", s.dice.IntN(20)), s.id()) }

func (s *stranger) path() string {
	prefix := pick(s.dice, "/api/v1/schedules/", "/api/schedules/") + s.id()
	path := pick(s.dice,
		"/", "/app.js", "/healthz", "/readyz", "/metrics", "/openapi.json", "/api/v1/promotions", "/api/v1/promotions/"+s.id(),
		"/api/v1/promotions/"+s.id()+"/coupons", "/api/v1/schedules", prefix, prefix+"/seats", prefix+"/seats/hold", prefix+"/seats/release",
		prefix+"/seats/reserve", prefix+"/seats/summary", prefix+"/seats/my-holds", prefix+"/seats/events", prefix+"/seats/extend",
		"/api/v1/requests/"+pick(s.dice, strings.Repeat("A", 22), s.id()), "/api/v1/me/coupons", "/api/v1/me/holds", "/api/v1/me/reservations",
		"/api/v1/me/waiting", "/api/v1/me/alarms", "/api/v1/admin/stats",
		"/api/v1/admin/export/"+pick(s.dice, "coupons.csv", "seats.csv", "reservations.csv", "promotions.csv", "audit.csv", s.id()),
		"/api/v1/me/events", "/subscribe/"+s.id(), "/api/v1/admin/promotions", "/api/v1/admin/schedules", "/"+s.id(),
		"/api/v1/products", "/api/v1/products/"+s.id(), "/api/v1/admin/products", "/api/v1/admin/products/"+s.id()+pick(s.dice, "/stock", "/close"),
		"/api/v1/orders", "/api/v1/orders/prepare", "/api/v1/orders/"+s.payment(), "/api/v1/orders/"+s.payment()+"/sse", "/api/v1/me/orders",
		"/api/v1/admin/orders/"+s.payment()+"/cancel", "/api/v1/payments/webhook")
	switch s.dice.IntN(12) {
	case 0:
		path += "/"
	case 1:
		path = "/" + path
	case 2:
		path = strings.ToUpper(path)
	}
	return path
}

func (s *stranger) query() string {
	q := url.Values{}
	for range s.dice.IntN(3) {
		switch name := pick(s.dice, "limit", "cursor", "after", "wait", "sequence", "userId", "rewind", "lastEventId", "events", "lang", "at", "promotionId", "scheduleId"); name {
		case "wait": // not so long that the test is over before
			q.Set(name, pick(s.dice, "0", "100ms", "-1", "31s", "1h", "x", ""))
		case "after", "lastEventId":
			q.Set(name, pick(s.dice, "abcdefgh-1", "abcdefgh-1.2", "-", s.odd()))
		case "promotionId", "scheduleId":
			q.Set(name, pick(s.dice, "demo", s.odd()))
		default:
			q.Set(name, pick(s.dice, "1", "3000", "1000", "1001", s.odd()))
		}
	}
	text := q.Encode()
	if s.dice.IntN(20) == 0 {
		text += "&%zz;=&&"
	}
	return text
}

func (s *stranger) value(depth int) any {
	switch n := s.dice.IntN(10); {
	case n < 3:
		return s.dice.IntN(700)
	case n < 5:
		return s.odd()
	case n == 5:
		return pick[any](s.dice, nil, true, 1.5, -1, 1e300, 1<<60)
	case n < 8 && depth < 4:
		list := []any{}
		for range s.dice.IntN(5) {
			list = append(list, s.value(depth+1))
		}
		return list
	case depth < 4:
		return s.object(depth + 1)
	}
	return "x"
}

func (s *stranger) object(depth int) map[string]any {
	o := map[string]any{}
	for range s.dice.IntN(4) {
		o[pick(s.dice, "scheduleSeatIds", "holdId", "name", "stock", "perUserLimit", "title", "sections", "rows", "seats", "price", "promotionId", "scheduleId", "opensAt",
			"salePostId", "imp_uid", "merchant_uid", "count", "amount", "delta", "status", s.odd())] = s.value(depth)
	}
	return o
}

func (s *stranger) body() []byte {
	switch s.dice.IntN(8) {
	case 0:
		return nil
	case 1, 2:
		seat := 1 + s.dice.IntN(600)
		return fmt.Appendf(nil, `{"scheduleSeatIds":[%d,%d]}`, seat, seat+1)
	case 3:
		return fmt.Appendf(nil, `{"holdId":"h%d000"}`, 3+s.dice.IntN(200))
	case 4:
		return fmt.Appendf(nil, `{"name":"n","stock":%d}`, s.dice.IntN(5)-1)
	case 5:
		junk := make([]byte, s.dice.IntN(200))
		for i := range junk {
			junk[i] = byte(s.dice.Uint32())
		}
		return junk
	case 6:
		if s.dice.IntN(20) == 0 {
			return bytes.Repeat([]byte("["), 70_000)
		}
	}
	b, err := json.Marshal(s.value(0))
	if err != nil {
		panic(err)
	}
	return b
}

func (s *stranger) request(ctx context.Context) *http.Request {
	method := pick(s.dice, "GET", "GET", "GET", "POST", "POST", "POST", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY", "get")
	body := s.body()
	for {
		r, err := http.NewRequestWithContext(ctx, method, s.b.url()+s.path(), bytes.NewReader(body))
		if err != nil {
			continue // what no client can send, mumble may
		}
		if method == "GET" || method == "HEAD" {
			r.Body, r.ContentLength = http.NoBody, 0
		}
		r.URL.RawQuery = s.query()
		r.Header.Set("Content-Type", pick(s.dice, "application/json", "application/json", "application/json; charset=utf-8", "text/plain", "application/json; charset=latin1", ";;"))
		r.Header.Set("Prefer", pick(s.dice, "respond-async", "wait=1", "wait=0", "wait=-1", "wait=x, respond-async"))
		if s.dice.IntN(4) > 0 {
			r.Header.Set("X-User-Id", pick(s.dice, "kim", "lee", "admin", fmt.Sprint("u", s.dice.IntN(1000)), "a b", "~", strings.Repeat("u", 65)))
		}
		if s.dice.IntN(2) == 0 {
			r.Header.Set("Idempotency-Key", pick(s.dice, "k", fmt.Sprint(s.dice.IntN(50)), "", "a b", "é", strings.Repeat("k", 255), strings.Repeat("k", 256)))
		}
		switch s.dice.IntN(12) {
		case 0:
			r.Header.Set("Last-Event-ID", pick(s.dice, "abcdefgh-1", "é", "-", s.b.addr, strings.Repeat("9", 100)))
		case 1:
			r.Header.Set("Origin", pick(s.dice, "http://localhost:3000", "https://evil.example", "null", ""))
		case 2:
			r.Header.Set("Sec-Fetch-Site", pick(s.dice, "cross-site", "same-origin", "none", "x"))
		case 3:
			r.Header.Set("Cookie", pick(s.dice, "onsale_user=kim", "onsale_user=", "onsale_user=a b", ";;="))
		case 4:
			r.Header.Set("X-Request-Id", pick(s.dice, "mine", "a b", ""))
		case 5:
			r.Header.Set("Expect", "100-continue")
		case 6:
			r.ContentLength = -1 // in chunks
		case 7:
			r.Host = pick(s.dice, "evil.example", "")
		}
		s.said = fmt.Sprintf("%s %s %v %.200q", r.Method, r.URL.RequestURI(), r.Header, body)
		return r
	}
}

// wish is a request that makes sense, mostly.
func (s *stranger) wish(ctx context.Context) *http.Request {
	seat := 1 + s.dice.IntN(600)
	path, body := "/api/v1/promotions/demo/coupons", ""
	switch s.dice.IntN(7) {
	case 5:
		count := s.dice.IntN(3)
		path = "/api/v1/orders"
		body = fmt.Sprintf(`{"imp_uid":"imp_%d","salePostId":"demo","count":%d,"amount":%d}`, s.dice.IntN(20), count, count*25_000)
	case 6:
		path, body = "/api/v1/orders/prepare", `{"salePostId":"demo","count":1}`
	case 0:
		path, body = "/api/v1/schedules/demo/seats/hold", fmt.Sprintf(`{"scheduleSeatIds":[%d,%d]}`, seat, seat+1)
	case 1:
		path, body = "/api/schedules/demo/seats/release", fmt.Sprintf(`{"scheduleSeatIds":[%d]}`, seat)
	case 2:
		path, body = "/api/v1/schedules/demo/seats/reserve", fmt.Sprintf(`{"holdId":"h%d000"}`, 3+s.dice.IntN(300))
	case 3:
		path, body = "/api/v1/admin/promotions", fmt.Sprintf(`{"promotionId":"p%d","name":"n","stock":%d}`, s.dice.IntN(20), s.dice.IntN(5))
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.b.url()+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-User-Id", fmt.Sprint("u", s.dice.IntN(50)))
	if s.dice.IntN(2) == 0 {
		r.Header.Set("Idempotency-Key", fmt.Sprint(s.dice.IntN(50)))
	}
	r.Header.Set("Prefer", pick(s.dice, "respond-async", "wait=5", ""))
	s.said = fmt.Sprintf("%s %s %v %s", r.Method, path, r.Header, body)
	return r
}

// send wants an answer within the longest wait there is. Of a stream it takes the beginning.
func (s *stranger) send(client *http.Client, r *http.Request) (answered, error) {
	ctx, cancel := context.WithTimeout(r.Context(), 12*time.Second)
	defer cancel()
	response, err := client.Do(r.WithContext(ctx))
	if err != nil {
		return answered{}, err
	}
	defer response.Body.Close()
	a := answered{status: response.StatusCode, header: response.Header}
	if response.Header.Get("Content-Type") == "text/event-stream" {
		a.body, err = bufio.NewReader(response.Body).ReadString('\n')
		return a, err
	}
	text, err := io.ReadAll(response.Body)
	a.body = string(text)
	return a, err
}

// judge is what holds for every answer.
func (s *stranger) judge(t *testing.T, a answered) {
	switch {
	case a.status >= 500 && a.code() != "not_caught_up", a.status >= 300 && a.status < 400:
		t.Errorf("%s\ngot %v", s.said, a)
	case a.status >= 400 && strings.HasPrefix(s.said, "HEAD"):
	case a.status >= 400 && (a.header.Get("Content-Type") != "application/problem+json" || a.code() == ""):
		t.Errorf("%s\ngot %v, want a problem with a code", s.said, a)
	}
	if a.header.Get("X-Request-Id") == "" {
		t.Errorf("%s\ngot %v, want X-Request-Id", s.said, a)
	}
}

// mumble says something that is hardly HTTP, and goes away.
func (b *box) mumble(t *testing.T, dice *rand.Rand) {
	c, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	const path = "/api/v1/promotions/demo/coupons"
	said := pick(dice, "\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
		"POST "+path+" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
		"GET "+path+"\x00 HTTP/1.1\r\nHost: x\r\n\r\n", "GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n", "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT evil.example:80 HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 40<<10)+"\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	if _, err := io.WriteString(c, said); err != nil {
		return
	}
	status, err := bufio.NewReader(c).ReadString('\n')
	if strings.HasPrefix(status, "HTTP/1.1 5") && !strings.HasPrefix(status, "HTTP/1.1 50"+"1") && !strings.HasPrefix(status, "HTTP/1.1 505") {
		t.Errorf("%.100q: got %q %v", said, status, err)
	}
	if e, ok := err.(net.Error); ok && e.Timeout() && !strings.Contains(said, "ZZ") {
		t.Errorf("%.100q: there was no answer", said)
	}
}
