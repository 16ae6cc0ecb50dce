package http

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/http/client"
	"onsale/http/payments/portone"
	"onsale/projections"
	"onsale/projections/store"
	"onsale/streams"
)

// stubProjector is a projector with an empty store.
type stubProjector struct{}

func (stubProjector) LastOfEntity(string, string) uint64          { return 0 }
func (stubProjector) Status() projections.Status                  { return projections.Status{CaughtUp: true} }
func (stubProjector) WaitConfirmed(context.Context, uint64) error { return context.DeadlineExceeded }
func (stubProjector) WaitDecided(context.Context, uint64) error   { return nil }
func (stubProjector) Barrier(context.Context) error               { return nil }
func (stubProjector) Accepted(context.Context, uint64) (bool, error) {
	return true, nil
}
func (stubProjector) OutcomeOf(domain.RequestID) (o domain.Event, _ bool, _ error) {
	return o, false, nil
}
func (stubProjector) QueueEstimate(uint64) (t projections.QueueEstimate, _ bool) { return t, false }
func (stubProjector) MayRefuse(string) bool                                      { return false }
func (stubProjector) Refusal(string, string, domain.RequestID, domain.Time) (r coupons.Refusal, _ bool) {
	return r, false
}
func (stubProjector) Read(string, func(*store.View) error) error           { return nil }
func (stubProjector) Stats(context.Context) (s projections.Stats, _ error) { return s, nil }
func (stubProjector) ExportPromotions() iter.Seq2[coupons.Promotion, error] {
	return emptySeq[coupons.Promotion]
}
func (stubProjector) ExportCoupons(string) iter.Seq2[store.OwnedCoupon, error] {
	return emptySeq[store.OwnedCoupon]
}
func (stubProjector) ExportSeats(string) iter.Seq2[store.OwnedSeat, error] {
	return emptySeq[store.OwnedSeat]
}
func (stubProjector) ExportReservations() iter.Seq2[store.OwnedReservation, error] {
	return emptySeq[store.OwnedReservation]
}
func (stubProjector) ExportProducts() iter.Seq2[orders.Product, error] {
	return emptySeq[orders.Product]
}
func (stubProjector) ExportOrders() iter.Seq2[orders.Order, error] { return emptySeq[orders.Order] }
func (stubProjector) ExportAuditLog() iter.Seq2[store.AdminAction, error] {
	return emptySeq[store.AdminAction]
}
func (stubProjector) Await(context.Context, domain.RequestID, uint64) (domain.Event, error) {
	return domain.Event{}, context.DeadlineExceeded
}

func emptySeq[T any](func(T, error) bool) {}

// stubServer discards the commands that are appended after calling check.
func stubServer(check func(domain.Command)) *Server {
	var sequence atomic.Uint64
	return New(Config{
		Append: func(_ context.Context, c domain.Command) (uint64, error) {
			check(c)
			return sequence.Add(domain.SequencesPerMessage), nil
		},
		Projector: stubProjector{}, Payments: testPayments(new(portone.V1).ParseWebhook, nil), Epoch: testEpoch,
		Streams: stubStreams{}, EventTypes: streams.EventTypes(),
	})
}

func bodyType(c domain.Command) string {
	name, _ := c.Body.Type()
	return name
}

// Every body is refused with a 4xx, or the appended command is valid.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{"scheduleSeatIds":[1,2]}`, `{"holdId":"h1000"}`, `{"holdId":7,"scheduleSeatIds":[1]}`, `{"name":"n","stock":1}`,
		`{"title":"t","sections":[{"name":"A","price":5,"rows":[{"name":"1","seats":20}]}]}`, `{"a":{"a":[[[[]]]]}}`, `{} {}`,
		`{"bestAvailable":{"count":2,"section":"A"}}`, `{"holdId":"h1","release":[1],"take":[2]}`, `{"delta":-1,"reason":"r"}`,
		`{"returnStock":false}`, `{"quantity":2}`, `{"userId":7,"message":"m"}`,
		`{"salePostId":"p","count":2}`, `{"imp_uid":1,"salePostId":"p","count":1,"amount":-5}`, `{"name":"n","price":5,"stock":1}`,
		`{"scheduleSeatIds":[1],"reason":"r"}`,
		`{"scheduleSeatIds":[1,2`, "\xff", `null`, `[`, strings.Repeat(`[`, 1000), `{"name":"\ud800","stock":1e3}`,
	} {
		f.Add([]byte(seed))
	}
	paths := []string{
		"/api/v1/promotions/p/coupons", "/api/v1/schedules/s/seats/hold", "/api/schedules/s/seats/release",
		"/api/v1/schedules/s/seats/reserve", "/api/v1/schedules/s/seats/extend", "/api/v1/schedules/s/seats/swap",
		"/api/v1/promotions/p/waiting", "/api/v1/schedules/s/waiting", "/api/v1/waiting/p-wc7/accept", "/api/v1/waiting/s-ws7/leave",
		"/api/v1/coupons/p-1/use", "/api/v1/reservations/s-r1/cancel", "/api/v1/me/alarms/a1/read", "/api/v1/me/alarms-read",
		"/api/v1/admin/promotions", "/api/v1/admin/promotions/p/stock", "/api/v1/admin/promotions/p/pause",
		"/api/v1/admin/promotions/p/resume", "/api/v1/admin/promotions/p/close", "/api/v1/admin/coupons/p-1/revoke",
		"/api/v1/admin/schedules", "/api/v1/admin/schedules/s/block", "/api/v1/admin/schedules/s/unblock",
		"/api/v1/admin/schedules/s/release", "/api/v1/admin/schedules/s/close", "/api/v1/admin/alarms",
		"/api/v1/orders/prepare", "/api/v1/orders", "/api/v1/admin/products", "/api/v1/admin/products/p/stock",
		"/api/v1/admin/products/p/close", "/api/v1/admin/orders/imp_1/cancel",
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		appended := 0
		s := stubServer(func(c domain.Command) {
			appended++
			if body, ok := c.Body.(validatedBody); ok && body.Check() != nil {
				t.Errorf("%+v was appended: %v", body, body.Check())
			}
			if domain.CheckID(c.Entity) != nil || len(c.Entity) > maxEntityID && !slices.Contains([]string{"alarms", "orders"}, domain.Kind(bodyType(c))) {
				t.Errorf("entity %q was appended", c.Entity)
			}
		})
		for _, path := range paths {
			before := appended
			r := httptest.NewRequest("POST", path, bytes.NewReader(body))
			r.Header.Set("X-User-Id", "kim")
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if ok := w.Code == 202; ok != (appended == before+1) || !ok && (w.Code < 400 || w.Code >= 500) {
				t.Errorf("%s: %d after %d appends: %s", path, w.Code, appended-before, w.Body)
			}
		}
	})
}

// Every Prefer header gives a valid wait.
func FuzzPrefer(f *testing.F) {
	for _, seed := range []string{"respond-async", "wait=10", `wait="3", respond-async`, "WAIT = 7;x=y", "wait=-1", "wait=99999999999999999999", "wait=", ",,;="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, prefer string) {
		for _, fallback := range []time.Duration{noWait, defaultWait} {
			if got := parsePrefer([]string{prefer}).waitOr(fallback); got < 0 || got > maxWait || got%time.Second != 0 {
				t.Errorf("%q: got %s", prefer, got)
			}
		}
	})
}

// A key is the same in quotes and without, and no text becomes a key that could not be sent without.
func FuzzIdempotencyKey(f *testing.F) {
	for _, seed := range []string{"k", `"k"`, `"a\"b"`, `"`, `""`, `"\"`, "8e03978e-40d5", `"a"b"`, "two words", "\x00", "한"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		key := unquoteKey(sent)
		if validKey(sent) && !validKey(key) && sent != `""` {
			t.Errorf("%q becomes %q", sent, key)
		}
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(sent) + `"`
		if got := unquoteKey(quoted); got != sent {
			t.Errorf("%q in quotes becomes %q", sent, got)
		}
	})
}

// Every header that a page or a map is chosen by is read without harm.
func FuzzNegotiation(f *testing.F) {
	f.Add("text/html,*/*;q=0.8", "ko-KR,ko;q=0.9,en;q=0.8", `W/"k3v9x2ab-1", "x"`, "gzip;q=1")
	f.Add(",,;;", "-;", `"`, "*")
	f.Fuzz(func(t *testing.T, accept, language, match, coding string) {
		r := httptest.NewRequest("GET", "/problems/sold_out", nil)
		r.Header = http.Header{"Accept": {accept}, "Accept-Language": {language}, "Accept-Encoding": {coding}}
		accepts(r, "text/html")
		prefersKorean(r)
		acceptsGzip(r)
		const tag = `W/"k3v9x2ab-1"`
		if matchesTag([]string{match}, tag) && !strings.Contains(match, `"k3v9x2ab-1"`) && !strings.Contains(match, "*") {
			t.Errorf("%q matches", match)
		}
	})
}

func TestPrefer_Parses(t *testing.T) {
	for prefer, want := range map[string]time.Duration{
		"":                            defaultWait,
		"respond-async":               0,
		"Respond-Async; foo=bar":      0,
		"wait=0":                      0,
		"wait=10":                     10 * time.Second,
		`wait="10"`:                   10 * time.Second,
		"wait = 10":                   10 * time.Second,
		"respond-async, wait=10":      10 * time.Second,
		"wait=10, wait=2":             10 * time.Second,
		"wait=31":                     maxWait,
		"wait=9999999999999999999999": maxWait,
		"wait=-1":                     defaultWait,
		"wait=1.5":                    defaultWait,
		"wait":                        defaultWait,
		`wait="1`:                     defaultWait,
		"return=minimal, handling":    defaultWait,
	} {
		if got := parsePrefer([]string{prefer}).waitOr(defaultWait); got != want {
			t.Errorf("%q: got %s, want %s", prefer, got, want)
		}
	}
}

// Every identity is an id, anonymous, or a 400.
func FuzzIdentity(f *testing.F) {
	f.Add("kim", "onsale_user=lee", "userId=park")
	f.Add("", "onsale_user=\"lee\"; x=y", "userId=%zz")
	f.Add("a b", "", "")
	s := stubServer(nil)
	f.Fuzz(func(t *testing.T, header, cookie, query string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["X-User-Id"], r.Header["Cookie"] = []string{header}, []string{cookie}
		r.URL.RawQuery = query
		who, err := s.admit(r, visitors, false)
		if err != nil {
			if p := problemOf(err); p.Status != 400 || p.Code != invalidID || p.Field == "" {
				t.Errorf("got %+v", p)
			}
		} else if who.User != "" && domain.CheckID(who.User) != nil {
			t.Errorf("got %q", who.User)
		}
	})
}

// Every ?after= gives a response that is not an internal error.
func FuzzAfter(f *testing.F) {
	for _, seed := range []string{testEpoch + "-1", testEpoch + "-1.2", "zzzzzzzz-1", "", "-", testEpoch + "-18446744073709551616"} {
		f.Add(seed)
	}
	s := stubServer(func(domain.Command) {})
	f.Fuzz(func(t *testing.T, after string) {
		err := s.waitForPosition(t.Context(), map[string][]string{"after": {after}})
		switch p := problemOf(err); p.Code {
		case invalidPosition, epochChanged, notCaughtUp:
		default:
			t.Errorf("%q: got %+v", after, p)
		}
	})
}

// Every query of a read gives a response that is not an internal error.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"limit=1&cursor=MQ", "limit=0", "cursor=%zz", "cursor=MTg0NDY3NDQwNzM3MDk1NTE2MTU", "promotionId=p", "scheduleId=s", "salePostId=p", "promotionId=&scheduleId=",
		"userId=kim&lang=en", "userId=%00", "at=1", "sequence=1000", "sequence=-1", ";", "limit=1001&limit=1",
	} {
		f.Add(seed)
	}
	fx := newFixture(f)
	seedPromotion(f, fx, "p", 10)
	seedSchedule(f, fx, 4)
	wait := defaultWait
	must(fx.client("kim").Issue(f.Context(), "p", client.Options{Wait: &wait}))(f)
	must(fx.client("kim").Hold(f.Context(), "s", []int{1}, client.Options{}))(f)
	must(fx.client("").Command(f.Context(), "/api/v1/admin/products", map[string]any{"salePostId": "p", "name": "n", "price": 1, "stock": 1}, client.Options{}))(f)
	must(fx.client("kim").Order(f.Context(), "imp_1", "p", 1, 1, client.Options{Wait: &wait}))(f)
	f.Fuzz(func(t *testing.T, query string) {
		if values, _ := url.ParseQuery(query); values.Has("after") || values.Has("wait") {
			t.Skip("it would wait; see FuzzAfter")
		}
		for _, path := range []string{
			"/api/v1/promotions", "/api/v1/schedules", "/api/v1/schedules/s/seats", "/api/schedules/s/seats/summary", "/api/v1/schedules/s/seats/my-holds",
			"/api/v1/requests/AAAAAAAAAAAAAAAAAAAAAA", "/api/v1/me/coupons", "/api/v1/me/holds", "/api/v1/me/reservations", "/api/v1/me/waiting",
			"/api/v1/me/alarms", "/api/v1/me/orders", "/api/v1/products", "/api/v1/orders/imp_1", "/api/v1/admin/stats",
			"/api/v1/admin/export/orders.csv", "/api/v1/admin/export/coupons.csv", "/api/v1/admin/export/seats.csv",
			"/api/v1/admin/export/reservations.csv", "/api/v1/admin/export/promotions.csv", "/api/v1/admin/export/audit.csv",
		} {
			r := httptest.NewRequest("GET", path, nil)
			r.URL.RawQuery = query
			response := httptest.NewRecorder()
			fx.ServeHTTP(response, r)
			problem := response.Header().Get("Content-Type") == problemType[0]
			if response.Code >= 500 || problem != (response.Code >= 400) {
				t.Errorf("%s?%s: %d %s", path, query, response.Code, response.Body)
			}
		}
	})
}

// No method and path gives a redirect or an internal error.
// Whatever a client wants of the feed, it gets a filter of types that exist and of ids, or a problem with a field.
func FuzzFeed(f *testing.F) {
	f.Add("type=seats.*,orders.succeeded&entity=1&wait=10s", "application/x-ndjson")
	f.Add("type=seats.%3E&type=*", "text/event-stream;q=0, application/cloudevents+json;charset=\"utf-8\"")
	s := stubServer(func(domain.Command) {})
	valid := regexp.MustCompile(`^$|^([a-z]+\.(\*|[a-z-]+),?)+$`)
	f.Fuzz(func(t *testing.T, query, accept string) {
		feedFormat([]string{accept})
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		filter, err := s.feedFilter(values)
		if p, ok := errors.AsType[*problem](err); ok && p.Code == invalidParameter && (p.Field == "type" || p.Field == "entity") {
			return
		}
		if err != nil || !valid.MatchString(filter.Types) || strings.HasSuffix(filter.Types, ",") || strings.ContainsAny(filter.Types+filter.Entities, " \r\n") {
			t.Errorf("%q became %+v %v", query, filter, err)
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/", "//", "/api/v1/promotions/", "/api/v1/schedules//seats/", "*", "", "/api/v1/promotions/../promotions", "/subscribe/%2e"} {
		f.Add("GET", seed)
		f.Add("POST", seed)
	}
	s := stubServer(func(domain.Command) {})
	f.Fuzz(func(t *testing.T, method, path string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Method, r.URL.Path = method, path
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code >= 300 && w.Code < 400 || w.Code >= 500 {
			t.Errorf("%s %q: %d %s", method, path, w.Code, w.Body)
		}
		if w.Header().Get("X-Request-Id") == "" {
			t.Errorf("%s %q: no X-Request-Id", method, path)
		}
	})
}

// Every file is refused with a 4xx and nothing of it is appended, or all of it is appended and valid.
func FuzzImport(f *testing.F) {
	for _, seed := range []string{
		sampleCSV, sampleJSON, `{"scheduleId":"s"}`, "[[", `[{},{}]`, "scheduleId,title,section,price,row,seats\ns,t,A,1,1,1\ns,,B,,2,\n",
		"sep=;\nscheduleId;title;section;price;row;seats;;\ns;t;=A;1;1-1;1\n;;\ns;;A-1;2;'-1\n", "\ufeff[{}]",
		"scheduleId\n\"", "row,seats\n1,1\n", "[1,", "{}{}", "\xef\xbb\xbf",
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, file []byte, isCSV bool) {
		appended := 0
		s := stubServer(func(c domain.Command) {
			appended++
			if body := c.Body.(validatedBody); body.Check() != nil || domain.CheckID(c.Entity) != nil || len(c.Entity) > maxEntityID {
				t.Errorf("%q %+v was appended: %v", c.Entity, body, body.Check())
			}
		})
		r := httptest.NewRequest("POST", "/api/v1/admin/imports/schedules", bytes.NewReader(file))
		r.Header.Set("Content-Type", "application/json")
		if isCSV {
			r.Header.Set("Content-Type", "text/csv")
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if accepted := strings.Count(w.Body.String(), `"status":"ACCEPTED"`); accepted != appended || w.Code != 200 && (w.Code < 400 || w.Code >= 500 || appended > 0) {
			t.Errorf("%d after %d appends: %s", w.Code, appended, w.Body)
		}
	})
}

// splitID is the reverse of how ids are generated, and gives a valid entity for every id.
func FuzzSplitID(f *testing.F) {
	f.Add("p", uint64(1))
	f.Add("p-1-r2-ws3", uint64(1<<40))
	f.Add("-wc7", uint64(0))
	f.Fuzz(func(t *testing.T, id string, n uint64) {
		if domain.CheckID(id) != nil {
			return
		}
		n = n>>1 | 1 // from 1 on, as far as an int goes
		for separator, generated := range map[string]string{
			"-": coupons.CouponID(id, int(n)), "-wc": coupons.WaitingID(id, n), "-ws": seats.WaitingID(id, n), "-r": seats.ReservationID(id, n),
		} {
			if entity, number := splitID(generated, separator); entity != id || uint64(number) != n {
				t.Errorf("%q: got %q, %d", generated, entity, number)
			}
			if entity, _ := splitID(id, separator); domain.CheckID(entity) != nil {
				t.Errorf("%q: got %q", id, entity)
			}
		}
	})
}
