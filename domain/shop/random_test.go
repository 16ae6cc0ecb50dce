// The rules and their dumb twin go through thousands of days by chance and have to agree on every one of them.
package shop_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"onsale/domain"
	"onsale/domain/seats"
)

var seed = flag.Uint64("seed", 0, "of the chance; 0: another one every time")

func chanceOf(t *testing.T) *rand.Rand {
	from := *seed
	if from == 0 {
		from = rand.Uint64()
	}
	t.Logf("again with -seed %d", from)
	return rand.New(rand.NewPCG(from, 0))
}

// TestTwin runs 20,000 commands, with ONSALE_TEST_LONG a million.
func TestTwin(t *testing.T) {
	rng, commands := chanceOf(t), 20_000
	if os.Getenv("ONSALE_TEST_LONG") != "" {
		commands = 1_000_000
	}
	codes := map[string]int{}
	for commands > 0 {
		d := newDouble(t, rng.IntN)
		d.twin, d.codes = newTwin(), codes
		d.chance.liar = rng.IntN(2) == 0
		for range 500 {
			d.arrive(d.chance.message())
			for range 1 + rng.IntN(3) {
				d.careful, d.pure = rng.IntN(8) == 0, rng.IntN(50) == 0
				d.next()
				commands--
			}
		}
		d.checkReplay()
	}
	for _, said := range []string{"user_limit_exceeded", "already_issued", "sold_out", "not_open", "closed", "promotion_exists", "promotion_not_found",
		"schedule_exists", "schedule_not_found", "seat_not_found", "seat_unavailable", "seat_limit_exceeded", "hold_not_found", "hold_expired",
		"not_owner", "request_id_reused", "invalid_body", "too_many_seats", "no_adjacent_seats", "orphan_seat", "extend_limit_exceeded",
		"reservation_not_found", "already_cancelled", "alarm_not_found",
		"paused", "stock_below_issued", "coupon_not_found", "already_used", "revoked", "already_waiting", "waiting_not_found", "no_offer",
		"offer_expired", "product_not_found", "product_exists", "product_closed", "invalid_count", "amount_mismatch", "payment_already_used",
		"order_not_found"} {
		if codes[said] == 0 {
			t.Errorf("chance never led to %s: it proves nothing about it", said)
		}
	}
}

// TestTwinCrowd lets more holds end at once than one command can tell.
func TestTwinCrowd(t *testing.T) {
	rng := chanceOf(t)
	d := newDouble(t, rng.IntN)
	d.twin, d.careful, d.pure = newTwin(), false, false
	d.chance.seats, d.chance.users = 1100, 1100
	d.arrive(d.chance.at)
	big := seats.Create{Title: "s", HoldSeconds: 1, MaxSeatsPerUser: 3,
		Sections: []seats.Section{{Name: "A", Price: 3, Rows: []seats.Row{{Name: "1", Seats: 1100}}}}}
	d.compare("admin", "a", "hall", big)
	for range 3 {
		d.arrive(d.chance.message())
		for i, seat := range rng.Perm(1100) {
			if d.index == perMessage {
				d.arrive(d.chance.at + domain.Time(rng.IntN(2)))
			}
			user := strconv.Itoa(i / (1 + rng.IntN(2)))
			d.compare("u"+user, "c"+strconv.Itoa(d.chance.asked), "hall", seats.Hold{ScheduleSeatIDs: []int{seat + 1}})
			d.chance.asked++
		}
		d.chance.at += 1000
		for range 6 {
			d.arrive(d.chance.at + domain.Time(rng.IntN(2)))
			d.next()
		}
	}
	if err := checkState(d.Shop); err != nil {
		t.Error(err)
	}
	d.checkReplay()
}
