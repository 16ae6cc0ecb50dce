package http

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/http/auth"
	"onsale/http/client"
	"onsale/http/sse"
	"onsale/projections"
)

var _ Projector = (*projections.Projector)(nil)

func TestCodes_MatchContract(t *testing.T) {
	groups := map[int]string{
		400: "invalid_body invalid_id invalid_parameter invalid_idempotency_key invalid_position",
		401: "unauthenticated",
		403: "not_owner forbidden",
		404: `not_found request_not_found promotion_not_found coupon_not_found schedule_not_found seat_not_found hold_not_found
			reservation_not_found waiting_not_found product_not_found order_not_found alarm_not_found`,
		405: "method_not_allowed",
		413: "body_too_large",
		415: "unsupported_media_type",
		422: "request_id_reused",
		429: "backlog_full rate_limited",
		500: "internal",
		503: "outcome_unknown not_caught_up log_full halted",
		409: `epoch_changed sold_out already_issued user_limit_exceeded not_open closed paused already_used revoked
			seat_unavailable seat_limit_exceeded no_adjacent_seats orphan_seat too_many_seats hold_expired extend_limit_exceeded
			already_cancelled already_waiting offer_expired no_offer product_closed product_exists invalid_count amount_mismatch
			payment_already_used too_many_open_orders payments_not_configured promotion_exists stock_below_issued schedule_exists
			payment_required payment_not_required hold_in_order paid_seats cancel_closed coupon_not_applicable coupon_in_order`,
	}
	known := 0
	for status, group := range groups {
		for code := range strings.FieldsSeq(group) {
			known++
			row, ok := codes[code]
			if !ok || row.status != status || row.title == "" {
				t.Errorf("%s: got %+v, want status %d and a title", code, row, status)
			}
			if retryable := status == 429 || status == 503; retryable != (row.retryAfter > 0) {
				t.Errorf("%s: Retry-After %d", code, row.retryAfter)
			}
		}
	}
	if known != len(codes) {
		t.Errorf("the table has %d codes, this test knows %d", len(codes), known)
	}
	for code, status := range map[string]int{"ticket_not_found": 404, "too_late": 409} {
		if p := problemf(code, ""); p.Status != status || p.Title == "" {
			t.Errorf("%s: got %+v", code, p)
		}
	}
}

func TestProblem_HidesUnexpectedErrors(t *testing.T) {
	p := problemOf(errors.New("password=secret"))
	if p.Status != 500 || p.Code != domain.Internal || strings.Contains(p.Error()+p.Detail+p.Title, "secret") {
		t.Errorf("got %+v", p)
	}
}

func TestOutcome_AnswersDeadLetterWithInternal(t *testing.T) {
	s := &Server{Config: Config{Epoch: testEpoch}}
	o := domain.Event{Sequence: 7000, Number: 5, Body: domain.DeadLetter{Reason: domain.DeadLetterPanicked}}
	err := s.respondOutcome(httptest.NewRecorder(), &o)
	if p := problemOf(err); p.Status != 500 || p.Code != domain.Internal || p.Sequence != 7000 || p.EventID != testEpoch+"-5" {
		t.Errorf("got %+v", p)
	}
	if view := s.viewRequest(&o); view.Status != "REJECTED" || view.Code != domain.Internal {
		t.Errorf("got %+v", view)
	}
}

func TestConsistency_ReportsNotCaughtUp(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p := problemOf(f.waitForPosition(ctx, map[string][]string{"after": {testEpoch + "-9"}})); p.Code != notCaughtUp {
		t.Errorf("got %+v", p)
	}
	_, _, err := f.findOutcome(ctx, auth.Identity{User: "kim"}, domain.NewRequestID("kim", "k"), 0, 0)
	if p := problemOf(err); p.Code != requestNotFound && p.Code != notCaughtUp {
		t.Errorf("got %+v", p)
	}
}

// A request that another node has accepted is never reported as not found, however late it arrives here and whatever a server says
// of the end of COMMANDS.
func TestConsistency_FindsRequestsOfOtherNodes(t *testing.T) {
	f := newFixture(t)
	f.log.update(func() { f.log.deliveryPaused = true })
	kim := domain.Command{Entity: "demo", User: "kim", Request: domain.NewRequestID("kim", "k"), Body: coupons.Issue{}}
	if _, err := f.log.Append(t.Context(), kim); err != nil { // as another node does
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, _, err := f.findOutcome(short, auth.Identity{User: "kim"}, kim.Request, 0, 0); problemOf(err).Code != notCaughtUp {
		t.Errorf("before it arrives: got %v, want %s", err, notCaughtUp)
	}
	f.log.update(func() { f.log.deliveryPaused = false })
	if o, _, err := f.findOutcome(t.Context(), auth.Identity{User: "kim"}, kim.Request, 0, 0); err != nil || o == nil || o.Request != kim.Request {
		t.Errorf("after that: got %v %v, want its outcome", o, err)
	}
	if _, _, err := f.findOutcome(t.Context(), auth.Identity{User: "kim"}, domain.NewRequestID("kim", "never"), 0, 0); problemOf(err).Code != requestNotFound {
		t.Errorf("never accepted: got %v, want %s", err, requestNotFound)
	}
	f.log.update(func() { f.log.appendErr = domain.ErrNoAck })
	if _, _, err := f.findOutcome(t.Context(), auth.Identity{User: "kim"}, domain.NewRequestID("kim", "never"), 0, 0); problemOf(err).Code != notCaughtUp {
		t.Errorf("with a log that does not answer: got %v, want %s", err, notCaughtUp)
	}
}

func TestClient_RunsSession(t *testing.T) {
	f := newFixture(t)
	schedule := map[string]any{"scheduleId": "s", "title": "t", "sections": []any{
		map[string]any{"name": "A", "price": 10, "rows": []any{map[string]any{"name": "1", "seats": 4}}},
	}}
	kim := f.client("kim")
	if a := must(kim.Command(t.Context(), "/api/v1/admin/schedules", schedule, client.Options{}))(t); a.Status != "SUCCEEDED" {
		t.Fatalf("got %+v", a)
	}
	held := must(kim.Hold(t.Context(), "s", []int{1, 2}, client.Options{Key: "h"}))(t)
	if held.HTTPStatus != 201 || held.Status != "SUCCEEDED" || held.Sequence != 2000 {
		t.Errorf("got %+v", held)
	}
	if replay := must(kim.Hold(t.Context(), "s", []int{1, 2}, client.Options{Key: "h"}))(t); !replay.Replayed {
		t.Errorf("got %+v", replay)
	}
	if rejected := must(f.client("lee").Hold(t.Context(), "s", []int{2, 3}, client.Options{}))(t); rejected.Status != "REJECTED" || rejected.Code != domain.SeatUnavailable || !strings.Contains(string(rejected.Body), `"scheduleSeatIds":[2]`) {
		t.Errorf("got %+v", rejected)
	}
	if found := must(kim.RequestStatus(t.Context(), held.RequestID, 0, 0))(t); found.Status != "SUCCEEDED" || found.EventID != held.EventID {
		t.Errorf("got %+v", found)
	}
	if a := must(kim.Reserve(t.Context(), "s", "h2000", client.Options{}))(t); a.HTTPStatus != 201 {
		t.Errorf("got %+v", a)
	}
	if a := must(kim.Release(t.Context(), "s", "h2000", client.Options{}))(t); a.HTTPStatus != 200 {
		t.Errorf("got %+v", a)
	}
	var counts seatCounts
	if err := kim.Get(t.Context(), "/api/v1/schedules/s/seats/summary", &counts); err != nil || counts.Reserved != 2 {
		t.Errorf("got %+v, %v", counts, err)
	}
	if err := kim.Get(t.Context(), "/api/v1/schedules/none", &counts); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v", err)
	}
}

type panickingStreams struct{ stubStreams }

func (panickingStreams) User(w http.ResponseWriter, _ *http.Request, _ auth.Identity, _ string) {
	_, _ = io.WriteString(w, "event: connect\n")
	_ = http.NewResponseController(w).Flush()
	panic("secret")
}

func TestStream_AbortsOnPanic(t *testing.T) {
	f := newFixture(t)
	f.Streams = panickingStreams{}
	response, err := http.Get(f.url + "/subscribe/kim")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err == nil || string(body) != "event: connect\n" {
		t.Errorf("got %q, %v", body, err)
	}
}

func TestBody_RejectsTruncated(t *testing.T) {
	f := newFixture(t)
	c, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "POST /api/v1/promotions/p/coupons HTTP/1.1\r\nHost: x\r\nX-User-Id: kim\r\nContent-Length: 9\r\n\r\n{")
	_ = c.(*net.TCPConn).CloseWrite()
	response, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(response), "HTTP/1.1 400 ") || !strings.Contains(string(response), `"field":"$"`) {
		t.Errorf("got %q, %v", response, err)
	}
	if f.log.appended() != 0 {
		t.Error("it was appended")
	}
}

func TestServer_ShutsDownCleanly(t *testing.T) {
	f := newFixture(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- f.Serve(l, f) }()
	c := client.Client{URL: "http://" + l.Addr().String(), HTTP: &http.Client{Timeout: 5 * time.Second}}
	if err := c.Get(t.Context(), "/healthz", new(any)); err != nil {
		t.Error(err)
	}
	if err := f.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestDebugStreams_ListsFarthestBehindFirst(t *testing.T) {
	s := stubServer(nil)
	get := func(query string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", "/debug/streams"+query, nil))
		return w
	}
	s.Streams = stubStreams{[]sse.StreamInfo{
		{Topic: sse.Topic{Kind: sse.TopicUser, ID: "kim"}, Cursor: 17, Age: 90 * time.Second, State: "live"},
		{Topic: sse.Topic{Kind: sse.TopicSchedule, ID: "s"}, Cursor: 5, Lag: 12, Age: 1500 * time.Millisecond, State: "catching up"},
	}}
	var got streamList
	w := get("")
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || got.Total != 2 || len(got.Items) != 2 {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if want := (streamView{"schedule", "s", testEpoch + "-5", 12, 1.5, "catching up"}); got.Items[0] != want {
		t.Errorf("got %+v, want %+v", got.Items[0], want)
	}
	if w := get("?format=text"); !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") ||
		!strings.HasSuffix(w.Body.String(), "user      kim  k3v9x2ab-17  0    1m30s  live\n2 of 2 streams\n") {
		t.Errorf("got %s", w.Body)
	}
	if w := get("?limit=1&format=json"); !strings.HasPrefix(w.Body.String(), `{"total":2,"items":[{"kind":"schedule"`) || strings.Contains(w.Body.String(), "kim") {
		t.Errorf("got %s", w.Body)
	}
	for _, query := range []string{"?limit=0", "?format=xml"} {
		if w := get(query); w.Code != 400 || !strings.Contains(w.Body.String(), invalidParameter) {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	s.Streams = stubStreams{}
	if w := get(""); w.Body.String() != `{"total":0,"items":[]}` {
		t.Errorf("got %s", w.Body)
	}
}
