// Many refunds at once, and a worker that ends between any two steps of a story.

package payments_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/http/payments"
	"onsale/http/payments/portone"
	"onsale/http/payments/portone/fakeportone"
)

// gatedRefunds refunds nothing until gate is closed.
type gatedRefunds struct {
	payments.Provider
	gate          chan struct{}
	waiting, most atomic.Int64
}

func (p *gatedRefunds) Cancel(ctx context.Context, c portone.Cancel) (pending bool, err error) {
	for n := p.waiting.Add(1); n > p.most.Load(); p.most.Store(n) {
	}
	defer p.waiting.Add(-1)
	select {
	case <-p.gate:
	case <-ctx.Done():
		return false, fmt.Errorf("%w: %w", portone.ErrUnknown, ctx.Err())
	}
	return p.Provider.Cancel(ctx, c)
}

// newSchedule makes a schedule with paid seats.
func (f *fixture) newSchedule(id string, numSeats int) {
	f.submit("admin", id, seats.Create{
		Title: "Opera", StartsAt: domain.At(time.Now().Add(72 * time.Hour)), HoldSeconds: 3600, MaxSeatsPerUser: 1,
		Options:  seats.Options{Payment: seats.PaymentRequired, RefundTiers: []seats.RefundTier{{UntilSeconds: 3600, Percent: 70}}},
		Sections: []seats.Section{{Name: "A", Price: price, Rows: []seats.Row{{Name: "1", Seats: numSeats}}}},
	})
}

// A performance is called off, and the provider is slow to refund: new orders are verified meanwhile. The node ends in the middle of it
// and goes on after that, and each payment is refunded once.
func TestWorker_RefundsPerformanceBesideNewOrders(t *testing.T) {
	const sold, share = 80, 2
	f := newFixture(t, newNode(t), sold)
	f.dropWebhooks()
	provider := &gatedRefunds{Provider: f.client, gate: make(chan struct{})}
	f.client, f.concurrency = provider, 4*share
	f.newSchedule("hall", sold)
	for i := range sold {
		user, ref := fmt.Sprint("user", i), fmt.Sprint("seat", i)
		hold := f.submit(user, "hall", seats.Hold{ScheduleSeatIDs: []int{i + 1}})
		f.createPayment(ref, price, "paid")
		order := orderCommand("")
		order.Count, order.HoldID = 0, seats.HoldID(hold)
		f.submit(user, ref, order)
	}
	f.startWorker()
	for _, ref := range f.refs {
		f.waitStatus(ref, orders.StatusPaid)
	}
	f.submit("admin", "hall", seats.CancelSchedule{Reason: "storm"})
	f.waitCaughtUp()
	worker := f.worker.Load()
	waitFor(t, "all refunds wait", func() bool {
		return metric(t, worker, "onsale_payments_waiting", "class=refund") == sold-share
	})
	for i := range sold {
		ref := fmt.Sprint("new", i)
		f.createPayment(ref, price, "paid")
		f.submit("kim", ref, orderCommand("tee"))
	}
	for i := range sold {
		f.waitStatus(fmt.Sprint("new", i), orders.StatusPaid)
	}
	if _, refunded := f.fake.Sums(); refunded > 0 || provider.most.Load() != share {
		t.Errorf("%d refunded, %d refunds in flight, want 0 and %d", refunded, provider.most.Load(), share)
	}
	close(provider.gate)
	waitFor(t, "some are refunded", func() bool { _, refunded := f.fake.Sums(); return refunded >= 10*price })
	f.restart()
	for i := range sold {
		ref := fmt.Sprint("seat", i)
		f.waitStatus(ref, orders.StatusRefunded)
		if n := len(f.fake.Cancels(ref)); n != 1 {
			t.Errorf("%s was refunded %d times", ref, n)
		}
	}
	if most := provider.most.Load(); most > share {
		t.Errorf("%d refunds were in flight at once, want at most %d", most, share)
	}
	f.stopWorker()
	f.checkBalance()
}

// The provider refuses so many requests: refunds are sent one at a time, and not given up.
func TestWorker_SlowsDownRefunds(t *testing.T) {
	f := newFixture(t, newNode(t), 2)
	f.dropWebhooks()
	f.timeUnit = time.Minute // it stays slow
	f.startWorker()
	for _, ref := range []string{"imp1", "imp2"} {
		f.createPayment(ref, price, "paid")
	}
	f.submit("kim", "imp1", orderCommand("tee"))
	f.waitStatus("imp1", orders.StatusPaid)
	if err := f.fake.Fail("cancel", fakeportone.Fault{Kind: fakeportone.TooMany}, 1); err != nil {
		t.Fatal(err)
	}
	f.submit("admin", "imp1", orders.Cancel{Reason: "broken"})
	worker := f.worker.Load()
	waitFor(t, "the worker has slowed down", func() bool { return metric(t, worker, "onsale_payments_slowed") == 1 })
	f.submit("lee", "imp2", orderCommand("tee"))
	f.waitStatus("imp2", orders.StatusPaid)
	f.advance(time.Minute) // the rules ask for the refund again
	f.waitStatus("imp1", orders.StatusRefunded)
	if metric(t, worker, "onsale_payments_slowed") != 1 {
		t.Error("the worker is no longer slow")
	}
	f.stopWorker()
	f.checkBalance()
}

// crashPoint ends the worker at one of the moments before and after its requests and commands.
type crashPoint struct {
	payments.Provider
	appendTo func(context.Context, domain.Command) (uint64, error)

	mu      sync.Mutex
	reached int
	at      int // 0: never
	crash   func()
}

var errCrashed = fmt.Errorf("%w: crashed", portone.ErrUnknown)

// pass is called at each moment; an error is a crash.
func (c *crashPoint) pass(ctx context.Context) error {
	c.mu.Lock()
	c.reached++
	crash := c.reached == c.at
	c.mu.Unlock()
	if crash {
		go c.crash()
		<-ctx.Done()
	}
	if ctx.Err() != nil {
		return errCrashed
	}
	return nil
}

// around does what cannot be stopped once it has begun.
func (c *crashPoint) around(ctx context.Context, do func(context.Context)) error {
	if err := c.pass(ctx); err != nil {
		return err
	}
	do(context.WithoutCancel(ctx))
	return c.pass(ctx)
}

func (c *crashPoint) Get(ctx context.Context, ref string) (p portone.Payment, err error) {
	if crashed := c.around(ctx, func(ctx context.Context) { p, err = c.Provider.Get(ctx, ref) }); crashed != nil {
		return portone.Payment{}, crashed
	}
	return p, err
}

func (c *crashPoint) Find(ctx context.Context, uid string) (found []portone.Payment, err error) {
	if crashed := c.around(ctx, func(ctx context.Context) { found, err = c.Provider.Find(ctx, uid) }); crashed != nil {
		return nil, crashed
	}
	return found, err
}

func (c *crashPoint) Cancel(ctx context.Context, refund portone.Cancel) (pending bool, err error) {
	if crashed := c.around(ctx, func(ctx context.Context) { pending, err = c.Provider.Cancel(ctx, refund) }); crashed != nil {
		return false, crashed
	}
	return pending, err
}

func (c *crashPoint) append(ctx context.Context, command domain.Command) (sequence uint64, err error) {
	if crashed := c.around(ctx, func(ctx context.Context) { sequence, err = c.appendTo(ctx, command) }); crashed != nil {
		return 0, crashed
	}
	return sequence, err
}

// A user prepares the payment of a seat with a coupon, pays, and is gone; then comes back and cancels for a part. The worker ends at
// every step of that, each time in another story, a new one goes on, and the outcome is the same.
func TestWorker_SurvivesEndAtEachStep(t *testing.T) {
	f := newFixture(t, newNode(t), 1)
	f.dropWebhooks()
	point := &crashPoint{Provider: f.client, appendTo: f.log.Append}
	f.client, f.appendTo = point, point.append
	for at := 1; ; at++ {
		crashed := make(chan struct{})
		point.mu.Lock()
		point.reached, point.at = 0, at
		point.crash = func() { f.stopWorker(); close(crashed) }
		point.mu.Unlock()
		f.startWorker()
		done := make(chan struct{})
		var next sync.WaitGroup
		next.Go(func() {
			select {
			case <-crashed:
				f.startWorker()
			case <-done:
			}
		})
		f.runStory(at)
		waitFor(t, "the worker is idle", func() bool { return f.worker.Load().Idle() })
		close(done)
		next.Wait()
		f.stopWorker()
		point.mu.Lock()
		ended := point.reached < at
		point.mu.Unlock()
		if ended {
			t.Logf("the worker ended at each of %d steps", at-1)
			if at < 16 {
				t.Errorf("only %d steps: what has become of the story?", at-1)
			}
			break
		}
	}
	wantNoViolations(t, f.fake)
}

// runStory is the story of one user, from an empty schedule to the refund.
func (f *fixture) runStory(number int) {
	f.tb.Helper()
	user, hall, less := fmt.Sprint("kim", number), fmt.Sprint("hall", number), fmt.Sprint("less", number)
	ref := fmt.Sprint("imp", number)
	f.newSchedule(hall, 1)
	f.submit("admin", less, coupons.Create{
		Name: "less", Stock: 1, PerUserLimit: 1, DiscountTerms: coupons.DiscountTerms{Discount: &coupons.Discount{Kind: coupons.DiscountFixed, Amount: discount}},
	})
	f.submit(user, less, coupons.Issue{})
	hold := seats.HoldID(f.submit(user, hall, seats.Hold{ScheduleSeatIDs: []int{1}}))
	terms := orderCommand("").Terms
	f.submit(user, hold, orders.Prepare{HoldID: hold, CouponID: coupons.CouponID(less, 1), Terms: &terms})
	f.waitCaughtUp()
	prepared, ok := f.outcome(user, "products.prepare "+hold).(orders.Prepared)
	if !ok {
		f.tb.Fatalf("got %#v", f.outcome(user, "products.prepare "+hold))
	}
	if _, err := f.fake.Create(fakeportone.Payment{ImpUID: ref, MerchantUID: prepared.MerchantUID, Amount: seatPrice}); err != nil {
		f.tb.Fatal(err)
	}
	f.advance(5 * time.Minute)
	f.waitStatus(ref, orders.StatusPaid)
	if seat, coupon := f.seat(user, hall), f.coupon(user); seat != "RESERVED by the user" || coupon != "USED" {
		f.tb.Errorf("story %d: seat %s, coupon %s", number, seat, coupon)
	}
	f.submit(user, hall, seats.Cancel{ReservationID: f.order(ref).ReservationID})
	f.waitStatus(ref, orders.StatusRefunded)
	o, cancels := f.order(ref), f.fake.Cancels(ref)
	if o.Kept != 270 || o.Refunded() != 630 || len(cancels) != 1 || cancels[0].Amount != 630 {
		f.tb.Errorf("story %d: refunds %+v, order %+v", number, cancels, o)
	}
	if results := f.results(ref); len(results) != 1 {
		f.tb.Errorf("story %d: results %q", number, results)
	}
	if seat, coupon := f.seat(user, hall), f.coupon(user); seat != "AVAILABLE" || coupon != "USED" {
		f.tb.Errorf("story %d, after the refund: seat %s, coupon %s", number, seat, coupon)
	}
}
