// Random commands, executed by the state machine and by its model: both have to decide the same.

package machine_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"onsale/domain"
	"onsale/domain/seats"
)

// modelCheck executes random commands on the state machine and on the model.
type modelCheck struct {
	*fixture
	generator *generator
	model     *model // nil: no comparison
	codes     map[string]int
	visit     func(domain.Command, []domain.Event) // called after each command; may be nil
}

func newModelCheck(t testing.TB, intN func(n int) int) *modelCheck {
	d := &modelCheck{fixture: newFixture(t), generator: newGenerator(intN), codes: map[string]int{}}
	d.generator.quote = d.quote
	d.generator.kept = func(impUID string) int64 {
		if o := d.Orders.Order(impUID); o != nil {
			return o.Kept
		}
		return 0
	}
	return d
}

// step executes a random command.
func (d *modelCheck) step() {
	d.t.Helper()
	d.check(d.generator.command())
}

func (d *modelCheck) check(user, key, entity string, body domain.Body) {
	d.t.Helper()
	cmd, events := d.submit(user, key, entity, body)
	var got []string
	for _, e := range events {
		got = append(got, describe(e))
		d.generator.record(e)
		d.generator.recordCoupons(e)
		d.generator.recordOrders(e)
		d.generator.recordPurchases(e)
		switch b := e.Body.(type) {
		case domain.Rejection:
			d.codes[b.Code]++
		default:
			d.codes[outcomeLabel(b)]++
		}
	}
	if d.visit != nil {
		d.visit(cmd, events)
	}
	if d.model == nil {
		return
	}
	if want := d.model.decide(cmd); !slices.Equal(got, want) {
		d.t.Fatalf("command %d at %s %+v\n got %q\nwant %q", cmd.Sequence, cmd.At, cmd, got, want)
	}
}

// describe is the model's line for an event.
func describe(e domain.Event) string {
	switch b := e.Body.(type) {
	case domain.Rejection:
		text := b.Code
		for _, detail := range []any{b.CouponID, b.Limit, b.SoldOutSequence, b.OpensAt, b.ClosesAt, b.ExpiredAt, b.ScheduleSeatIDs,
			b.Number, b.Offered, b.Issued, b.OpensInSeconds, b.WaitingID, b.MinAmount, b.PaymentIDs} {
			if v := reflect.ValueOf(detail); !v.IsZero() {
				text += fmt.Sprint(" ", detail)
			}
		}
		if b.Available != nil {
			text += fmt.Sprint(" of ", *b.Available)
		}
		if b.Expected != 0 {
			text += fmt.Sprint(" expected ", b.Expected)
		}
		if b.Section != "" {
			text += " in " + b.Section
		}
		return text
	}
	if text := describeCoupon(e) + describeSeat(e) + describeOrder(e) + describeAlarm(e); text != "" {
		return text
	}
	return fmt.Sprintf("%T", e.Body)
}

var seed = flag.Uint64("seed", 0, "seed of random tests; 0 for a random one")

func newRand(t *testing.T) *rand.Rand {
	from := *seed
	if from == 0 {
		from = rand.Uint64()
	}
	t.Logf("repeat with -seed %d", from)
	return rand.New(rand.NewPCG(from, 0))
}

// TestMachine_MatchesModel runs 20,000 commands, with ONSALE_TEST_LONG a million.
func TestMachine_MatchesModel(t *testing.T) {
	rng, commands := newRand(t), 20_000
	if longTests() {
		commands = 1_000_000
	}
	codes := map[string]int{}
	missing := func() []string {
		return slices.DeleteFunc(slices.Clone(modelCodes), func(code string) bool { return codes[code] > 0 })
	}
	// A random world may never ask for a rare code; more worlds do. A code that no rule gives any more is missing for good.
	for atMost := -3 * commands; commands > 0 || commands > atMost && len(missing()) > 0; {
		d := newModelCheck(t, rng.IntN)
		d.model, d.codes = newModel(), codes
		d.generator.falseAnswers = rng.IntN(2) == 0
		for range 500 {
			d.nextMessage(d.generator.nextTime())
			for range 1 + rng.IntN(3) {
				d.checkEveryEvent, d.checkReplica = rng.IntN(8) == 0, rng.IntN(50) == 0
				d.step()
				commands--
			}
		}
		d.checkReplay()
	}
	if codes := missing(); len(codes) > 0 {
		t.Errorf("no command led to %s", codes)
	}
}

// modelCodes are the codes, and rare events, that the random commands lead to.
var modelCodes = []string{"user_limit_exceeded", "already_issued", "sold_out", "not_open", "closed", "promotion_exists", "promotion_not_found",
	"schedule_exists", "schedule_not_found", "seat_not_found", "seat_unavailable", "seat_limit_exceeded", "hold_not_found", "hold_expired",
	"not_owner", "request_id_reused", "invalid_body", "too_many_seats", "no_adjacent_seats", "orphan_seat", "extend_limit_exceeded",
	"reservation_not_found", "already_cancelled", "alarm_not_found",
	"paused", "stock_below_issued", "coupon_not_found", "already_used", "revoked", "already_waiting", "waiting_not_found", "no_offer",
	"offer_expired", "product_not_found", "product_exists", "product_closed", "invalid_count", "amount_mismatch", "payment_already_used",
	"order_not_found", "too_many_open_orders", "payment_required", "payment_not_required", "hold_in_order", "paid_seats", "cancel_closed",
	"coupon_not_applicable", "coupon_in_order", "orders.confirmed", "seats.order-failed", "seats.schedule-cancelled"}

// TestMachine_ExpiresManyHolds lets more holds expire at once than one command can have events.
func TestMachine_ExpiresManyHolds(t *testing.T) {
	rng := newRand(t)
	d := newModelCheck(t, rng.IntN)
	d.model, d.checkEveryEvent, d.checkReplica = newModel(), false, false
	d.generator.seats, d.generator.users = 1100, 1100
	d.nextMessage(d.generator.at)
	schedule := seats.Create{Title: "s", HoldSeconds: 1, MaxSeatsPerUser: 3,
		Sections: []seats.Section{{Name: "A", Price: 3, Rows: []seats.Row{{Name: "1", Seats: 1100}}}}}
	d.check("admin", "a", "hall", schedule)
	for range 3 {
		d.nextMessage(d.generator.nextTime())
		for i, seat := range rng.Perm(1100) {
			if d.index == perMessage {
				d.nextMessage(d.generator.at + domain.Time(rng.IntN(2)))
			}
			user := strconv.Itoa(i / (1 + rng.IntN(2)))
			d.check("u"+user, "c"+strconv.Itoa(d.generator.count), "hall", seats.Hold{ScheduleSeatIDs: []int{seat + 1}})
			d.generator.count++
		}
		d.generator.at += 1000
		for range 6 {
			d.nextMessage(d.generator.at + domain.Time(rng.IntN(2)))
			d.step()
		}
	}
	if err := checkState(d.Machine); err != nil {
		t.Error(err)
	}
	d.checkReplay()
}

// TestMachine_SurvivesInvalidCommands sends values that no valid client sends. No rule may panic or break an invariant.
func TestMachine_SurvivesInvalidCommands(t *testing.T) {
	rng := newRand(t)
	for range 20 {
		runInvalid(t, rng.IntN, func() bool { return true })
	}
}

// FuzzMachine is TestMachine_SurvivesInvalidCommands with the fuzzer's bytes for random numbers.
func FuzzMachine(f *testing.F) {
	f.Add([]byte("random bytes for the commands of a whole day"))
	f.Add([]byte{3, 5, 2, 0, 0, 2, 0, 4, 6, 0, 0, 1, 1, 0, 1, 1, 0, 0, 40, 0, 0, 1, 1, 1, 70, 0, 2, 0, 1})
	f.Fuzz(func(t *testing.T, input []byte) {
		intN := func(bound int) int {
			n := 0
			for limit := 1; limit < bound && len(input) > 0; limit <<= 8 {
				n, input = n<<8|int(input[0]), input[1:]
			}
			return n % bound
		}
		runInvalid(t, intN, func() bool { return len(input) > 0 })
	})
}

func runInvalid(t *testing.T, intN func(n int) int, hasMore func() bool) {
	d := newModelCheck(t, intN)
	d.generator.invalid, d.generator.falseAnswers = true, true
	d.nextMessage(d.generator.nextTime())
	for commands := 0; hasMore() && commands < 300; commands++ {
		if intN(3) > 0 {
			d.nextMessage(d.generator.nextTime())
		}
		d.checkReplica = commands%32 == 0
		d.step()
	}
	d.checkReplay()
}
