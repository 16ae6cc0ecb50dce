package http

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"onsale/domain"
	"onsale/projections"
)

var noWait = time.Duration(0)

// A crowd sends the same request at once: one command is appended, and all hear the same.
func TestSameRequestFromManySides(t *testing.T) {
	w := newWorld(t)
	open(t, w, "p", 100)
	before := w.log.appended
	answers := make([]Answer, 40)
	var crowd sync.WaitGroup
	for i := range answers {
		crowd.Go(func() {
			wait := time.Duration(i%2) * 5 * time.Second
			answers[i] = must(w.client("kim").Issue(t.Context(), "p", Ask{Key: "k", Wait: &wait}))(t)
		})
	}
	crowd.Wait()
	for _, a := range answers {
		if a.Sequence != 2000 || a.HTTPStatus != 201 && a.HTTPStatus != 202 || a.RequestID != answers[0].RequestID {
			t.Errorf("got %+v", a)
		}
	}
	if n := w.log.appended - before; n != 1 {
		t.Errorf("%d commands were appended", n)
	}
}

// What the door remembers is forgotten when the outcome can be told.
func TestDoorIsEmptyInTheEnd(t *testing.T) {
	w := newWorld(t)
	open(t, w, "p", 1000)
	for i := range 300 {
		user := fmt.Sprint("u", i)
		must(w.client(user).Issue(t.Context(), "p", Ask{Key: "k", Wait: &noWait}))(t)
	}
	wait := 5 * time.Second
	last := must(w.client("last").Issue(t.Context(), "p", Ask{Key: "k", Wait: &wait}))(t)
	if last.Status != "SUCCEEDED" {
		t.Fatalf("got %+v", last)
	}
	w.door.oldest(w.Projector.Status(), w.now())
	if n, m := len(w.door.pending), w.door.line.length(); n != 0 || m != 0 || w.door.appending != 0 {
		t.Errorf("%d entries, %d in line, %d being appended", n, m, w.door.appending)
	}
}

// Those who join a request whose append fails hear what it heard, and the next attempt begins anew.
func TestJoiningAnAppendThatFails(t *testing.T) {
	w := newWorld(t)
	open(t, w, "p", 100)
	entered, leave := make(chan struct{}, 1), make(chan error)
	w.Append = func(ctx context.Context, c domain.Command) (uint64, error) {
		entered <- struct{}{}
		if err := <-leave; err != nil {
			return 0, err
		}
		return w.log.Append(ctx, c)
	}
	first, second := make(chan Answer, 1), make(chan Answer, 1)
	ask := func(to chan<- Answer) {
		to <- must(w.client("kim").Issue(t.Context(), "p", Ask{Key: "k"}))(t)
	}
	go ask(first)
	<-entered
	go ask(second)
	leave <- domain.ErrUnknown
	if a := <-first; a.Code != outcomeUnknown {
		t.Errorf("the first got %+v", a)
	}
	// The second has joined and heard the same, or came later and is in line itself.
	select {
	case a := <-second:
		if a.Code != outcomeUnknown {
			t.Errorf("the second got %+v", a)
		}
		go ask(second)
		<-entered
	case <-entered:
	}
	leave <- nil
	if a := <-second; a.HTTPStatus != 202 {
		t.Errorf("at last got %+v", a)
	}
}

// A client that goes away while its command is on the way does not call it back.
func TestClientGoesAwayDuringAppend(t *testing.T) {
	w := newWorld(t)
	open(t, w, "p", 100)
	entered, leave := make(chan struct{}), make(chan struct{})
	w.Append = func(ctx context.Context, c domain.Command) (uint64, error) {
		close(entered)
		<-leave
		if ctx.Err() != nil {
			t.Error("the append was called back")
		}
		return w.log.Append(ctx, c)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := w.client("kim").Issue(ctx, "p", Ask{Key: "k"})
		gone <- err
	}()
	<-entered
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(leave)
	wait := 5 * time.Second
	a := must(w.client("kim").Issue(t.Context(), "p", Ask{Key: "k", Wait: &wait}))(t)
	if a.HTTPStatus != 201 || a.Sequence != 2000 {
		t.Errorf("got %+v", a)
	}
}

// A handler that panics answers "internal" without detail, and leaves the door open for the next attempt.
func TestPanicInAppend(t *testing.T) {
	w := newWorld(t)
	open(t, w, "p", 100)
	w.Append = func(context.Context, domain.Command) (uint64, error) { panic("secret") }
	a := must(w.client("kim").Issue(t.Context(), "p", Ask{Key: "k"}))(t)
	if a.HTTPStatus != 500 || a.Code != domain.Internal || a.Detail != "" {
		t.Errorf("got %+v", a)
	}
	w.Append = w.log.Append
	if a := must(w.client("kim").Issue(t.Context(), "p", Ask{Key: "k"}))(t); a.HTTPStatus != 202 {
		t.Errorf("got %+v", a)
	}
}

// The door takes so many and no more.
func TestDoorIsFull(t *testing.T) {
	d := door{pending: map[domain.RequestID]*entry{}}
	for i := range maxInside {
		e := &entry{}
		if _, full := d.enter(e, projections.Status{}); full {
			t.Fatal("full at", i)
		}
		d.accepted(e, uint64(i+1), time.Time{})
	}
	if _, full := d.enter(&entry{}, projections.Status{}); !full {
		t.Error("one more went in")
	}
	if _, full := d.enter(&entry{}, projections.Status{Decided: 1, Events: 1, Confirmed: 1}); full {
		t.Error("one went out, none came in")
	}
}

// The line lets out what is confirmed, and knows the oldest undecided one.
func TestLine(t *testing.T) {
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	var l line
	for i := 1; i <= 5; i++ {
		l.join(&entry{keyed: true}, uint64(i*1000), at(i))
	}
	steps := []struct {
		decided, events, confirmed uint64
		length                     int
		oldest                     time.Duration // at second 10
	}{
		{0, 0, 0, 5, 9 * time.Second},
		{2000, 7, 3, 5, 7 * time.Second}, // decided, not confirmed: not undecided, but still in line
		{4000, 9, 7, 3, 5 * time.Second}, // the mark at 2000 is confirmed; the new one is not yet
		{5000, 10, 9, 1, 0},
		{5000, 10, 10, 0, 0},
		{5000, 10, 10, 0, 0},
	}
	for i, step := range steps {
		l.settle(projections.Status{Decided: step.decided, Events: step.events, Confirmed: step.confirmed})
		if got := l.oldest(step.decided, at(10)); got != step.oldest || l.length() != step.length {
			t.Errorf("step %d: got %d in line, the oldest %s, want %d, %s", i, l.length(), got, step.length, step.oldest)
		}
	}
}

// A line that is never empty does not grow for ever.
func TestLineGivesMemoryBack(t *testing.T) {
	var l line
	for i := uint64(1); i < 100_000; i++ {
		l.join(&entry{}, i, time.Time{})
		l.settle(projections.Status{Decided: i - min(i, 10), Events: i, Confirmed: i})
	}
	if cap(l.commands) > 10_000 || l.length() > 20 {
		t.Errorf("%d in line, room for %d", l.length(), cap(l.commands))
	}
}

// A wait that runs out is a 202, and so is one that the end of the server cuts short.
func TestWaitEnds(t *testing.T) {
	w := newWorld(t)
	open(t, w, "p", 100)
	w.log.change(func() { w.log.stopped = true })
	second := time.Second
	if a := must(w.client("kim").Issue(t.Context(), "p", Ask{Wait: &second}))(t); a.HTTPStatus != 202 || a.LastEventID != testEpoch+"-1" {
		t.Errorf("got %+v", a)
	}
	answer := make(chan Answer)
	stored := len(w.log.batches)
	go func() {
		long := 30 * time.Second
		answer <- must(w.client("lee").Issue(context.Background(), "p", Ask{Wait: &long}))(t)
	}()
	w.log.await(t.Context(), func() bool { return len(w.log.batches) > stored })
	if err := w.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if a := <-answer; a.HTTPStatus != 202 {
		t.Errorf("got %+v", a)
	}
}

func open(t testing.TB, w *world, promotion string, stock int) {
	t.Helper()
	body := map[string]any{"promotionId": promotion, "name": promotion, "stock": stock}
	if a := must(w.client("").Command(t.Context(), "/api/v1/admin/promotions", body, Ask{}))(t); a.HTTPStatus != http.StatusCreated {
		t.Fatalf("got %+v", a)
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		return v
	}
}
