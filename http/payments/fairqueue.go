// The queue in front of the provider. Events come in the order of the log, so one user's thousands of orders would stand
// before everybody else's, and so would the refunds of a performance that was called off; here the users take turns, and so do the
// kinds of work.

package payments

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"onsale/http/payments/portone"
)

const (
	maxWaiting   = 2048 // entries but for refunds; above it, the user who has most loses the newest
	keptPerUser  = 16   // entries that no user loses; where all have fewer, fetching stops and the rest waits in the log
	userShare    = 4    // one user has at most a fourth of the slots
	recheckShare = 4    // where both wait, every fourth slot is for a recheck
	refundShare  = 4    // refunds have at most a fourth of the slots
	refundTurn   = 8    // where others wait too, every eighth slot is for a refund
)

// MaxEvents is how many events a Worker is to be given at once: those that wait, those in flight, and those that wait for
// this node's store.
const MaxEvents = maxWaiting + 512

// MaxBackground is the same for HandleBackground. All others wait in the log, where they are not lost, and cost nothing.
const MaxBackground = 256

// errDeferred: too much of this user waits, and this is left to the order's next recheck.
var errDeferred = fmt.Errorf("%w: deferred", portone.ErrUnknown)

type class int

const (
	classFirst   class = iota // a user waits for it: an order without a result, a preparation, a webhook
	classRefund               // of an order that has had its result
	classRecheck              // of what was looked at before
	numClasses
)

// classNames are for metrics.
var classNames = [numClasses]string{"first", "refund", "recheck"}

// fairQueue gives slots to users in turn, first verifications before refunds and rechecks, and no user more than a share of the slots.
type fairQueue struct {
	perUser, maxRefunds, limit int

	mu       sync.Mutex // guards what follows
	free     int        // slots
	inFlight map[string]int
	refunds  int // in flight
	later    int // the same, of refunds and rechecks
	waiting  [numClasses]turns
	perOwner map[string]int // waiting entries of each user, in all classes but classRefund
	length   int            // the sum of perOwner
	grants   int
	slow     bool // refunds and rechecks get one slot
}

// turns are the entries of one class.
type turns struct {
	users  []string            // that wait, the next one first
	byUser map[string][]*entry // oldest first
	length int
}

type entry struct {
	user   string
	class  class
	result chan error // capacity 1: nil is a slot
}

func newFairQueue(slots, limit int) *fairQueue {
	q := &fairQueue{
		perUser: max(1, slots/userShare), maxRefunds: max(1, slots/refundShare), limit: limit,
		free: slots, inFlight: map[string]int{}, perOwner: map[string]int{},
	}
	for c := range q.waiting {
		q.waiting[c].byUser = map[string][]*entry{}
	}
	return q
}

// acquire waits for a slot, which the caller must release. Its error is errDeferred, that of flush, or ctx's.
func (q *fairQueue) acquire(ctx context.Context, user string, c class) (release func(), err error) {
	e := &entry{user, c, make(chan error, 1)}
	q.mu.Lock()
	q.add(e)
	q.dispatch()
	if q.length > q.limit {
		q.shorten()
	}
	q.mu.Unlock()
	select {
	case err = <-e.result:
	case <-ctx.Done():
		q.mu.Lock()
		q.settle(e, ctx.Err()) // unless it has a result already
		q.mu.Unlock()
		err = <-e.result
	}
	if err != nil {
		return nil, err
	}
	return func() { q.release(user, c) }, nil
}

func (q *fairQueue) release(user string, c class) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free++
	if c == classRefund {
		q.refunds--
	}
	if c != classFirst {
		q.later--
	}
	if q.inFlight[user]--; q.inFlight[user] == 0 {
		delete(q.inFlight, user)
	}
	q.dispatch()
}

// flush ends all waiting with err.
func (q *fairQueue) flush(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for c := range q.waiting {
		for _, entries := range q.waiting[c].byUser {
			for _, e := range slices.Clone(entries) {
				q.settle(e, err)
			}
		}
	}
}

// slowDown gives refunds and rechecks one slot only, for d; false: it does so already. None at all would be too few: a provider that
// now and then refuses one request of many would stop them for good.
func (q *fairQueue) slowDown(d time.Duration) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.slow {
		return false
	}
	q.slow = true
	time.AfterFunc(d, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.slow = false
		q.dispatch()
	})
	return true
}

// counts are for metrics.
func (q *fairQueue) counts() (inFlight int, waiting [numClasses]int, slow bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, n := range q.inFlight {
		inFlight += n
	}
	for c := range q.waiting {
		waiting[c] = q.waiting[c].length
	}
	return inFlight, waiting, q.slow
}

func (q *fairQueue) add(e *entry) {
	t := &q.waiting[e.class]
	if len(t.byUser[e.user]) == 0 {
		t.users = append(t.users, e.user)
	}
	t.byUser[e.user] = append(t.byUser[e.user], e)
	t.length++
	if e.class != classRefund {
		q.perOwner[e.user]++
		q.length++
	}
}

// settle gives a waiting entry its result. One that no longer waits keeps the result that it has.
func (q *fairQueue) settle(e *entry, result error) {
	t := &q.waiting[e.class]
	i := slices.Index(t.byUser[e.user], e)
	if i < 0 {
		return
	}
	t.byUser[e.user] = slices.Delete(t.byUser[e.user], i, i+1)
	if len(t.byUser[e.user]) == 0 {
		delete(t.byUser, e.user)
		i := slices.Index(t.users, e.user)
		t.users = slices.Delete(t.users, i, i+1)
	}
	t.length--
	if e.class != classRefund {
		if q.perOwner[e.user]--; q.perOwner[e.user] == 0 {
			delete(q.perOwner, e.user)
		}
		q.length--
	}
	e.result <- result
}

// dispatch gives free slots to whose turn it is.
func (q *fairQueue) dispatch() {
	for q.free > 0 {
		e := q.next()
		if e == nil {
			return
		}
		q.free--
		q.grants++
		q.inFlight[e.user]++
		if e.class == classRefund {
			q.refunds++
		}
		if e.class != classFirst {
			q.later++
		}
		q.settle(e, nil)
		if t := &q.waiting[e.class]; len(t.byUser[e.user]) > 0 { // to the end of the line
			i := slices.Index(t.users, e.user)
			t.users = append(slices.Delete(t.users, i, i+1), e.user)
		}
	}
}

// next is the entry for the next slot, or nil.
func (q *fairQueue) next() *entry {
	order := [numClasses]class{classFirst, classRefund, classRecheck}
	switch {
	case q.grants%recheckShare == recheckShare-1:
		order = [numClasses]class{classRecheck, classFirst, classRefund}
	case q.grants%refundTurn == refundTurn/2:
		order = [numClasses]class{classRefund, classFirst, classRecheck}
	}
	for _, c := range order {
		if c != classFirst && q.slow && q.later > 0 || c == classRefund && q.refunds == q.maxRefunds {
			continue
		}
		for _, user := range q.waiting[c].users {
			if q.inFlight[user] < q.perUser {
				return q.waiting[c].byUser[user][0]
			}
		}
	}
	return nil
}

// shorten defers the newest entry of the user who has most, a recheck if there is one.
func (q *fairQueue) shorten() {
	longest, most := "", keptPerUser
	for user, n := range q.perOwner {
		if n > most {
			longest, most = user, n
		}
	}
	if most == keptPerUser {
		return
	}
	for _, c := range []class{classRecheck, classFirst} {
		if entries := q.waiting[c].byUser[longest]; len(entries) > 0 {
			q.settle(entries[len(entries)-1], errDeferred)
			return
		}
	}
}
