package sse

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/view"
	"onsale/http/view/viewtest"
)

// order reads everything that is decided.
func (f *fixture) order(impUID string) (v orderSnapshot, known bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var status orders.Status
	for _, e := range f.log {
		if e.Entity != impUID {
			continue
		}
		switch e.Body.(type) {
		case orders.Placed:
			v, known, status = orderSnapshot{user: e.User}, true, orders.StatusVerifying
		case orders.RejectedPaid:
			v, known, status = orderSnapshot{user: e.User}, true, orders.StatusRefunding
		case orders.Succeeded:
			v.resultEvent, status = e.Number, orders.StatusPaid
		case orders.Failed:
			v.resultEvent, status = e.Number, orders.StatusFailed
		case orders.Refunded:
			status = orders.StatusRefunded
		}
	}
	if known {
		v.fields = map[string]any{"imp_uid": impUID, "owner": v.user, "orderStatus": status}
	}
	return v, known, nil
}

// orderReader replaces the reading of orders.
type orderReader struct {
	*fixture
	read func(impUID string) (orderSnapshot, bool, error)
}

func (r orderReader) order(impUID string) (orderSnapshot, bool, error) { return r.read(impUID) }

func placedBy(user, impUID string) domain.Event {
	return domain.Event{Entity: impUID, User: user, Request: domain.NewRequestID(user, impUID), Last: true, Body: orders.Placed{PaymentID: impUID, Purchase: orders.Purchase{ProductID: "tee", Count: 1, Amount: 10000}}}
}

func rejectedPaidBy(user, impUID string) domain.Event {
	return domain.Event{Entity: impUID, User: user, Body: orders.RejectedPaid{Placement: orders.Placement{PaymentID: impUID, Purchase: orders.Purchase{ProductID: "tee"}}, Reason: domain.SoldOut}}
}

func paid(user, impUID string) domain.Event {
	return domain.Event{Entity: impUID, User: user, Last: true, Body: orders.Succeeded{PaymentID: impUID, Purchase: orders.Purchase{ProductID: "tee", Count: 1, Amount: 10000}}}
}

func failed(user, impUID string) domain.Event {
	return domain.Event{Entity: impUID, User: user, Last: true, Body: orders.Failed{PaymentID: impUID, Purchase: orders.Purchase{ProductID: "tee", Count: 1, Amount: 10000}, Reason: orders.ReasonOtherUser}}
}

func pendingOf(user, impUID string) domain.Event {
	return domain.Event{Entity: impUID, User: user, Last: true, Body: orders.Pending{PaymentID: impUID}}
}

func refunded(user, impUID string) domain.Event {
	return domain.Event{Entity: impUID, User: user, Last: true, Body: orders.Refunded{PaymentID: impUID, Reason: orders.ReasonCancelledByAdmin, Refunded: 10000}}
}

func rechecked(impUID string) domain.Event {
	return domain.Event{Entity: impUID, Last: true, Body: orders.Recheck{PaymentID: impUID, Attempt: 1}}
}

// serveBuffered serves clients whose buffer holds a result and the end.
func (f *fixture) serveBuffered() *server {
	s := f.serve()
	s.bufferSize = func() int { return 1000 }
	return s
}

// expectEnd checks that a retry delay follows, and the end. A drain of one stream adds up to drainSpacing to the usual delay.
func (s *stream) expectEnd(t testing.TB) {
	t.Helper()
	before := s.Retries
	if e, err := s.next(); err != io.EOF || s.Retries != before+1 || s.Retry < 2*time.Second || s.Retry > 5*time.Second+drainSpacing {
		t.Errorf("got %+v %v, retry %v; want io.EOF", e, err, s.Retry)
	}
	_ = s.Close()
}

// A stream that is opened before the order is placed carries only heartbeats until the result, and then ends.
func TestOrder_WaitsForResult(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serveBuffered()
		f.emit(issued("1"))
		began := time.Now()
		json, text := s.mustOpen(t, "/orders/imp_1?user=1", ""), s.mustOpen(t, "/orders/imp_1?user=1&data=text&lang=en", "")
		for _, st := range []*stream{json, text} {
			want := viewtest.Event{Event: "connect", Data: `{"status":"fresh","message":"SSE connected. imp_uid=imp_1","from":"` + epoch + `-1","head":"` + epoch + `-1","order":null}`, ID: epoch + "-1"}
			if e := st.mustNext(t); e != want {
				t.Errorf("got %+v, want %+v", e, want)
			}
		}
		f.emit(placedBy("1", "imp_1"), pendingOf("1", "imp_1"), rechecked("imp_1"), paid("2", "imp_2"))
		if got := f.hub.stats(); got.orders != 2 || got.fresh != 2 {
			t.Errorf("stats %+v", got)
		}
		if list := f.streamInfos(); len(list) != 2 || list[0].Topic != (Topic{TopicOrder, "imp_1"}) || list[0].Topic.Kind.String() != "order" {
			t.Errorf("the list is %+v", list)
		}
		for _, st := range []*stream{json, text} {
			if e := st.mustNext(t); e != (viewtest.Event{Event: "heartbeat", ID: epoch + "-5"}) || time.Since(began) != 25*time.Second {
				t.Errorf("got %+v after %v", e, time.Since(began))
			}
		}
		f.emit(paid("1", "imp_1"), refunded("1", "imp_1"))
		result := f.log[5].Event
		if e, want := json.mustNext(t), viewtest.Parse(string(view.Render(epoch, &result, view.Audience{Content: view.OrderResult}).Bytes)).Events[0]; e != want || e.ID != epoch+"-6" {
			t.Errorf("got %+v, want %+v", e, want)
		}
		if e := text.mustNext(t); e != (viewtest.Event{Event: "success", Data: "Your order is complete. (Payment: imp_1)", ID: epoch + "-6"}) {
			t.Errorf("got %+v", e)
		}
		json.expectEnd(t)
		text.expectEnd(t)
		synctest.Wait()
		if got := f.hub.stats(); got.orders != 0 || len(f.hub.ring.topics) == 0 {
			t.Errorf("stats %+v", got)
		}
		head := httptest.NewRecorder()
		f.handler().ServeHTTP(head, httptest.NewRequest(http.MethodHead, "/orders/imp_1", nil))
		if head.Code != 405 || head.Header().Get("Allow") != "GET" {
			t.Errorf("HEAD: %d %v", head.Code, head.Header())
		}
	})
}

// A stream that is opened after the result gets it, whatever its id, from the ring, from the journal, and on a node that has just
// started with an empty ring.
func TestOrder_RepeatsResult(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		for name, eventsAfter := range map[string]int{"in the ring": 1, "in the log": 100} {
			f := newFixture(t, Config{Ring: 10})
			s := f.serveBuffered()
			f.emit(issued("1"), placedBy("1", "imp_1"), paid("1", "imp_1"), rechecked("imp_1"), refunded("1", "imp_1"))
			f.emit(slices.Repeat([]domain.Event{issued("2")}, eventsAfter)...)
			for _, phase := range []string{"", "again"} {
				if phase != "" { // with nothing in its ring
					f.restart()
					f.hub.mu.Lock()
					f.hub.ring.restart(f.hub.ring.head)
					f.hub.mu.Unlock()
				}
				for id, status := range map[string]string{
					"": "fresh", epoch + "-0": "complete", epoch + "-2": "complete", epoch + "-3": "complete", epoch + "-5": "complete",
					"zzzzzzzz-3": "reset", "garbage": "reset",
				} {
					st := s.mustOpen(t, "/orders/imp_1?user=1&rewind=0", id)
					e := st.mustNext(t)
					if e.ID != epoch+"-2" || !strings.HasPrefix(e.Data, `{"status":"`+status+`"`) || !strings.Contains(e.Data, `"order":{"imp_uid":"imp_1","orderStatus":"REFUNDED","owner":"1"}`) ||
						strings.Contains(e.Data, `"snapshot":"/api/v1/orders/imp_1"`) != (status == "reset") {
						t.Errorf("%s %s, with id %q: got %+v", name, phase, id, e)
					}
					if e := st.mustNext(t); e.Event != "success" || e.ID != epoch+"-3" {
						t.Errorf("%s %s, with id %q: got %+v", name, phase, id, e)
					}
					st.expectEnd(t)
				}
			}
		}
	})
}

// A result that is in the store and not delivered yet is not sent, nor shown by the first frame.
func TestOrder_WaitsUntilPublished(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serveBuffered()
		f.emit(issued("1"), placedBy("1", "imp_1"))
		waiting := s.mustOpen(t, "/orders/imp_1?user=1", "")
		waiting.expectConnect(t, "fresh", epoch+"-2")
		f.decide(issued("2"), failed("1", "imp_1"))
		f.append(2)
		began := time.Now()
		never := s.mustOpen(t, "/orders/imp_1?user=1", epoch+"-2")
		never.expectEnd(t)
		if time.Since(began) != aheadTimeout {
			t.Errorf("it ended after %v", time.Since(began))
		}
		time.AfterFunc(time.Second, func() { f.deliver(2) })
		began = time.Now()
		late := s.mustOpen(t, "/orders/imp_1?user=1", epoch+"-2")
		late.expectConnect(t, "complete", epoch+"-3")
		for _, st := range []*stream{waiting, late} {
			if e := st.mustNext(t); e.Event != "failure" || e.ID != epoch+"-4" || time.Since(began) != time.Second {
				t.Errorf("got %+v after %v", e, time.Since(began))
			}
			st.expectEnd(t)
		}
	})
}

// Orders of other users are hidden, also from streams that were opened before they were placed. Without a user a stream may
// show anybody's order.
func TestOrder_HidesOtherUsers(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		for name, begin := range map[string]func(user, impUID string) domain.Event{"placed": placedBy, "kept": rejectedPaidBy} {
			f := newFixture(t, Config{})
			s := f.serveBuffered()
			otherUser, owner, anonymous := s.mustOpen(t, "/orders/imp_1?user=2", ""), s.mustOpen(t, "/orders/imp_1?user=1", ""), s.mustOpen(t, "/orders/imp_1", "")
			for _, st := range []*stream{otherUser, owner, anonymous} {
				st.expectConnect(t, "fresh", epoch+"-0")
			}
			f.emit(begin("1", "imp_1"), issued("2"))
			otherUser.expectEnd(t)
			s.mustOpen(t, "/orders/imp_1?user=2", "").expectEnd(t)
			s.mustOpen(t, "/orders/imp_1?user=2", epoch+"-0").expectEnd(t)
			f.emit(failed("1", "imp_1"))
			s.mustOpen(t, "/orders/imp_1?user=2", "").expectEnd(t)
			late := s.mustOpen(t, "/orders/imp_1", "")
			late.expectConnect(t, "fresh", epoch+"-2")
			for _, st := range []*stream{owner, anonymous, late} {
				if e := st.mustNext(t); e.Event != "failure" {
					t.Errorf("%s: got %+v", name, e)
				}
				st.expectEnd(t)
			}
		}
	})
}

// A payment whose first order failed, since it was prepared for another user, gets that user's order: the user gets its result
// and not the first one, whatever the id.
func TestOrder_FollowsReplacement(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		for _, ring := range []int{2, 100} {
			f := newFixture(t, Config{Ring: ring})
			s := f.serveBuffered()
			first := s.mustOpen(t, "/orders/imp_1?user=1", "")
			first.expectConnect(t, "fresh", epoch+"-0")
			early := s.mustOpen(t, "/orders/imp_1?user=2", "") // opened before the first order is placed
			early.expectConnect(t, "fresh", epoch+"-0")
			f.emit(placedBy("1", "imp_1"))
			early.expectEnd(t)
			f.emit(failed("1", "imp_1"))
			if e := first.mustNext(t); e.Event != "failure" {
				t.Errorf("got %+v", e)
			}
			first.expectEnd(t)
			f.emit(placedBy("2", "imp_1"))
			f.emit(slices.Repeat([]domain.Event{issued("3")}, 5)...)
			var second []*stream
			for _, id := range []string{"", epoch + "-0", epoch + "-2", epoch + "-3"} {
				for _, user := range []string{"2", ""} {
					st := s.mustOpen(t, "/orders/imp_1?user="+user, id)
					if e := st.mustNext(t); e.ID != epoch+"-8" || !strings.Contains(e.Data, "VERIFYING") {
						t.Errorf("with id %q: got %+v", id, e)
					}
					second = append(second, st)
				}
			}
			s.mustOpen(t, "/orders/imp_1?user=1", epoch+"-1").expectEnd(t) // the order is not theirs any more
			f.emit(paid("2", "imp_1"))
			for _, st := range second {
				if e := st.mustNext(t); e.Event != "success" || e.ID != epoch+"-9" {
					t.Errorf("got %+v", e)
				}
				st.expectEnd(t)
			}
		}
	})
}

// A stream without a user that finds both results of a payment in the log sends the first and ends.
func TestOrder_EndsAfterFirstResult(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{Ring: 1})
		s := f.serveBuffered()
		st := s.mustOpen(t, "/orders/imp_1", "")
		st.expectConnect(t, "fresh", epoch+"-0")
		f.emit(placedBy("1", "imp_1"), failed("1", "imp_1"), placedBy("2", "imp_1"), paid("2", "imp_1"), issued("3"), issued("3"))
		if e := st.mustNext(t); e.Event != "failure" {
			t.Errorf("got %+v", e)
		}
		st.expectEnd(t)
	})
}

// What is delivered while the order is read from the store is neither missed nor taken for the user's own.
func TestOrder_ConcurrentPublish(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			before, after []domain.Event // the reading
			want          string
		}{
			"decided":            {nil, []domain.Event{failed("1", "imp_1")}, "failure 2"},
			"just decided":       {[]domain.Event{failed("1", "imp_1")}, nil, "failure 2"},
			"replaced":           {[]domain.Event{failed("1", "imp_1"), placedBy("2", "imp_1")}, []domain.Event{paid("2", "imp_1")}, "success 4"},
			"replaced, and late": {[]domain.Event{failed("1", "imp_1"), placedBy("2", "imp_1"), paid("2", "imp_1")}, nil, "success 4"},
		} {
			for _, named := range []bool{true, false} {
				f := newFixture(t, Config{})
				s := f.serveBuffered()
				f.emit(placedBy("1", "imp_1"))
				f.hub.snapshots = orderReader{f, func(impUID string) (orderSnapshot, bool, error) {
					f.emit(c.before...)
					v, known, err := f.order(impUID)
					f.emit(c.after...)
					return v, known, err
				}}
				user := ""
				if named {
					user = map[bool]string{true: "2", false: "1"}[strings.HasPrefix(name, "replaced")]
				}
				st := s.mustOpen(t, "/orders/imp_1?user="+user, "")
				st.mustNext(t)
				if e := st.mustNext(t); e.Event+" "+strings.TrimPrefix(e.ID, epoch+"-") != c.want {
					t.Errorf("%s, to %q: got %+v, want %s", name, user, e, c.want)
				}
				st.expectEnd(t)
			}
		}
	})
}

// A result that does not fit into the socket arrives whole before the end, from the ring and from the journal, however slow the
// client is.
func TestOrder_SlowReaderGetsResult(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		for _, eventsAfter := range []int{0, 100} {
			for size := 1; size < 300; size += 23 {
				f := newFixture(t, Config{Ring: 10, WriteTimeout: 10 * time.Hour, ScheduleMaxAge: 100 * time.Hour, UserHeartbeat: 99 * time.Hour})
				s := f.serveBuffered()
				s.bufferSize = func() int { return size }
				f.emit(placedBy("1", "imp_1"), paid("1", "imp_1"), refunded("1", "imp_1"))
				f.emit(slices.Repeat([]domain.Event{issued("2")}, eventsAfter)...)
				st := s.mustOpen(t, "/orders/imp_1?user=1", "")
				st.expectConnect(t, "fresh", epoch+"-1")
				time.Sleep(2 * stallLimit) // the catch-up slot is given up by now
				began := time.Now()
				var all []byte
				b := make([]byte, 11)
				for {
					n, err := st.body.Read(b)
					if all = append(all, b[:n]...); err == io.EOF {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					time.Sleep(stallLimit)
				}
				p := viewtest.Parse(string(all))
				if len(p.Events) != 1 || p.Events[0].Event != "success" || p.LastID != epoch+"-2" || strings.Count(string(all), "event: ") != 1 {
					t.Errorf("%d events after it, %d bytes at once: got %q", eventsAfter, size, all)
				}
				if took := time.Since(began); took > time.Hour {
					t.Errorf("%d events after it, %d bytes at once: it took %v", eventsAfter, size, took)
				}
				_ = st.Close()
			}
		}
	})
}

// A stream that waits for a result while the node drains gets a retry delay, and the result from the next node.
func TestOrder_SurvivesDrain(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serveBuffered()
		f.emit(placedBy("1", "imp_1"))
		st := s.mustOpen(t, "/orders/imp_1?user=1", "")
		st.expectConnect(t, "fresh", epoch+"-1")
		ended := make(chan error)
		go func() { ended <- f.hub.Drain(context.Background(), time.Second) }()
		st.expectEnd(t)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		f.decide(paid("1", "imp_1"))
		f.append(1)
		f.deliver(1)
		f.restart()
		st = s.mustOpen(t, "/orders/imp_1?user=1", st.LastID)
		st.expectConnect(t, "complete", epoch+"-1")
		if e := st.mustNext(t); e.Event != "success" {
			t.Errorf("got %+v", e)
		}
		st.expectEnd(t)
	})
}

// The streams of an order are limited as those of a user are.
func TestOrder_IsLimited(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{MaxPerUser: 2})
		s := f.serveBuffered()
		for range 2 {
			st := s.mustOpen(t, "/orders/imp_1", "")
			st.expectConnect(t, "fresh", epoch+"-0")
			defer st.Close()
		}
		s.mustOpen(t, "/orders/imp_1", "").expectEnd(t)
		other := s.mustOpen(t, "/orders/imp_2", "")
		other.expectConnect(t, "fresh", epoch+"-0")
		_ = other.Close()
		if got := f.hub.stats(); got.rejectedUser != 1 {
			t.Errorf("stats %+v", got)
		}
	})
}

// The result and the end arrive over real sockets, and over HTTP/2.
func TestOrder_OverRealSockets(t *testing.T) {
	for _, mode := range []string{"handler", "sockets", "HTTP2"} {
		t.Run(mode, func(t *testing.T) {
			f := newFixture(t, Config{Ring: 10})
			s := httptest.NewUnstartedServer(f.handler())
			if s.EnableHTTP2 = mode == "HTTP2"; s.EnableHTTP2 {
				s.StartTLS()
			} else {
				s.Start()
			}
			defer s.Close()
			client := s.Client()
			if mode == "HTTP2" {
				transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: client.Transport.(*http.Transport).TLSClientConfig.RootCAs}, ForceAttemptHTTP2: true}
				defer transport.CloseIdleConnections()
				client = &http.Client{Transport: transport}
			}
			for i := range 20 {
				id := fmt.Sprint("imp_", i)
				f.emit(placedBy("1", id))
				if i%2 == 0 {
					f.emit(paid("1", id))
					f.emit(slices.Repeat([]domain.Event{issued("2")}, i)...)
				}
				r, err := client.Get(s.URL + "/orders/" + id + "?user=1&data=text&lang=en")
				if err != nil {
					t.Fatal(err)
				}
				if i%2 == 1 {
					f.emit(paid("1", id))
				}
				all, err := io.ReadAll(r.Body)
				_ = r.Body.Close()
				want := regexp.MustCompile(`\n\nevent: success\ndata: Your order is complete. \(Payment: ` + id + `\)\nid: ` + epoch + `-\d+\n\nretry: [2-5]\d{3}\n$`)
				if err != nil || !want.Match(all) || (r.ProtoMajor == 2) != (mode == "HTTP2") {
					t.Errorf("%s: got %q %v", r.Proto, all, err)
				}
			}
			f.waitFor(t, "all are gone", func(s stats) bool { return s.orders == 0 })
		})
	}
}
