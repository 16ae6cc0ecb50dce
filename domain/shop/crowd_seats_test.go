// More comes back at once than one command can tell, and more people wait for it.
package shop_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"onsale/domain"
	"onsale/domain/seats"
)

// TestTwinCrowdReturns lets a sold-out house come back at one moment, with everybody in line. Whoever asks in between gets
// none of what is meant for those who wait.
func TestTwinCrowdReturns(t *testing.T) {
	rng := chanceOf(t)
	d := newDouble(t, rng.IntN)
	d.twin, d.careful, d.pure = newTwin(), false, false
	d.chance.seats, d.chance.users = 600, 600
	asked := 0
	ask := func(user string, body domain.Body) {
		if d.index == perMessage {
			d.arrive(d.chance.at)
		}
		asked++
		d.compare(user, "c"+strconv.Itoa(asked), "hall", body)
	}
	d.arrive(d.chance.at)
	rows := slices.Repeat([]seats.Row{{Name: "1", Seats: 20}}, 30)
	ask("admin", seats.Create{Title: "s", HoldSeconds: 7, MaxSeatsPerUser: 2, Options: seats.Options{ReleaseEverySeconds: 60},
		Sections: []seats.Section{{Name: "A", Price: 3, Rows: rows}}})
	for id := 1; id <= 600; id++ {
		ask("u"+strconv.Itoa(id), seats.Hold{ScheduleSeatIDs: []int{id}})
	}
	for i := range 600 {
		ask("w"+strconv.Itoa(i), seats.Join{Quantity: 1 + rng.IntN(8)/7})
	}
	d.chance.at += 70_000
	d.arrive(d.chance.at)
	refused := 0
	for i := range 20 {
		ask("x"+strconv.Itoa(i), seats.Hold{BestAvailable: &seats.Best{Count: 1}})
		ask("y"+strconv.Itoa(i), seats.Hold{ScheduleSeatIDs: []int{600 - i}}) // the back is offered last
		if at, ok := d.NextDeadline(); ok && at <= d.Now {
			refused++
		}
	}
	if refused == 0 || d.codes["no_adjacent_seats"] == 0 || d.codes["seat_unavailable"] == 0 {
		t.Errorf("%d asked too early, %v: nothing was crowded", refused, d.codes)
	}
	if err := checkState(d.Shop); err != nil {
		t.Error(err)
	}
	d.checkReplay()
}

// TestTwinCrowdEnds lets more holds and offers end at one moment than a few commands can tell, and asks for everything in
// between: what is due is gone for its owner, and open to others, but not when somebody waits.
func TestTwinCrowdEnds(t *testing.T) {
	rng := chanceOf(t)
	for round := range 4 {
		d := newDouble(t, rng.IntN)
		d.twin, d.careful, d.pure = newTwin(), false, false
		const held, offered = 1740, 60
		asked := 0
		ask := func(user string, body domain.Body) {
			if d.index == perMessage {
				d.arrive(d.at)
			}
			asked++
			d.compare(user, "c"+strconv.Itoa(asked), "hall", body)
		}
		d.arrive(d.chance.at)
		rows := slices.Repeat([]seats.Row{{Name: "1", Seats: 20}}, (held+offered)/20)
		options := seats.Options{MaxExtensions: 2, NoOrphans: round == 1}
		if round == 2 {
			options.ReleaseEverySeconds = 60
		}
		singles := slices.Repeat([]seats.Row{{Name: "1", Seats: 1}}, 6)
		ask("admin", seats.Create{Title: "s", HoldSeconds: 7, MaxSeatsPerUser: 2, Options: options,
			Sections: []seats.Section{{Name: "A", Price: 3, Rows: rows}, {Name: "B", Price: 1, Rows: singles}}})
		var free []int
		for id := 1; id <= held+offered; id++ {
			if id%20 == 1 && len(free) < offered {
				free = append(free, id)
			}
		}
		ask("admin", seats.Block{ScheduleSeatIDs: free})
		behind := seatsFrom(held+offered+1, held+offered+6)
		ask("admin", seats.Block{ScheduleSeatIDs: behind})
		for id := 1; id <= held+offered; id++ {
			if !slices.Contains(free, id) {
				ask("u"+strconv.Itoa(id), seats.Hold{ScheduleSeatIDs: []int{id}})
			}
		}
		for i := range offered {
			ask("w"+strconv.Itoa(i), seats.Join{Quantity: 1})
		}
		ask("admin", seats.Unblock{ScheduleSeatIDs: free})
		ask("admin", seats.Unblock{ScheduleSeatIDs: behind})
		if round == 3 {
			ask("z", seats.Join{Quantity: 2, Section: "B"}) // which never come free side by side
		}
		d.arrive(d.at + 6_000)
		for i := range 3 { // who has an offer, and as many seats as one may have
			ask("w"+strconv.Itoa(offered-1-i), seats.Hold{ScheduleSeatIDs: behind[2*i : 2*i+2]})
		}
		d.arrive(d.at + 1_000)
		ask("w"+strconv.Itoa(offered-1), seats.Hold{ScheduleSeatIDs: []int{held}})
		for range 2 {
			ask(untold(rng, d.chance))
		}
		if at, ok := d.NextDeadline(); !ok || at > d.Now {
			t.Fatal("everything was told at once: nothing was crowded")
		}
		for range 7 {
			ask(untold(rng, d.chance))
		}
		if err := checkState(d.Shop); err != nil {
			t.Error(err)
		}
		d.checkReplay()
	}
}

// untold is somebody who asks for what is due and perhaps not told.
func untold(rng *rand.Rand, c *chance) (user string, body domain.Body) {
	id := 1800 - rng.IntN(20)
	owner := "u" + strconv.Itoa(id)
	hold := c.held[len(c.held)-1-rng.IntN(10)]
	place := c.inLine[max(0, len(c.inLine)-1-rng.IntN(4))]
	switch rng.IntN(15) {
	case 0:
		return "admin", seats.Free{ScheduleSeatIDs: []int{id, id - 1, 1}}
	case 1:
		return "admin", seats.Free{ScheduleSeatIDs: []int{1, 21, 41, 1181}}
	case 2:
		return "admin", seats.Block{ScheduleSeatIDs: []int{id}}
	case 3:
		return owner, seats.Hold{ScheduleSeatIDs: []int{id - 1, id}}
	case 4:
		return owner, seats.Hold{BestAvailable: &seats.Best{Count: 2}}
	case 5:
		return "x", seats.Hold{BestAvailable: &seats.Best{Count: 21}}
	case 6:
		return "y" + owner, seats.Join{Quantity: 1 + rng.IntN(2)}
	case 7:
		return hold.user, seats.Swap{HoldID: hold.id, Take: []int{id}}
	case 8:
		return hold.user, seats.Reserve{HoldID: hold.id}
	case 9:
		return hold.user, seats.Extend{HoldID: hold.id}
	case 10:
		return place.user, seats.Join{Quantity: 1}
	case 11:
		return place.user, seats.Accept{WaitingID: place.id}
	case 12:
		return place.user, seats.Leave{WaitingID: place.id}
	case 13:
		return "x", seats.Hold{ScheduleSeatIDs: []int{1 + 20*rng.IntN(60)}}
	}
	return place.user, seats.Hold{ScheduleSeatIDs: []int{id}}
}
