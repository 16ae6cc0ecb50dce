package stream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
	"onsale/projections"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a log, a store and a projector in memory, with a hub that is told of them.
type world struct {
	t   testing.TB
	hub *Hub

	mu      sync.Mutex
	log     []projections.Told // event n at n-1: all that is in the store
	logged  int                // so many of them are in the log as well
	told    int                // so many were told
	last    map[Key]uint64
	changed chan struct{} // closed at the next change of logged

	// sick says how the next step of a consumer goes wrong; nil: never.
	sick      func() sickness
	consumers int // ever
	active    int // now
	most      int // active at once, ever
}

type sickness int

const (
	well sickness = iota
	slow
	dies  // with an error
	ends  // without one
	hangs // until it is ended
)

func newWorld(t testing.TB, c Config) *world {
	w := &world{t: t, last: map[Key]uint64{}, changed: make(chan struct{})}
	c.Epoch = epoch
	c.Last, c.NumberAt, c.CatchUp, c.Progress, c.Order = w.lastOf, w.numberAt, w.catchUp, w.progress, w.order
	c.Engine = !strings.Contains(t.Name(), "/handler") // over real sockets it serves too
	if byEngine(t) {
		c.poller = newMemory
	}
	w.hub = New(c)
	t.Cleanup(func() { w.current().Close() })
	return w
}

func (w *world) current() *Hub {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hub
}

// restart ends the node and begins another, which is filled with the newest events that were told.
func (w *world) restart() {
	old := w.current()
	old.Close()
	c := old.Config
	w.mu.Lock()
	c.Head = uint64(w.told)
	newest := slices.Clone(w.log[max(0, w.told-c.Ring):w.told])
	w.mu.Unlock()
	hub := New(c)
	hub.Fill(newest)
	w.mu.Lock()
	w.hub = hub
	w.mu.Unlock()
}

// decide puts events into the store. Number, sequence and time are given here.
func (w *world) decide(events ...domain.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range events {
		e.Number = uint64(len(w.log)) + 1
		e.Sequence = 1000 * e.Number
		if e.Now == 0 {
			e.Now = domain.At(time.Now())
		}
		told := projections.Told{Event: e}
		keys := keysOf(&e)
		if id := keys[OfUser]; id != "" {
			told.BeforeOfUser, w.last[Key{OfUser, id}] = w.last[Key{OfUser, id}], e.Number
		}
		// As in the store, an entity of any kind has a number before; it must not be taken for a schedule's.
		kind, _ := e.Body.Type()
		key := Key{OfSchedule, domain.Kind(kind) + "." + e.Entity}
		for _, kind := range []Kind{OfSchedule, OfOrder} {
			if keys[kind] != "" {
				key = Key{kind, keys[kind]}
			}
		}
		told.BeforeOfEntity, w.last[key] = w.last[key], e.Number
		w.log = append(w.log, told)
	}
}

// append puts up to n of what is in the store into the log.
func (w *world) append(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logged = min(w.logged+n, len(w.log))
	close(w.changed)
	w.changed = make(chan struct{})
}

// tell tells up to n of what is in the log.
func (w *world) tell(n int) {
	w.mu.Lock()
	from := w.told
	w.told = min(w.told+n, w.logged)
	news := slices.Clone(w.log[from:w.told])
	w.mu.Unlock()
	w.current().Tell(news)
}

// happen does all three.
func (w *world) happen(events ...domain.Event) {
	w.decide(events...)
	w.append(len(events))
	w.tell(len(events))
}

func (w *world) lastOf(key Key) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last[key]
}

func (w *world) numberAt(at domain.Time) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.log {
		if e.Now >= at {
			return e.Number, nil
		}
	}
	return uint64(len(w.log)) + 1, nil
}

var errSick = errors.New("the consumer died")

func (w *world) catchUp(ctx context.Context, from uint64, key Key) iter.Seq2[domain.Event, error] {
	return func(yield func(domain.Event, error) bool) {
		w.mu.Lock()
		w.consumers++
		w.active++
		w.most = max(w.most, w.active)
		w.mu.Unlock()
		defer func() {
			w.mu.Lock()
			w.active--
			w.mu.Unlock()
		}()
		for n := from; ; n++ {
			e, err := w.read(ctx, n)
			if err == nil && keysOf(&e)[key.Kind] != key.ID {
				continue
			}
			how := well
			if w.sick != nil {
				how = w.sick()
			}
			switch how {
			case slow:
				sleep(ctx, time.Duration(rand.IntN(7000))*time.Millisecond)
			case dies:
				err = errSick
			case ends:
				return
			case hangs:
				<-ctx.Done()
			}
			if ctx.Err() != nil || !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// read is event n of the log, when it comes.
func (w *world) read(ctx context.Context, n uint64) (domain.Event, error) {
	for {
		w.mu.Lock()
		logged, changed := w.logged, w.changed
		var e domain.Event
		if n <= uint64(logged) {
			e = w.log[n-1].Event
		}
		w.mu.Unlock()
		if n <= uint64(logged) {
			return e, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return e, ctx.Err()
		}
	}
}

// frames appends to all what a stream of key carries after event from, in order, and says to which event that is.
func (w *world) frames(all []received, key Key, to audience, from int) ([]received, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.log[from:] {
		if keysOf(&e.Event)[key.Kind] == key.ID {
			all = append(all, parse(string(render(epoch, &e.Event, to).bytes)).Events...)
		}
	}
	return all, len(w.log)
}

func issued(user string) domain.Event {
	return domain.Event{Entity: "1", User: user, Request: domain.NewRequestID(user, "k"), Last: true, Body: coupons.Issued{PromotionID: "1", CouponID: "1-1", Number: 1}}
}

func held(user, schedule string, ids ...int) domain.Event {
	return domain.Event{Entity: schedule, User: user, Last: true, Body: seats.Held{ScheduleID: schedule, HoldID: "h1", ScheduleSeatIDs: ids, ExpiresAt: 1, Now: 1}}
}

func refusedHold(user, schedule string) domain.Event {
	return domain.Event{Entity: schedule, User: user, Last: true, Body: domain.Rejection{Command: "seats.hold", Code: domain.SeatUnavailable}}
}

// server is net/http over pipes, so that it works in a synctest bubble: its sockets are channels.
type server struct {
	t      testing.TB
	size   func() int // of what is on its way to a client that is served by the engine
	accept chan net.Conn
	http   *http.Server
	done   chan struct{}
}

func (s *server) Accept() (net.Conn, error) {
	select {
	case c := <-s.accept:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}
func (s *server) Close() error   { return nil }
func (s *server) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// serve answers /users/<id>, /schedules/<id>, /promotions/<id> and /orders/<id>?asker=<user>.
func (w *world) serve() *server {
	s := &server{t: w.t, size: func() int { return 100 }, accept: make(chan net.Conn), done: make(chan struct{}), http: &http.Server{Handler: w.handler(), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}}
	var running sync.WaitGroup
	running.Go(func() { _ = s.http.Serve(s) })
	w.t.Cleanup(func() {
		close(s.done)
		_ = s.http.Close()
		running.Wait()
	})
	return s
}

func (w *world) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/users/{id}", func(rw http.ResponseWriter, r *http.Request) { w.current().User(rw, r, r.PathValue("id")) })
	mux.HandleFunc("/promotions/{id}", func(rw http.ResponseWriter, r *http.Request) { w.current().Promotion(rw, r, r.PathValue("id")) })
	mux.HandleFunc("/orders/{id}", func(rw http.ResponseWriter, r *http.Request) {
		w.current().Order(rw, r, r.PathValue("id"), r.URL.Query().Get("asker"))
	})
	mux.HandleFunc("/schedules/{id}", func(rw http.ResponseWriter, r *http.Request) { w.current().Schedule(rw, r, r.PathValue("id")) })
	return mux
}

// stream is the body of a stream that was opened, and its connection.
type stream struct {
	net.Conn
	header http.Header
	body   io.Reader
	browser
}

// open asks for a stream. It does not return before the headers are there.
func (s *server) open(path, lastEventID string) (*stream, error) {
	client, far := net.Pipe()
	if byEngine(s.t) {
		client, far = newWire(s.size())
	}
	s.accept <- far
	return ask(client, path, lastEventID)
}

func ask(conn net.Conn, path, lastEventID string) (*stream, error) {
	request := "GET " + path + " HTTP/1.1\r\nHost: x\r\n"
	if lastEventID != "" {
		request += "Last-Event-ID: " + lastEventID + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return nil, err
	}
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	if r.StatusCode != 200 {
		return nil, fmt.Errorf("status %s", r.Status)
	}
	return &stream{Conn: conn, header: r.Header, body: r.Body}, nil
}

func (s *server) mustOpen(t testing.TB, path, lastEventID string) *stream {
	t.Helper()
	st, err := s.open(path, lastEventID)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// next is the next event of the stream; io.EOF at its end.
func (s *stream) next() (received, error) {
	b := make([]byte, 1)
	for len(s.Events) == 0 {
		n, err := s.body.Read(b)
		_, _ = s.Write2(b[:n])
		if err != nil && len(s.Events) == 0 {
			return received{}, err
		}
	}
	e := s.Events[0]
	s.Events = s.Events[1:]
	return e, nil
}

// Write2 feeds the browser; the connection's own Write is another.
func (s *stream) Write2(b []byte) (int, error) { return s.browser.Write(b) }

func (s *stream) mustNext(t testing.TB) received {
	t.Helper()
	e, err := s.next()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// greeted checks that the first frame is the right one.
func (s *stream) greeted(t testing.TB, status string, from string) {
	t.Helper()
	e := s.mustNext(t)
	if e.Event != "connect" || e.ID != from || !strings.HasPrefix(e.Data, `{"status":"`+status+`"`) {
		t.Fatalf("got %+v, want %s from %s", e, status, from)
	}
	if s.Retry < 2*time.Second || s.Retry > 5*time.Second {
		t.Errorf("retry %v", s.Retry)
	}
}
