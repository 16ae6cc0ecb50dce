package projections_test

import (
	"fmt"
	"iter"
	"reflect"
	"strings"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/seats"
	"onsale/projections"
)

// tell does one command after the other and wants each to lead to the event named.
func (w *world) tell(user, entity string, body domain.Body, want string) projections.Outcome {
	w.tb.Helper()
	state, err := w.log.State(w.tb.Context())
	if err != nil {
		w.tb.Fatal(err)
	}
	o := w.do(command(user, fmt.Sprint("story ", state.Commands.Last), entity, body))
	if o.Type != want {
		w.tb.Fatalf("%s of %s: got %s %s, want %s", user, entity, o.Type, o.Data, want)
	}
	return o
}

// look wants a user to see something, in this life of the node and in the next.
func (w *world) look(user string, see func(v *projections.View) (any, error), want string) {
	w.tb.Helper()
	err := w.p.Read(user, func(v *projections.View) error {
		seen, err := see(v)
		if got := fmt.Sprintf("%+v", seen); err == nil && got != want {
			w.tb.Errorf("%s sees\n %s\nwant\n %s", user, got, want)
		}
		return err
	})
	if err != nil {
		w.tb.Error(err)
	}
}

func (w *world) again() {
	w.close()
	w.start()
	w.settle()
}

// myCoupons are "number status", in pages of one.
func myCoupons(v *projections.View) (any, error) {
	return inPages(v.Coupons, func(c projections.Coupon) string { return fmt.Sprint(c.CouponID, " ", c.Status) })
}

func inPages[T any](list func(from uint64, limit int) (projections.Page[T], error), line func(T) string) (seen []string, err error) {
	for from := uint64(0); ; {
		page, err := list(from, 1)
		if err != nil || len(page.Items) > 1 {
			return seen, fmt.Errorf("%d items, %w", len(page.Items), err)
		}
		for _, item := range page.Items {
			seen = append(seen, line(item))
		}
		if from = page.Next; from == 0 {
			return seen, nil
		}
	}
}

func myPlaces(v *projections.View) (any, error) {
	page, err := v.Waiting(0, 10)
	var seen []string
	for _, p := range page.Items {
		seen = append(seen, fmt.Sprint(p.PromotionID, p.ScheduleID, " ", p.Section, p.Quantity, " at ", p.Position, " offered ", p.ExpiresAt != 0, p.ScheduleSeatIDs))
	}
	return seen, err
}

func myAlarms(v *projections.View) (any, error) {
	page, err := v.Alarms(0, 10)
	seen := []string{fmt.Sprint(v.Unread())}
	for _, a := range page.Items {
		seen = append(seen, fmt.Sprint(a.Raised.Kind, " ", a.Read))
	}
	return seen, err
}

// A sale from its beginning to its end, as those who are in it see it.
func TestStory_Coupons(t *testing.T) {
	w := newWorld(t)
	w.tell("shop", "sale", coupons.Create{Name: "s", Stock: 2, PerUserLimit: 2}, "coupons.created")
	w.tell("kim", "sale", coupons.Issue{}, "coupons.issued")
	w.tell("lee", "sale", coupons.Issue{}, "coupons.issued")
	park := w.tell("park", "sale", coupons.Join{Quantity: 1}, "coupons.joined")
	choi := w.tell("choi", "sale", coupons.Join{Quantity: 2}, "coupons.joined")
	w.tell("shop", "sale", coupons.Pause{Reason: "rain"}, "coupons.paused")
	w.again()
	w.look("choi", myPlaces, "[sale 2 at 2 offered false []]")
	w.look("", func(v *projections.View) (any, error) {
		p, _, err := v.Promotion("sale")
		return []any{p.Issued(), p.Remaining(), p.Paused, v.InLine("sale"), v.InLine("none")}, err
	}, "[2 0 true 2 0]")
	w.tell("shop", "sale", coupons.Resume{}, "coupons.resumed")
	w.tell("kim", "sale", coupons.Use{Number: 1}, "coupons.used")
	w.tell("shop", "sale", coupons.Revoke{Number: 2, ReturnStock: true, Reason: "fraud"}, "coupons.withdrawn")
	w.again()
	w.look("kim", myCoupons, "[sale-1 USED]")
	w.look("lee", myCoupons, "[sale-2 REVOKED]")
	w.look("lee", myAlarms, "[1 coupon-revoked false]")
	w.look("park", myPlaces, "[sale 1 at 0 offered true []]")
	w.look("choi", myPlaces, "[sale 2 at 1 offered false []]")
	w.tell("shop", "sale", coupons.ChangeStock{Delta: 3}, "coupons.restocked")
	w.tell("choi", "sale", coupons.Issue{}, "coupons.issued")
	w.tell("choi", "sale", coupons.Accept{WaitingID: coupons.WaitingID("sale", choi.Sequence)}, "coupons.rejected")
	w.tell("choi", "sale", coupons.Leave{WaitingID: coupons.WaitingID("sale", choi.Sequence)}, "coupons.left")
	pair := w.tell("jung", "sale", coupons.Join{Quantity: 2}, "coupons.joined")
	w.tell("jung", "sale", coupons.Accept{WaitingID: coupons.WaitingID("sale", pair.Sequence)}, "coupons.accepted")
	w.tell("park", "sale", coupons.Decline{WaitingID: coupons.WaitingID("sale", park.Sequence)}, "coupons.declined")
	w.tell("jung", "sale", coupons.Use{Number: 5}, "coupons.used")
	w.tell("shop", "sale", coupons.Close{}, "coupons.closed")
	w.again()
	w.look("jung", myCoupons, "[sale-4 ISSUED sale-5 USED]")
	w.look("park", myPlaces, "[]")
	w.tell("lee", "lee", alarms.MarkAll{}, "alarms.all-marked")
	sent := w.tell("shop", "lee", alarms.Raise{Kind: "shop", Message: "sorry"}, "alarms.sent")
	w.look("lee", myAlarms, "[1 shop false coupon-revoked true]")
	w.tell("lee", "lee", alarms.Mark{AlarmID: alarms.ID(sent.Event - 1)}, "alarms.marked")
	w.look("lee", myAlarms, "[0 shop true coupon-revoked true]")

	got := exported(t, w.p.ExportCoupons(""), func(c projections.OwnedCoupon) string {
		return fmt.Sprint(c.CouponID, " ", c.UserID, " ", c.Status, " ", c.IssuedAt != 0)
	})
	want := []string{"sale-1 kim USED true", "sale-2 lee REVOKED true", "sale-3 choi ISSUED true", "sale-4 jung ISSUED true", "sale-5 jung USED true"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	got = exported(t, w.p.ExportTrail(), func(d projections.Deed) string {
		return strings.TrimSpace(fmt.Sprint(d.User, " ", d.Type, " ", d.Entity, d.Code, " ", d.Reason))
	})
	want = []string{"shop coupons.created sale", "shop coupons.paused sale rain", "shop coupons.resumed sale",
		"shop coupons.withdrawn sale fraud", "shop coupons.restocked sale", "shop coupons.closed sale", "shop alarms.sent lee"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func exported[T any](t *testing.T, rows iter.Seq2[T, error], line func(T) string) (lines []string) {
	t.Helper()
	for row, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line(row))
	}
	return lines
}

// plan is the seats of a schedule as a user sees them: a letter for each, large where it is theirs.
func plan(schedule string) func(v *projections.View) (any, error) {
	return func(v *projections.View) (any, error) {
		s, _, err := v.Schedule(schedule)
		if err != nil {
			return nil, err
		}
		row := ""
		err = v.Seats(schedule, func(seat projections.SeatView) error {
			letter := strings.ToLower(string(seat.Status[:1]))
			if seat.Mine {
				letter = strings.ToUpper(letter)
			}
			if seat.HeldUntil != 0 {
				letter += "!"
			}
			row += letter
			return nil
		})
		return fmt.Sprint(row, " ", s.Available, s.Held, s.Reserved, s.Blocked, " ", s.Waiting, s.Closed), err
	}
}

// An evening from the opening of its box office to the end.
func TestStory_Seats(t *testing.T) {
	w := newWorld(t)
	w.close()
	w.lapse = time.Second
	w.start()
	w.tell("shop", "hall", seats.Create{Title: "t", HoldSeconds: 90, MaxSeatsPerUser: 4,
		Options:  seats.Options{MaxExtensions: 1, ReleaseEverySeconds: 3600},
		Sections: []seats.Section{{Name: "A", Price: 5, Rows: []seats.Row{{Name: "1", Seats: 6}}}}}, "seats.created")
	w.tell("shop", "hall", seats.Block{ScheduleSeatIDs: []int{5, 6}, Reason: "view"}, "seats.blocked")
	kim := w.tell("kim", "hall", seats.Hold{ScheduleSeatIDs: []int{1, 2}}, "seats.held")
	lee := w.tell("lee", "hall", seats.Hold{ScheduleSeatIDs: []int{3, 4}}, "seats.held")
	w.tell("kim", "hall", seats.Extend{HoldID: seats.HoldID(kim.Sequence)}, "seats.extended")
	w.tell("shop", "hall", seats.Unblock{ScheduleSeatIDs: []int{5}}, "seats.unblocked")
	w.tell("lee", "hall", seats.Swap{HoldID: seats.HoldID(lee.Sequence), Release: []int{3}, Take: []int{5}}, "seats.swapped")
	w.again()
	w.look("kim", plan("hall"), "H!H!ahhb 1 4 0 1 0 false")
	w.look("kim", func(v *projections.View) (any, error) {
		page, err := v.Holds("", 0, 10)
		return len(page.Items) == 1 && page.Items[0].TotalPrice == 10 && fmt.Sprint(page.Items[0].ScheduleSeatIDs) == "[1 2]", err
	}, "true")
	r := w.tell("lee", "hall", seats.Reserve{HoldID: seats.HoldID(lee.Sequence)}, "seats.reserved")
	w.tell("shop", "hall", seats.Free{ScheduleSeatIDs: []int{4}, Reason: "broken"}, "seats.freed")
	w.look("lee", func(v *projections.View) (any, error) {
		page, err := v.Reservations(0, 10)
		return page.Items, err
	}, fmt.Sprintf("[{ReservationID:%s ScheduleID:hall ScheduleSeatIDs:[5] TotalPrice:5 Cancelled:false}]", seats.ReservationID("hall", r.Sequence)))
	w.look("lee", myAlarms, "[1 reservation-cancelled false]")
	w.tell("lee", "hall", seats.Hold{ScheduleSeatIDs: []int{3, 4}}, "seats.held")
	park := w.tell("park", "hall", seats.Join{Quantity: 1}, "seats.joined")
	w.tell("choi", "hall", seats.Join{Quantity: 1, Section: "A"}, "seats.joined")
	w.tell("jung", "hall", seats.Join{Quantity: 2, Section: "A"}, "seats.joined")
	w.again()
	w.look("park", myPlaces, "[hall 1 at 1 offered false []]")
	w.look("jung", myPlaces, "[hall A2 at 2 offered false []]")
	w.tell("lee", "hall", seats.Cancel{ReservationID: seats.ReservationID("hall", r.Sequence)}, "seats.cancelled")
	w.again()
	w.look("park", myPlaces, "[hall 1 at 0 offered true [5]]")
	w.look("park", plan("hall"), "hhhhhb 0 5 0 1 2 false") // on offer is not theirs yet
	w.tell("park", "hall", seats.Accept{WaitingID: seats.WaitingID("hall", park.Sequence)}, "seats.accepted")
	w.look("park", plan("hall"), "hhhhH!b 0 5 0 1 2 false")
	w.look("lee", func(v *projections.View) (any, error) {
		page, err := v.Reservations(0, 10)
		return page.Items[0].Cancelled, err
	}, "true")
	// Two minutes later all holds have run out, and their seats wait for the full hour.
	for range 120 {
		w.tell("shop", "kim", alarms.Raise{Kind: "shop", Message: "m"}, "alarms.sent")
	}
	w.again()
	w.look("park", plan("hall"), "hhhhhb 0 5 0 1 2 false")
	w.tell("shop", "hall", seats.Close{Reason: "late"}, "seats.closed")
	w.again()
	w.look("kim", plan("hall"), "hhhhhb 0 5 0 1 2 true")
	got := exported(t, w.p.ExportSeats(""), func(s projections.OwnedSeat) string {
		return fmt.Sprint(s.ScheduleSeatID, " ", s.Status, s.UserID, s.Under, " ", s.Until != 0)
	})
	want := []string{"1 HELD true", "2 HELD true", "3 HELD true", "4 HELD true", "5 HELD true", "6 BLOCKED false"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	w.tell("shop", "hall", seats.Unblock{ScheduleSeatIDs: []int{6}}, "seats.unblocked")
	stats, err := w.p.Stats(t.Context())
	if err != nil || stats.Holds != 0 || stats.Waiting != 2 || stats.Offers != 0 || stats.Backlog != 0 || stats.Events["seats.held"] != 3 ||
		stats.Decided/1000 != stats.Accepted/1000 || stats.Rate <= 0 {
		t.Errorf("got %+v %v", stats, err)
	}
}
