package sse

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
	"onsale/http/view"
	"onsale/http/view/viewtest"
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

const epoch = "k3v9x0ab"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a log, a store and a projector in memory, with a hub that is told of them.
type fixture struct {
	t   testing.TB
	hub *Hub

	mu        sync.Mutex
	log       []projections.ConfirmedEvent // event n at n-1: all that is in the store
	logged    int                          // so many of them are in the log as well
	published int                          // so many were told
	last      map[Topic]uint64
	changed   chan struct{} // closed at the next change of logged

	// nextFault says how the next step of a consumer goes wrong; nil: never.
	nextFault func() fault
	consumers int // ever
	active    int // now
	maxActive int // active at once, ever
}

type fault int

const (
	noFault fault = iota
	readsSlowly
	readFails // with an error
	readEnds  // without one
	readHangs // until it is ended
)

func newFixture(t testing.TB, c Config) *fixture {
	f := &fixture{t: t, last: map[Topic]uint64{}, changed: make(chan struct{})}
	c.Epoch = epoch
	c.Source, c.snapshots = f, f
	c.EventLoop = !strings.Contains(t.Name(), "/handler") // over real sockets it serves too
	if usesEngine(t) {
		c.newPoller = newMemoryPoller
	}
	f.hub = New(c)
	t.Cleanup(func() { f.current().Close() })
	return f
}

func (f *fixture) current() *Hub {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hub
}

// restart ends the node and begins another, which is filled with the newest events that were told.
func (f *fixture) restart() {
	old := f.current()
	old.Close()
	c := old.Config
	f.mu.Lock()
	c.Head = uint64(f.published)
	newest := slices.Clone(f.log[max(0, f.published-c.Ring):f.published])
	f.mu.Unlock()
	hub := New(c)
	hub.Preload(newest)
	f.mu.Lock()
	f.hub = hub
	f.mu.Unlock()
}

// decide puts events into the store. Number, sequence and time are given here.
func (f *fixture) decide(events ...domain.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range events {
		e.Number = uint64(len(f.log)) + 1
		e.Sequence = 1000 * e.Number
		if e.Now == 0 {
			e.Now = domain.At(time.Now())
		}
		confirmed := projections.ConfirmedEvent{Event: e}
		keys := topicIDs(&e)
		if id := keys[TopicUser]; id != "" {
			confirmed.PrevOfUser, f.last[Topic{TopicUser, id}] = f.last[Topic{TopicUser, id}], e.Number
		}
		// As in the store, an entity of any kind has a number before; it must not be taken for a schedule's.
		kind, _ := e.Body.Type()
		topic := Topic{TopicSchedule, domain.Kind(kind) + "." + e.Entity}
		for _, kind := range []TopicKind{TopicSchedule, TopicOrder} {
			if keys[kind] != "" {
				topic = Topic{kind, keys[kind]}
			}
		}
		confirmed.PrevOfEntity, f.last[topic] = f.last[topic], e.Number
		f.log = append(f.log, confirmed)
	}
}

// append puts up to n of what is in the store into the log.
func (f *fixture) append(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logged = min(f.logged+n, len(f.log))
	close(f.changed)
	f.changed = make(chan struct{})
}

// publish tells up to n of what is in the log.
func (f *fixture) publish(n int) {
	f.mu.Lock()
	from := f.published
	f.published = min(f.published+n, f.logged)
	events := slices.Clone(f.log[from:f.published])
	f.mu.Unlock()
	f.current().Publish(events)
}

// emit does all three.
func (f *fixture) emit(events ...domain.Event) {
	f.decide(events...)
	f.append(len(events))
	f.publish(len(events))
}

func (f *fixture) LastOfUser(user string) uint64 { return f.lastOf(Topic{TopicUser, user}) }

func (f *fixture) LastOfEntity(kind, entity string) uint64 {
	return f.lastOf(entityTopic(kind, entity))
}

func (f *fixture) EventsOfUser(ctx context.Context, user string, from uint64) iter.Seq2[domain.Event, error] {
	return f.events(ctx, from, Topic{TopicUser, user})
}

func (f *fixture) EventsOfEntity(ctx context.Context, kind, entity string, from uint64) iter.Seq2[domain.Event, error] {
	return f.events(ctx, from, entityTopic(kind, entity))
}

func (f *fixture) Status() projections.Status { panic("the fixture has snapshots of its own") }

func (f *fixture) Read(string, func(*projections.View) error) error {
	panic("the fixture has snapshots of its own")
}

func entityTopic(kind, entity string) Topic {
	return Topic{map[string]TopicKind{"seats": TopicSchedule, "orders": TopicOrder, "coupons": TopicPromotion}[kind], entity}
}

// emptySource is a log without events.
type emptySource struct{ Source }

func (emptySource) LastOfUser(string) uint64           { return 0 }
func (emptySource) LastOfEntity(string, string) uint64 { return 0 }

func (f *fixture) lastOf(topic Topic) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last[topic]
}

func (f *fixture) EventNumberAt(at domain.Time) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.log {
		if e.Now >= at {
			return e.Number, nil
		}
	}
	return uint64(len(f.log)) + 1, nil
}

var errFault = errors.New("the consumer died")

func (f *fixture) events(ctx context.Context, from uint64, topic Topic) iter.Seq2[domain.Event, error] {
	return func(yield func(domain.Event, error) bool) {
		f.mu.Lock()
		f.consumers++
		f.active++
		f.maxActive = max(f.maxActive, f.active)
		f.mu.Unlock()
		defer func() {
			f.mu.Lock()
			f.active--
			f.mu.Unlock()
		}()
		for n := from; ; n++ {
			e, err := f.read(ctx, n)
			if err == nil && topicIDs(&e)[topic.Kind] != topic.ID {
				continue
			}
			fault := noFault
			if f.nextFault != nil {
				fault = f.nextFault()
			}
			switch fault {
			case readsSlowly:
				sleep(ctx, time.Duration(rand.IntN(7000))*time.Millisecond)
			case readFails:
				err = errFault
			case readEnds:
				return
			case readHangs:
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
func (f *fixture) read(ctx context.Context, n uint64) (domain.Event, error) {
	for {
		f.mu.Lock()
		logged, changed := f.logged, f.changed
		var e domain.Event
		if n <= uint64(logged) {
			e = f.log[n-1].Event
		}
		f.mu.Unlock()
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
func (f *fixture) frames(all []viewtest.Event, topic Topic, to view.Audience, from int) ([]viewtest.Event, int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.log[from:] {
		if topicIDs(&e.Event)[topic.Kind] == topic.ID {
			all = append(all, viewtest.Parse(string(view.Render(epoch, &e.Event, to).Bytes)).Events...)
		}
	}
	return all, len(f.log)
}

func issued(user string) domain.Event {
	return domain.Event{Entity: "1", User: user, Request: domain.NewRequestID(user, "k"), Last: true, Body: coupons.Issued{PromotionID: "1", CouponID: "1-1", Number: 1}}
}

func held(user, schedule string, ids ...int) domain.Event {
	return domain.Event{Entity: schedule, User: user, Last: true, Body: seats.Held{ScheduleID: schedule, HoldID: "h1", ScheduleSeatIDs: ids, ExpiresAt: 1, Now: 1}}
}

func rejectedHold(user, schedule string) domain.Event {
	return domain.Event{Entity: schedule, User: user, Last: true, Body: domain.Rejection{Command: "seats.hold", Code: domain.SeatUnavailable}}
}

// server is net/http over pipes, so that it works in a synctest bubble: its sockets are channels.
type server struct {
	t          testing.TB
	bufferSize func() int // of what is on its way to a client that is served by the engine
	accept     chan net.Conn
	http       *http.Server
	done       chan struct{}
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
func (f *fixture) serve() *server {
	s := &server{t: f.t, bufferSize: func() int { return 100 }, accept: make(chan net.Conn), done: make(chan struct{}), http: &http.Server{Handler: f.handler(), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}}
	var running sync.WaitGroup
	running.Go(func() { _ = s.http.Serve(s) })
	f.t.Cleanup(func() {
		close(s.done)
		_ = s.http.Close()
		running.Wait()
	})
	return s
}

func (f *fixture) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/users/{id}", func(rw http.ResponseWriter, r *http.Request) { f.current().User(rw, r, r.PathValue("id")) })
	mux.HandleFunc("/promotions/{id}", func(rw http.ResponseWriter, r *http.Request) { f.current().Promotion(rw, r, r.PathValue("id")) })
	mux.HandleFunc("/orders/{id}", func(rw http.ResponseWriter, r *http.Request) {
		f.current().Order(rw, r, r.PathValue("id"), r.URL.Query().Get("asker"))
	})
	mux.HandleFunc("/schedules/{id}", func(rw http.ResponseWriter, r *http.Request) { f.current().Schedule(rw, r, r.PathValue("id")) })
	return mux
}

// stream is the body of a stream that was opened, and its connection.
type stream struct {
	net.Conn
	header http.Header
	body   io.Reader
	viewtest.Browser
}

// open asks for a stream. It does not return before the headers are there.
func (s *server) open(path, lastEventID string) (*stream, error) {
	client, serverEnd := net.Pipe()
	if usesEngine(s.t) {
		client, serverEnd = newMemoryConn(s.bufferSize())
	}
	s.accept <- serverEnd
	return openStream(client, path, lastEventID)
}

func openStream(conn net.Conn, path, lastEventID string) (*stream, error) {
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
func (s *stream) next() (viewtest.Event, error) {
	b := make([]byte, 1)
	for len(s.Events) == 0 {
		n, err := s.body.Read(b)
		_, _ = s.feed(b[:n])
		if err != nil && len(s.Events) == 0 {
			return viewtest.Event{}, err
		}
	}
	e := s.Events[0]
	s.Events = s.Events[1:]
	return e, nil
}

// feed feeds the browser; the connection's own Write is another.
func (s *stream) feed(b []byte) (int, error) { return s.Browser.Write(b) }

func (s *stream) mustNext(t testing.TB) viewtest.Event {
	t.Helper()
	e, err := s.next()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// expectConnect checks that the first frame is the right one.
func (s *stream) expectConnect(t testing.TB, status string, from string) {
	t.Helper()
	e := s.mustNext(t)
	if e.Event != "connect" || e.ID != from || !strings.HasPrefix(e.Data, `{"status":"`+status+`"`) {
		t.Fatalf("got %+v, want %s from %s", e, status, from)
	}
	if s.Retry < 2*time.Second || s.Retry > 5*time.Second {
		t.Errorf("retry %v", s.Retry)
	}
}
