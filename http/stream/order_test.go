package stream

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
)

// order is how one stands in the store, which knows what is decided.
func (w *world) order(impUID string) (v OrderView, known bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var status orders.Status
	for _, e := range w.log {
		if e.Entity != impUID {
			continue
		}
		switch e.Body.(type) {
		case orders.Placed:
			v, known, status = OrderView{Owner: e.User}, true, orders.Verifying
		case orders.Kept:
			v, known, status = OrderView{Owner: e.User}, true, orders.Refunding
		case orders.Succeeded:
			v.Verdict, status = e.Number, orders.Paid
		case orders.Unsuccessful:
			v.Verdict, status = e.Number, orders.Failed
		case orders.GivenBack:
			status = orders.Refunded
		}
	}
	if known {
		v.Order = map[string]any{"imp_uid": impUID, "owner": v.Owner, "orderStatus": status}
	}
	return v, known, nil
}

func placedBy(user, impUID string) domain.Event {
	return domain.Event{Entity: impUID, User: user, Request: domain.NewRequestID(user, impUID), Last: true, Body: orders.Placed{ImpUID: impUID, SalePostID: "tee", Count: 1, Amount: 10000}}
}

func keptFor(user, impUID string) domain.Event {
	return domain.Event{Entity: impUID, User: user, Body: orders.Kept{Placed: orders.Placed{ImpUID: impUID, SalePostID: "tee"}, Reason: domain.SoldOut}}
}

func paid(user, impUID string) domain.Event {
	return domain.Event{Entity: impUID, User: user, Last: true, Body: orders.Succeeded{ImpUID: impUID, SalePostID: "tee", Count: 1, Amount: 10000}}
}

func failed(user, impUID string) domain.Event {
	return domain.Event{Entity: impUID, User: user, Last: true, Body: orders.Unsuccessful{ImpUID: impUID, SalePostID: "tee", Count: 1, Amount: 10000, Reason: orders.ReasonOfAnother}}
}

func pendingOf(user, impUID string) domain.Event {
	return domain.Event{Entity: impUID, User: user, Last: true, Body: orders.Pending{ImpUID: impUID}}
}

func refunded(user, impUID string) domain.Event {
	return domain.Event{Entity: impUID, User: user, Last: true, Body: orders.GivenBack{ImpUID: impUID, Reason: orders.ReasonShop, Refunded: 10000}}
}

func rechecked(impUID string) domain.Event {
	return domain.Event{Entity: impUID, Last: true, Body: orders.Recheck{ImpUID: impUID, Round: 1}}
}

// roomy serves to clients who have room for a verdict and for the end.
func (w *world) roomy() *server {
	s := w.serve()
	s.size = func() int { return 1000 }
	return s
}

// ends checks that the stream says when to come back, and nothing else, and is over.
func (s *stream) ends(t testing.TB) {
	t.Helper()
	before := s.Retries
	if e, err := s.next(); err != io.EOF || s.Retries != before+1 || s.Retry < 2*time.Second || s.Retry > 5*time.Second {
		t.Errorf("got %+v %v, retry %v; want the end", e, err, s.Retry)
	}
	_ = s.Close()
}

// One that waits for an order from before it was placed hears nothing but heartbeats until it is decided, and then the end.
func TestOrder(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		s := w.roomy()
		w.happen(issued("1"))
		began := time.Now()
		json, text := s.mustOpen(t, "/orders/imp_1?asker=1", ""), s.mustOpen(t, "/orders/imp_1?asker=1&data=text&lang=en", "")
		for _, st := range []*stream{json, text} {
			want := received{"connect", `{"status":"fresh","message":"SSE connected. imp_uid=imp_1","from":"` + epoch + `-1","head":"` + epoch + `-1","order":null}`, epoch + "-1"}
			if e := st.mustNext(t); e != want {
				t.Errorf("got %+v, want %+v", e, want)
			}
		}
		w.happen(placedBy("1", "imp_1"), pendingOf("1", "imp_1"), rechecked("imp_1"), paid("2", "imp_2"))
		if got := w.hub.Stats(); got.Orders != 2 || got.Fresh != 2 {
			t.Errorf("stats %+v", got)
		}
		if list := w.listed(); len(list) != 2 || list[0].Key != (Key{OfOrder, "imp_1"}) || list[0].Key.Kind.String() != "order" {
			t.Errorf("listed are %+v", list)
		}
		for _, st := range []*stream{json, text} {
			if e := st.mustNext(t); e != (received{"heartbeat", "", epoch + "-5"}) || time.Since(began) != 25*time.Second {
				t.Errorf("got %+v after %v", e, time.Since(began))
			}
		}
		w.happen(paid("1", "imp_1"), refunded("1", "imp_1"))
		verdict := w.log[5].Event
		if e, want := json.mustNext(t), parse(string(render(epoch, &verdict, orderKorean).bytes)).Events[0]; e != want || e.ID != epoch+"-6" {
			t.Errorf("got %+v, want %+v", e, want)
		}
		if e := text.mustNext(t); e != (received{"success", "Your order is complete. (Payment: imp_1)", epoch + "-6"}) {
			t.Errorf("got %+v", e)
		}
		json.ends(t)
		text.ends(t)
		synctest.Wait()
		if got := w.hub.Stats(); got.Orders != 0 || len(w.hub.ring.topics) == 0 {
			t.Errorf("stats %+v", got)
		}
		head := httptest.NewRecorder()
		w.handler().ServeHTTP(head, httptest.NewRequest(http.MethodHead, "/orders/imp_1", nil))
		if head.Code != 405 || head.Header().Get("Allow") != "GET" {
			t.Errorf("HEAD: %d %v", head.Code, head.Header())
		}
	})
}

// The verdict is told to who comes after it, with whatever id, wherever it lies: in the ring, in the log, in what a node
// that has just begun has read of neither.
func TestOrder_late(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		for name, away := range map[string]int{"in the ring": 1, "in the log": 100} {
			w := newWorld(t, Config{Ring: 10})
			s := w.roomy()
			w.happen(issued("1"), placedBy("1", "imp_1"), paid("1", "imp_1"), rechecked("imp_1"), refunded("1", "imp_1"))
			w.happen(slices.Repeat([]domain.Event{issued("2")}, away)...)
			for _, begins := range []string{"", "again"} {
				if begins != "" { // with nothing in its ring
					w.restart()
					w.hub.mu.Lock()
					w.hub.ring.restart(w.hub.ring.head)
					w.hub.mu.Unlock()
				}
				for id, status := range map[string]string{
					"": "fresh", epoch + "-0": "complete", epoch + "-2": "complete", epoch + "-3": "complete", epoch + "-5": "complete",
					"zzzzzzzz-3": "reset", "garbage": "reset",
				} {
					st := s.mustOpen(t, "/orders/imp_1?asker=1&rewind=0", id)
					e := st.mustNext(t)
					if e.ID != epoch+"-2" || !strings.HasPrefix(e.Data, `{"status":"`+status+`"`) || !strings.Contains(e.Data, `"order":{"imp_uid":"imp_1","orderStatus":"REFUNDED","owner":"1"}`) ||
						strings.Contains(e.Data, `"snapshot":"/api/v1/orders/imp_1"`) != (status == "reset") {
						t.Errorf("%s %s, with id %q: got %+v", name, begins, id, e)
					}
					if e := st.mustNext(t); e.Event != "success" || e.ID != epoch+"-3" {
						t.Errorf("%s %s, with id %q: got %+v", name, begins, id, e)
					}
					st.ends(t)
				}
			}
		}
	})
}

// A verdict that is in the store and not yet told is told by nobody, the first frame least of all.
func TestOrder_notToldYet(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		s := w.roomy()
		w.happen(issued("1"), placedBy("1", "imp_1"))
		waiting := s.mustOpen(t, "/orders/imp_1?asker=1", "")
		waiting.greeted(t, "fresh", epoch+"-2")
		w.decide(issued("2"), failed("1", "imp_1"))
		w.append(2)
		began := time.Now()
		never := s.mustOpen(t, "/orders/imp_1?asker=1", epoch+"-2")
		never.ends(t)
		if time.Since(began) != patience {
			t.Errorf("it ended after %v", time.Since(began))
		}
		time.AfterFunc(time.Second, func() { w.tell(2) })
		began = time.Now()
		late := s.mustOpen(t, "/orders/imp_1?asker=1", epoch+"-2")
		late.greeted(t, "complete", epoch+"-3")
		for _, st := range []*stream{waiting, late} {
			if e := st.mustNext(t); e.Event != "failure" || e.ID != epoch+"-4" || time.Since(began) != time.Second {
				t.Errorf("got %+v after %v", e, time.Since(began))
			}
			st.ends(t)
		}
	})
}

// What is somebody else's is not told: not to who comes, nor to who waited for it before it was placed. Who has no name may
// watch anybody's.
func TestOrder_others(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		for name, begin := range map[string]func(user, impUID string) domain.Event{"placed": placedBy, "kept": keptFor} {
			w := newWorld(t, Config{})
			s := w.roomy()
			thief, owner, anybody := s.mustOpen(t, "/orders/imp_1?asker=2", ""), s.mustOpen(t, "/orders/imp_1?asker=1", ""), s.mustOpen(t, "/orders/imp_1", "")
			for _, st := range []*stream{thief, owner, anybody} {
				st.greeted(t, "fresh", epoch+"-0")
			}
			w.happen(begin("1", "imp_1"), issued("2"))
			thief.ends(t)
			s.mustOpen(t, "/orders/imp_1?asker=2", "").ends(t)
			s.mustOpen(t, "/orders/imp_1?asker=2", epoch+"-0").ends(t)
			w.happen(failed("1", "imp_1"))
			s.mustOpen(t, "/orders/imp_1?asker=2", "").ends(t)
			late := s.mustOpen(t, "/orders/imp_1", "")
			late.greeted(t, "fresh", epoch+"-2")
			for _, st := range []*stream{owner, anybody, late} {
				if e := st.mustNext(t); e.Event != "failure" {
					t.Errorf("%s: got %+v", name, e)
				}
				st.ends(t)
			}
		}
	})
}

// A payment whose first order failed, since it was prepared for somebody else, gets theirs: they hear their own verdict and
// not the first, whenever they come and whatever id they bring.
func TestOrder_replaced(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		for _, ring := range []int{2, 100} {
			w := newWorld(t, Config{Ring: ring})
			s := w.roomy()
			first := s.mustOpen(t, "/orders/imp_1?asker=1", "")
			first.greeted(t, "fresh", epoch+"-0")
			early := s.mustOpen(t, "/orders/imp_1?asker=2", "") // placed their order, and it comes after the first
			early.greeted(t, "fresh", epoch+"-0")
			w.happen(placedBy("1", "imp_1"))
			early.ends(t)
			w.happen(failed("1", "imp_1"))
			if e := first.mustNext(t); e.Event != "failure" {
				t.Errorf("got %+v", e)
			}
			first.ends(t)
			w.happen(placedBy("2", "imp_1"))
			w.happen(slices.Repeat([]domain.Event{issued("3")}, 5)...)
			var second []*stream
			for _, id := range []string{"", epoch + "-0", epoch + "-2", epoch + "-3"} {
				for _, asker := range []string{"2", ""} {
					st := s.mustOpen(t, "/orders/imp_1?asker="+asker, id)
					if e := st.mustNext(t); e.ID != epoch+"-8" || !strings.Contains(e.Data, "VERIFYING") {
						t.Errorf("with id %q: got %+v", id, e)
					}
					second = append(second, st)
				}
			}
			s.mustOpen(t, "/orders/imp_1?asker=1", epoch+"-1").ends(t) // it is none of theirs any more
			w.happen(paid("2", "imp_1"))
			for _, st := range second {
				if e := st.mustNext(t); e.Event != "success" || e.ID != epoch+"-9" {
					t.Errorf("got %+v", e)
				}
				st.ends(t)
			}
		}
	})
}

// Who waited without a name, and then read both verdicts of a payment in the log, hears the first. There is no second.
func TestOrder_bothInTheLog(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		w := newWorld(t, Config{Ring: 1})
		s := w.roomy()
		st := s.mustOpen(t, "/orders/imp_1", "")
		st.greeted(t, "fresh", epoch+"-0")
		w.happen(placedBy("1", "imp_1"), failed("1", "imp_1"), placedBy("2", "imp_1"), paid("2", "imp_1"), issued("3"), issued("3"))
		if e := st.mustNext(t); e.Event != "failure" {
			t.Errorf("got %+v", e)
		}
		st.ends(t)
	})
}

// What is told while the store is asked how an order stands is neither missed nor taken for the asker's own.
func TestOrder_meanwhile(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			before, after []domain.Event // the store is asked
			want          string
		}{
			"decided":            {nil, []domain.Event{failed("1", "imp_1")}, "failure 2"},
			"just decided":       {[]domain.Event{failed("1", "imp_1")}, nil, "failure 2"},
			"replaced":           {[]domain.Event{failed("1", "imp_1"), placedBy("2", "imp_1")}, []domain.Event{paid("2", "imp_1")}, "success 4"},
			"replaced, and late": {[]domain.Event{failed("1", "imp_1"), placedBy("2", "imp_1"), paid("2", "imp_1")}, nil, "success 4"},
		} {
			for _, named := range []bool{true, false} {
				w := newWorld(t, Config{})
				s := w.roomy()
				w.happen(placedBy("1", "imp_1"))
				w.hub.Config.Order = func(impUID string) (OrderView, bool, error) {
					w.happen(c.before...)
					v, known, err := w.order(impUID)
					w.happen(c.after...)
					return v, known, err
				}
				asker := ""
				if named {
					asker = map[bool]string{true: "2", false: "1"}[strings.HasPrefix(name, "replaced")]
				}
				st := s.mustOpen(t, "/orders/imp_1?asker="+asker, "")
				st.mustNext(t)
				if e := st.mustNext(t); e.Event+" "+strings.TrimPrefix(e.ID, epoch+"-") != c.want {
					t.Errorf("%s, to %q: got %+v, want %s", name, asker, e, c.want)
				}
				st.ends(t)
			}
		}
	})
}

// A verdict that does not fit into the socket at once arrives whole before the end, from the ring and from the log, however
// slow its reader is.
func TestOrder_slow(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		for _, away := range []int{0, 100} {
			for size := 1; size < 300; size += 23 {
				w := newWorld(t, Config{Ring: 10, WriteTimeout: 10 * time.Hour, ScheduleLife: 100 * time.Hour, UserHeartbeat: 99 * time.Hour})
				s := w.roomy()
				s.size = func() int { return size }
				w.happen(placedBy("1", "imp_1"), paid("1", "imp_1"), refunded("1", "imp_1"))
				w.happen(slices.Repeat([]domain.Event{issued("2")}, away)...)
				st := s.mustOpen(t, "/orders/imp_1?asker=1", "")
				st.greeted(t, "fresh", epoch+"-1")
				time.Sleep(2 * yield) // the place at the log is somebody else's by now
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
					time.Sleep(yield)
				}
				p := parse(string(all))
				if len(p.Events) != 1 || p.Events[0].Event != "success" || p.LastID != epoch+"-2" || p.event != "" {
					t.Errorf("%d away, %d bytes at once: got %q", away, size, all)
				}
				if took := time.Since(began); took > time.Hour {
					t.Errorf("%d away, %d bytes at once: it ended after %v only", away, size, took)
				}
				_ = st.Close()
			}
		}
	})
}

// Who waits for a verdict when the node ends is told to come back, and hears it from the next one.
func TestOrder_drain(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		s := w.roomy()
		w.happen(placedBy("1", "imp_1"))
		st := s.mustOpen(t, "/orders/imp_1?asker=1", "")
		st.greeted(t, "fresh", epoch+"-1")
		ended := make(chan error)
		go func() { ended <- w.hub.Drain(context.Background(), time.Second) }()
		st.ends(t)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w.decide(paid("1", "imp_1"))
		w.append(1)
		w.tell(1)
		w.restart()
		st = s.mustOpen(t, "/orders/imp_1?asker=1", st.LastID)
		st.greeted(t, "complete", epoch+"-1")
		if e := st.mustNext(t); e.Event != "success" {
			t.Errorf("got %+v", e)
		}
		st.ends(t)
	})
}

// The streams of an order are bounded as those of a user are.
func TestOrder_limit(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		w := newWorld(t, Config{MaxPerUser: 2})
		s := w.roomy()
		for range 2 {
			st := s.mustOpen(t, "/orders/imp_1", "")
			st.greeted(t, "fresh", epoch+"-0")
			defer st.Close()
		}
		s.mustOpen(t, "/orders/imp_1", "").ends(t)
		other := s.mustOpen(t, "/orders/imp_2", "")
		other.greeted(t, "fresh", epoch+"-0")
		_ = other.Close()
		if got := w.hub.Stats(); got.ShedUser != 1 {
			t.Errorf("stats %+v", got)
		}
	})
}

// Over real sockets, and over HTTP/2, the verdict and the end arrive too.
func TestOrder_sockets(t *testing.T) {
	for _, way := range []string{"handler", "sockets", "HTTP2"} {
		t.Run(way, func(t *testing.T) {
			w := newWorld(t, Config{Ring: 10})
			s := httptest.NewUnstartedServer(w.handler())
			if s.EnableHTTP2 = way == "HTTP2"; s.EnableHTTP2 {
				s.StartTLS()
			} else {
				s.Start()
			}
			defer s.Close()
			client := s.Client()
			if way == "HTTP2" {
				transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: client.Transport.(*http.Transport).TLSClientConfig.RootCAs}, ForceAttemptHTTP2: true}
				defer transport.CloseIdleConnections()
				client = &http.Client{Transport: transport}
			}
			for i := range 20 {
				id := fmt.Sprint("imp_", i)
				w.happen(placedBy("1", id))
				if i%2 == 0 {
					w.happen(paid("1", id))
					w.happen(slices.Repeat([]domain.Event{issued("2")}, i)...)
				}
				r, err := client.Get(s.URL + "/orders/" + id + "?asker=1&data=text&lang=en")
				if err != nil {
					t.Fatal(err)
				}
				if i%2 == 1 {
					w.happen(paid("1", id))
				}
				all, err := io.ReadAll(r.Body)
				_ = r.Body.Close()
				want := regexp.MustCompile(`\n\nevent: success\nid: ` + epoch + `-\d+\ndata: Your order is complete. \(Payment: ` + id + `\)\n\nretry: [2-5]\d{3}\n\n$`)
				if err != nil || !want.Match(all) || (r.ProtoMajor == 2) != (way == "HTTP2") {
					t.Errorf("%s: got %q %v", r.Proto, all, err)
				}
			}
			w.wait(t, "all are gone", func(s Stats) bool { return s.Orders == 0 })
		})
	}
}
