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
	"onsale/domain/coupons"
	"onsale/http/client"
	"onsale/projections"
)

var zeroWait = time.Duration(0)

// Forty concurrent duplicates append one command and get the same response.
func TestIdempotency_AppendsConcurrentDuplicatesOnce(t *testing.T) {
	f := newFixture(t)
	seedPromotion(t, f, "p", 100)
	before := f.log.appended()
	responses := make([]client.Response, 40)
	var wg sync.WaitGroup
	for i := range responses {
		wg.Go(func() {
			wait := time.Duration(i%2) * 5 * time.Second
			responses[i] = must(f.client("kim").Issue(t.Context(), "p", client.Options{Key: "k", Wait: &wait}))(t)
		})
	}
	wg.Wait()
	for _, a := range responses {
		if a.Sequence != 2000 || a.HTTPStatus != 201 && a.HTTPStatus != 202 || a.RequestID != responses[0].RequestID {
			t.Errorf("got %+v", a)
		}
	}
	if n := f.log.appended() - before; n != 1 {
		t.Errorf("%d commands were appended", n)
	}
}

func TestInflight_EvictsConfirmed(t *testing.T) {
	f := newFixture(t)
	seedPromotion(t, f, "p", 1000)
	for i := range 300 {
		user := fmt.Sprint("u", i)
		must(f.client(user).Issue(t.Context(), "p", client.Options{Key: "k", Wait: &zeroWait}))(t)
	}
	wait := 5 * time.Second
	last := must(f.client("last").Issue(t.Context(), "p", client.Options{Key: "k", Wait: &wait}))(t)
	if last.Status != "SUCCEEDED" {
		t.Fatalf("got %+v", last)
	}
	f.inflight.unconfirmed(f.Projector.Status(), f.now())
	if n, m := len(f.inflight.pending), f.inflight.backlog.length(); n != 0 || m != 0 || f.inflight.appending != 0 {
		t.Errorf("%d entries, %d queued, %d being appended", n, m, f.inflight.appending)
	}
}

// Duplicates share the error of a failed append, and the next attempt appends again.
func TestIdempotency_SharesFailedAppend(t *testing.T) {
	f := newFixture(t)
	seedPromotion(t, f, "p", 100)
	entered, leave := make(chan struct{}, 1), make(chan error)
	f.Append = func(ctx context.Context, c domain.Command) (uint64, error) {
		entered <- struct{}{}
		if err := <-leave; err != nil {
			return 0, err
		}
		return f.log.Append(ctx, c)
	}
	first, second := make(chan client.Response, 1), make(chan client.Response, 1)
	issue := func(to chan<- client.Response) {
		to <- must(f.client("kim").Issue(t.Context(), "p", client.Options{Key: "k"}))(t)
	}
	go issue(first)
	<-entered
	go issue(second)
	leave <- domain.ErrNoAck
	if a := <-first; a.Code != outcomeUnknown {
		t.Errorf("the first got %+v", a)
	}
	// The second shared the error, or came later and is being appended itself.
	select {
	case a := <-second:
		if a.Code != outcomeUnknown {
			t.Errorf("the second got %+v", a)
		}
		go issue(second)
		<-entered
	case <-entered:
	}
	leave <- nil
	if a := <-second; a.HTTPStatus != 202 {
		t.Errorf("the retry got %+v", a)
	}
}

// A client that disconnects does not cancel its append.
func TestCommand_SurvivesDisconnect(t *testing.T) {
	f := newFixture(t)
	seedPromotion(t, f, "p", 100)
	entered, leave := make(chan struct{}), make(chan struct{})
	f.Append = func(ctx context.Context, c domain.Command) (uint64, error) {
		close(entered)
		<-leave
		if ctx.Err() != nil {
			t.Error("the append was cancelled")
		}
		return f.log.Append(ctx, c)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := f.client("kim").Issue(ctx, "p", client.Options{Key: "k"})
		done <- err
	}()
	<-entered
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(leave)
	wait := 5 * time.Second
	a := must(f.client("kim").Issue(t.Context(), "p", client.Options{Key: "k", Wait: &wait}))(t)
	if a.HTTPStatus != 201 || a.Sequence != 2000 {
		t.Errorf("got %+v", a)
	}
}

// A handler that panics responds with "internal" without detail, and its request can be retried.
func TestCommand_AnswersPanicWithInternal(t *testing.T) {
	f := newFixture(t)
	seedPromotion(t, f, "p", 100)
	f.Append = func(context.Context, domain.Command) (uint64, error) { panic("secret") }
	a := must(f.client("kim").Issue(t.Context(), "p", client.Options{Key: "k"}))(t)
	if a.HTTPStatus != 500 || a.Code != domain.Internal || a.Detail != "" {
		t.Errorf("got %+v", a)
	}
	f.Append = f.log.Append
	if a := must(f.client("kim").Issue(t.Context(), "p", client.Options{Key: "k"}))(t); a.HTTPStatus != 202 {
		t.Errorf("got %+v", a)
	}
}

func TestInflight_RejectsBeyondLimit(t *testing.T) {
	table := inflightTable{pending: map[domain.RequestID]*inflightRequest{}}
	for i := range maxInflight {
		e := &inflightRequest{}
		if _, full := table.begin(e, projections.Status{}); full {
			t.Fatal("full at", i)
		}
		table.appended(e, uint64(i+1), time.Time{})
	}
	if _, full := table.begin(&inflightRequest{}, projections.Status{}); !full {
		t.Error("one more than the limit was accepted")
	}
	if _, full := table.begin(&inflightRequest{}, projections.Status{ConfirmedSequence: 1}); full {
		t.Error("still full after one was confirmed")
	}
}

func TestBacklog_PopsConfirmed(t *testing.T) {
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	var q unconfirmedQueue
	for i := 1; i <= 5; i++ {
		q.push(&inflightRequest{keyed: true}, uint64(i*1000), at(i))
	}
	for i, step := range []struct {
		confirmed uint64
		length    int
		oldest    time.Duration // at second 10
	}{
		{0, 5, 9 * time.Second},
		{999, 5, 9 * time.Second},
		{2000, 3, 7 * time.Second},
		{4001, 1, 5 * time.Second},
		{5000, 0, 0},
	} {
		q.popConfirmed(projections.Status{ConfirmedSequence: step.confirmed})
		if got := q.oldestAge(at(10)); got != step.oldest || q.length() != step.length {
			t.Errorf("step %d: got %d queued, the oldest %s, want %d, %s", i, q.length(), got, step.length, step.oldest)
		}
	}
}

// A queue that is never empty does not grow without limit.
func TestBacklog_ReleasesMemory(t *testing.T) {
	var q unconfirmedQueue
	for i := uint64(1); i < 100_000; i++ {
		q.push(&inflightRequest{}, i, time.Time{})
		q.popConfirmed(projections.Status{ConfirmedSequence: i - min(i, 10)})
	}
	if cap(q.commands) > 10_000 || q.length() > 20 {
		t.Errorf("%d queued, capacity %d", q.length(), cap(q.commands))
	}
}

// A command that waits for its outcome for too long keeps new ones away, whether it is not decided or its events are not published. Those
// of admins, and the same command again, are accepted.
func TestCommand_IsRefusedWhileOthersWaitTooLong(t *testing.T) {
	for name, pause := range map[string]func(*memoryLog){
		"not decided":   func(l *memoryLog) { l.deliveryPaused = true },
		"not published": func(l *memoryLog) { l.publishPaused = true },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			seedPromotion(t, f, "p", 100)
			issue := func(user string) client.Response {
				return must(f.client(user).Issue(t.Context(), "p", client.Options{Key: "k", Wait: &zeroWait}))(t)
			}
			f.log.update(func() { pause(f.log) })
			if a := issue("kim"); a.HTTPStatus != 202 {
				t.Fatalf("got %+v", a)
			}
			f.clockOffset.Store(int64(f.MaxBacklogAge - 10*time.Second))
			if a := issue("lee"); a.HTTPStatus != 202 {
				t.Errorf("got %+v, want 202 while kim waits for less than the limit", a)
			}
			f.clockOffset.Store(int64(f.MaxBacklogAge + time.Second))
			if a := issue("park"); a.HTTPStatus != 429 || a.Code != backlogFull || a.RetryAfter == 0 {
				t.Errorf("got %+v, want 429 with Retry-After", a)
			}
			if a := issue("kim"); a.HTTPStatus != 202 {
				t.Errorf("the same again got %+v, want 202", a)
			}
			f.log.update(func() { f.log.deliveryPaused, f.log.publishPaused = false, false })
			if err := f.projector.WaitDecided(t.Context(), uint64(len(f.log.batches))*1000); err != nil {
				t.Fatal(err)
			}
			if a := issue("park"); a.HTTPStatus != 202 {
				t.Errorf("got %+v, want 202 once all outcomes are known", a)
			}
		})
	}
}

// A command that has its outcome does not count, however long ago it came and whatever waits behind it.
func TestCommand_IsNotRefusedForOthersOutcomes(t *testing.T) {
	f := newFixture(t)
	seedPromotion(t, f, "p", 100)
	issue := func(user string, wait time.Duration) client.Response {
		return must(f.client(user).Issue(t.Context(), "p", client.Options{Wait: &wait}))(t)
	}
	if a := issue("kim", 10*time.Second); a.HTTPStatus != 201 {
		t.Fatalf("got %+v", a)
	}
	f.log.update(func() { f.log.publishPaused = true })
	defer f.log.update(func() { f.log.publishPaused = false })
	sequence := must(f.log.Append(t.Context(), domain.Command{ // as another node does
		Entity: "p", User: "park", Request: domain.NewRequestID("park", "k"), Body: coupons.Issue{},
	}))(t)
	for deadline := time.Now().Add(20 * time.Second); f.projector.Status().DecidedSequence < sequence; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is not decided")
		}
	}
	f.clockOffset.Store(int64(f.MaxBacklogAge + time.Minute))
	if a := issue("lee", 0); a.HTTPStatus != 202 {
		t.Errorf("got %+v, want 202: kim's outcome is known", a)
	}
}

// A wait that times out is a 202, and so is one that the shutdown ends.
func TestCommand_AnswersAcceptedWhenWaitEnds(t *testing.T) {
	f := newFixture(t)
	seedPromotion(t, f, "p", 100)
	f.log.update(func() { f.log.deliveryPaused = true })
	second := time.Second
	if a := must(f.client("kim").Issue(t.Context(), "p", client.Options{Wait: &second}))(t); a.HTTPStatus != 202 || a.LastEventID != testEpoch+"-1" {
		t.Errorf("got %+v", a)
	}
	response := make(chan client.Response)
	stored := len(f.log.batches)
	go func() {
		long := 30 * time.Second
		response <- must(f.client("lee").Issue(context.Background(), "p", client.Options{Wait: &long}))(t)
	}()
	f.log.await(t.Context(), func() bool { return len(f.log.batches) > stored })
	if err := f.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if a := <-response; a.HTTPStatus != 202 {
		t.Errorf("got %+v", a)
	}
}

func seedPromotion(t testing.TB, f *fixture, promotion string, stock int) {
	t.Helper()
	body := map[string]any{"promotionId": promotion, "name": promotion, "stock": stock}
	if a := must(f.client("").Command(t.Context(), "/api/v1/admin/promotions", body, client.Options{}))(t); a.HTTPStatus != http.StatusCreated {
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

func TestIdempotencyKey_IsUnquoted(t *testing.T) {
	for sent, want := range map[string]string{
		`abc`: `abc`, `"abc"`: `abc`, `"a\"b\\"`: `a"b\`, `""`: ``, // strings of RFC 9651
		`"`: `"`, `"abc`: `"abc`, `abc"`: `abc"`, `"a"b"`: `"a"b"`, `"a\b"`: `"a\b"`, `"a\"`: `"a\"`, `"a";b=1`: `"a";b=1`, // other texts
	} {
		if got := unquoteKey(sent); got != want {
			t.Errorf("%s: got %s, want %s", sent, got, want)
		}
	}
}
