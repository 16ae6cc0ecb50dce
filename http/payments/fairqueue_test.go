package payments

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// queueTest is a queue whose only slot is taken, and the order in which others get it.
type queueTest struct {
	t       *testing.T
	queue   *fairQueue
	group   sync.WaitGroup
	mu      sync.Mutex
	granted []string
	failed  map[string]error
}

func newQueueTest(t *testing.T, limit int) (q *queueTest, begin func()) {
	q = &queueTest{t: t, queue: newFairQueue(1, limit), failed: map[string]error{}}
	begin, err := q.queue.acquire(t.Context(), "holder", classFirst)
	if err != nil {
		t.Fatal(err)
	}
	return q, begin
}

// enter waits in the queue, behind all who have entered before.
func (q *queueTest) enter(ctx context.Context, user string, c class, name string) {
	q.t.Helper()
	before := q.entered()
	q.group.Go(func() {
		release, err := q.queue.acquire(ctx, user, c)
		q.mu.Lock()
		defer q.mu.Unlock()
		if err != nil {
			q.failed[name] = err
			return
		}
		q.granted = append(q.granted, name)
		go release() // when this one is noted
	})
	for q.entered() == before {
	}
}

// entered counts all who wait and who have been turned away.
func (q *queueTest) entered() int {
	_, waiting, _ := q.queue.counts()
	sum := 0
	for _, n := range waiting {
		sum += n
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return sum + len(q.failed)
}

func TestFairQueue_UsersTakeTurns(t *testing.T) {
	q, begin := newQueueTest(t, 100)
	for i := range 5 {
		q.enter(t.Context(), "mallory", classFirst, fmt.Sprint("mallory", i))
	}
	q.enter(t.Context(), "mallory", classRecheck, "mallory again")
	q.enter(t.Context(), "lee", classRecheck, "lee again")
	q.enter(t.Context(), "kim", classFirst, "kim0")
	q.enter(t.Context(), "lee", classFirst, "lee0")
	q.enter(t.Context(), "kim", classFirst, "kim1")
	begin()
	q.group.Wait()
	// The holder was the first; every fourth slot is a recheck's, and so are those that no first verification wants.
	want := []string{"mallory0", "kim0", "mallory again", "lee0", "mallory1", "kim1", "lee again", "mallory2", "mallory3", "mallory4"}
	if !slices.Equal(q.granted, want) {
		t.Errorf("got  %v\nwant %v", q.granted, want)
	}
}

// Above the limit the user with the most loses the newest, rechecks first; who has few loses nothing.
func TestFairQueue_DefersLongest(t *testing.T) {
	q, begin := newQueueTest(t, keptPerUser+4)
	for i := range keptPerUser + 2 {
		q.enter(t.Context(), "mallory", classFirst, fmt.Sprint("mallory", i))
	}
	q.enter(t.Context(), "mallory", classRecheck, "mallory again")
	for i := range 6 {
		q.enter(t.Context(), fmt.Sprint("user", i), classFirst, fmt.Sprint("user", i))
	}
	begin()
	q.group.Wait()
	want := []string{"mallory again", fmt.Sprint("mallory", keptPerUser), fmt.Sprint("mallory", keptPerUser+1)}
	for _, name := range want {
		if !errors.Is(q.failed[name], errDeferred) {
			t.Errorf("%s: got %v, want it deferred", name, q.failed[name])
		}
	}
	if len(q.failed) != len(want) || len(q.granted) != keptPerUser+6 {
		t.Errorf("deferred %v, granted %v", q.failed, q.granted)
	}
}

func TestFairQueue_BoundsEachUser(t *testing.T) {
	q := newFairQueue(8, 100)
	var releases []func()
	for range 8 / userShare {
		release, err := q.acquire(t.Context(), "mallory", classFirst)
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, release)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.acquire(ended, "mallory", classFirst); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v for one more than the share", err)
	}
	release, err := q.acquire(t.Context(), "kim", classFirst)
	if err != nil {
		t.Fatal(err)
	}
	for _, release := range append(releases, release) {
		release()
	}
	if len(q.inFlight)+len(q.perOwner)+q.length != 0 || q.free != 8 {
		t.Errorf("something is left: %+v", q)
	}
}

func TestFairQueue_FlushEndsAll(t *testing.T) {
	q, begin := newQueueTest(t, 100)
	for i := range 3 {
		q.enter(t.Context(), "kim", class(i%2), fmt.Sprint("kim", i))
	}
	q.queue.flush(errCircuitOpen)
	q.group.Wait()
	begin()
	if len(q.failed) != 3 || !errors.Is(q.failed["kim2"], errCircuitOpen) || q.queue.free != 1 || q.queue.length != 0 {
		t.Errorf("failed %v, %+v", q.failed, q.queue)
	}
}

// Refunds have an eighth of the turns where others wait, and a share of the slots however few do.
func TestFairQueue_PacesRefunds(t *testing.T) {
	q, begin := newQueueTest(t, 100)
	for i := range 3 {
		q.enter(t.Context(), fmt.Sprint("refunded", i), classRefund, fmt.Sprint("refund", i))
	}
	for i := range 9 {
		q.enter(t.Context(), fmt.Sprint("user", i), classFirst, fmt.Sprint("first", i))
	}
	begin()
	q.group.Wait()
	want := []string{"first0", "first1", "first2", "refund0", "first3", "first4", "first5", "first6", "first7", "first8", "refund1", "refund2"}
	if !slices.Equal(q.granted, want) {
		t.Errorf("got  %v\nwant %v", q.granted, want)
	}
	wide := newFairQueue(8, 100)
	var releases []func()
	for i := range 8 / refundShare {
		release, err := wide.acquire(t.Context(), fmt.Sprint("refunded", i), classRefund)
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, release)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := wide.acquire(ended, "another", classRefund); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v for one more than the share", err)
	}
	release, err := wide.acquire(t.Context(), "another", classFirst)
	if err != nil {
		t.Fatal(err)
	}
	for _, release := range append(releases, release) {
		release()
	}
	if wide.refunds+wide.waiting[classRefund].length != 0 || wide.free != 8 {
		t.Errorf("something is left: %+v", wide)
	}
}

// While the provider refuses so many requests, refunds and rechecks are sent one at a time.
func TestFairQueue_SlowsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newFairQueue(8, 100)
		if !q.slowDown(time.Minute) || q.slowDown(time.Hour) {
			t.Error("it slowed down twice")
		}
		began := time.Now()
		acquire := func(c class, want time.Duration) (release func()) {
			release, err := q.acquire(t.Context(), "kim", c)
			if err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(began); waited != want {
				t.Errorf("%s has waited %s, want %s", classNames[c], waited, want)
			}
			return release
		}
		q.perUser = 8
		acquire(classRefund, 0)()
		release := acquire(classRecheck, 0)
		acquire(classFirst, 0)()
		acquire(classRefund, time.Minute)()
		release()
		if q.later != 0 || q.refunds != 0 {
			t.Errorf("%d and %d are in flight", q.later, q.refunds)
		}
	})
}
