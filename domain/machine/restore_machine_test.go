// A machine that was restored from rows decides as the one that never stopped, at any moment: between the two events that end a
// performance, while a late order waits for its payment, with a part of a payment kept.

package machine_test

import (
	"bytes"
	"slices"
	"testing"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/machine"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

func TestMachine_RestoredDecidesAlike(t *testing.T) {
	rng, seen := newRand(t), map[string]int{}
	missing := func() (states []string) {
		for _, state := range []string{"called off midway", "late hold", "hold in order", "kept", "asked for", "coupon in order", "prepared hold", "reserved"} {
			if seen[state] == 0 {
				states = append(states, state)
			}
		}
		return states
	}
	for worlds := 0; worlds < 12 || worlds < 60 && len(missing()) > 0; worlds++ {
		d := newModelCheck(t, rng.IntN)
		d.checkEveryEvent, d.checkReplica, d.generator.selling = false, false, true
		var restored *machine.Machine
		left := 0 // commands until it is restored once more
		d.visit = func(cmd domain.Command, events []domain.Event) {
			if restored != nil {
				got, _ := restored.Execute(cmd)
				if got, want := mustJSON(t, got), mustJSON(t, events); !bytes.Equal(got, want) {
					t.Fatalf("command %d %+v, decided by a machine restored from rows\n got %s\nwant %s", cmd.Sequence, cmd, got, want)
				}
			}
			states := describeStates(d.Machine)
			if left--; left <= 0 || states["called off midway"] {
				restored, left = d.restoreMachine(), 1+rng.IntN(30)
				for state := range states {
					seen[state]++
				}
			}
		}
		for range 500 {
			d.nextMessage(d.generator.nextTime())
			if d.step(); rng.IntN(100) == 0 {
				d.generator.at += 300_000
			}
		}
	}
	if states := missing(); states != nil {
		t.Errorf("never restored: %q", states)
	}
}

// describeStates says which of the states a machine has that matter here.
func describeStates(m *machine.Machine) map[string]bool {
	states := map[string]bool{}
	for _, id := range m.Seats.IDs() {
		sc := m.Seats.Schedule(id)
		if sc.Cancelled != nil && !hasEnded(sc) {
			states["called off midway"] = true
		}
		for _, h := range sc.Allocations() {
			if h.Prepared {
				states["prepared hold"] = true
			}
			if h.PaymentID != "" {
				states["hold in order"] = true
				if m.Orders.Order(h.PaymentID).Late {
					states["late hold"] = true
				}
			}
		}
	}
	for _, id := range m.Orders.Orders() {
		o := m.Orders.Order(id)
		if o.Kept > 0 {
			states["kept"] = true
		}
		if o.Status == orders.StatusPaid && o.ReservationID != "" {
			states["reserved"] = true
		}
	}
	for _, uid := range m.Orders.Preparations() {
		if m.Orders.Preparation(uid).Attempts > 0 {
			states["asked for"] = true
		}
	}
	for _, id := range m.Coupons.IDs() {
		p := m.Coupons.Promotion(id)
		for number := range p.IssuedEver {
			if c, _ := p.Coupon(number + 1); c.Status == coupons.StatusInOrder {
				states["coupon in order"] = true
			}
		}
	}
	return states
}

// restoreMachine restores the machine from what a store has of it.
func (d *modelCheck) restoreMachine() *machine.Machine {
	m := machine.New()
	m.Restore(d.Now, d.LastEvent)
	for id, record := range d.Requests() {
		m.RestoreRequest(id, record)
	}
	t := d.t.(*testing.T)
	m.Coupons, m.Orders, m.Seats = restoreCoupons(t, d.Coupons), restoreOrders(t, d.Orders), seats.New()
	for _, id := range d.Seats.IDs() {
		restoreSchedule(m.Seats, d.Seats.Schedule(id))
	}
	for _, e := range d.events {
		if _, ok := e.Body.(alarms.Raised); ok {
			m.Alarms.Restore(e.User, e.Number, !slices.Contains(d.Alarms.UnreadNumbers(e.User), e.Number))
		}
	}
	return m
}
