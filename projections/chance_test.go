package projections_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// Whatever a few users and the shop do to a small box office in some hours: the shop that lived, the one that is loaded, and
// the one that is made anew are one and the same, at every restart. See world for who compares.
func TestChance(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := newWorld(t)
			w.close()
			w.lapse = 8 * time.Second
			w.start()
			c := chance{Rand: rand.New(rand.NewPCG(seed, 1)), w: w, payments: map[string]orders.Payment{}, known: map[string]uint64{}}
			for life := range 4 {
				for range 200 {
					c.ask()
				}
				w.settle()
				w.close()
				switch life {
				case 1:
					if err := os.Remove(w.path()); err != nil {
						t.Fatal(err)
					}
				case 2: // a transaction that has done all its work is lost
					failed := false
					w.beforeCommit = func() error {
						if failed {
							return nil
						}
						failed = true
						return errors.New("staged")
					}
				}
				w.openLog()
				for range 40 { // and a transaction of many commands
					c.ask()
				}
				w.openProjector()
			}
		})
	}
}

// chance asks for anything. Few names, so that everybody gets in everybody's way.
type chance struct {
	*rand.Rand
	w                           *world
	asked                       int
	holds, reservations, places []named
	preparations, ordered       []named
	payments                    map[string]orders.Payment // as the provider has them
	known                       map[string]uint64         // of orders: their last event, as the worker knows it
}

// named is something that a command has made, or perhaps not.
type named struct{ user, entity, id string }

// of is one of the last few, and whoever asks for it then is mostly the one whose it is.
func (c *chance) of(made []named, user, entity string) named {
	if len(made) == 0 {
		return named{user, entity, "none"}
	}
	n := made[max(0, len(made)-8)+c.IntN(min(8, len(made)))]
	if c.IntN(8) == 0 {
		n.user = user
	}
	return n
}

func (c *chance) one(of ...string) string { return of[c.IntN(len(of))] }

// seats are some of the twelve, and now and then one that is not there.
func (c *chance) seats() (ids []int) {
	for _, i := range c.Perm(12 + c.IntN(2))[:1+c.IntN(3)] {
		ids = append(ids, i+1)
	}
	return ids
}

func (c *chance) ask() {
	c.asked++
	user, entity, body := c.wish("u" + strconv.Itoa(c.IntN(5)))
	wish := command(user, strconv.Itoa(c.asked), entity, body)
	if _, nobodys := body.(orders.Learn); nobodys {
		wish = domain.Command{Entity: entity, Body: body}
	}
	sequence, err := c.w.log.Append(context.Background(), wish)
	if err != nil {
		c.w.tb.Fatal(err)
	}
	switch body.(type) {
	case coupons.Join:
		c.places = append(c.places, named{user, entity, coupons.WaitingID(entity, sequence)})
	case seats.Join:
		c.places = append(c.places, named{user, entity, seats.WaitingID(entity, sequence)})
	case seats.Hold, seats.Accept:
		c.holds = append(c.holds, named{user, entity, seats.HoldID(sequence)})
	case orders.Prepare:
		c.preparations = append(c.preparations, named{user, entity, merchantUID(sequence, wish.Request)})
	case orders.Place:
		c.ordered = append(c.ordered, named{user, "", entity})
	case seats.Reserve:
		c.reservations = append(c.reservations, named{user, entity, seats.ReservationID(entity, sequence)})
	}
}

func (c *chance) wish(user string) (asks, entity string, body domain.Body) {
	if c.IntN(3) == 0 {
		return c.ofOrders(user)
	}
	sale, hall := c.one("sale", "pair"), c.one("hall", "bar")
	switch n := c.IntN(100); {
	case n < 2 || c.asked < 10:
		if c.IntN(2) == 0 {
			return user, sale, c.promotion(sale)
		}
		return user, hall, c.schedule()
	case n < 5:
		return user, c.one("u0", "u1"), alarms.Raise{Kind: "shop", Message: "hello"}
	case n < 7:
		return user, user, alarms.MarkAll{}
	case n < 12:
		return user, user, alarms.Mark{AlarmID: alarms.ID(c.Uint64N(uint64(2 * c.asked)))}
	case n < 24:
		return c.answer(user)
	case n < 50:
		return user, sale, c.ofSale()
	case n < 75:
		return user, hall, c.ofHall()
	}
	h, r := c.of(c.holds, user, hall), c.of(c.reservations, user, hall)
	switch c.IntN(9) {
	case 0, 1:
		return h.user, h.entity, seats.Extend{HoldID: h.id}
	case 2, 3:
		return h.user, h.entity, seats.Swap{HoldID: h.id, Release: c.seats()[:c.IntN(2)], Take: c.seats()[:1]}
	case 4, 5, 6:
		return h.user, h.entity, seats.Reserve{HoldID: h.id}
	case 7:
		return h.user, h.entity, seats.Release{HoldID: h.id}
	}
	return r.user, r.entity, seats.Cancel{ReservationID: r.id}
}

// answer is what somebody who waits says.
func (c *chance) answer(user string) (asks, entity string, body domain.Body) {
	place := c.of(c.places, user, "sale")
	answers := []domain.Body{coupons.Accept{WaitingID: place.id}, coupons.Decline{WaitingID: place.id}, coupons.Leave{WaitingID: place.id}}
	if place.entity == "hall" || place.entity == "bar" {
		answers = []domain.Body{seats.Accept{WaitingID: place.id}, seats.Decline{WaitingID: place.id}, seats.Leave{WaitingID: place.id}}
	}
	return place.user, place.entity, answers[max(0, c.IntN(5)-2)]
}

func (c *chance) promotion(id string) coupons.Create {
	limit := 1
	if id == "pair" {
		limit = 3
	}
	p := coupons.Create{Name: "p", Stock: 4, PerUserLimit: limit}
	if c.IntN(2) == 0 {
		p.OpensAt = lapseBegan.Add(time.Duration(c.asked+8) * c.w.lapse)
	}
	return p
}

func (c *chance) schedule() seats.Create {
	s := seats.Create{Title: "s", HoldSeconds: 100 + c.IntN(100), MaxSeatsPerUser: 4,
		Options: seats.Options{MaxExtensions: 2, NoOrphans: c.IntN(2) == 0}}
	if c.IntN(2) == 0 {
		s.ReleaseEverySeconds = 300
	}
	s.Sections = []seats.Section{{Name: "A", Price: 5, Rows: []seats.Row{{Name: "1", Seats: 6}}},
		{Name: "B", Price: 7, Rows: []seats.Row{{Name: "1", Seats: 6}}}}
	return s
}

func (c *chance) ofSale() domain.Body {
	number := 1 + c.IntN(12)
	switch c.IntN(20) {
	case 0:
		return coupons.Pause{Reason: "r"}
	case 1, 2, 3:
		return coupons.Resume{}
	case 4:
		if c.asked > 500 && c.IntN(4) == 0 {
			return coupons.Close{}
		}
		return coupons.ChangeStock{Delta: c.IntN(6) - 2}
	case 5, 6:
		return coupons.Use{Number: number}
	case 7, 8, 9:
		return coupons.Revoke{Number: number, ReturnStock: c.IntN(4) > 0}
	case 10, 11, 12, 13:
		return coupons.Join{Quantity: 1 + c.IntN(2)}
	}
	return coupons.Issue{}
}

func (c *chance) ofHall() domain.Body {
	switch c.IntN(16) {
	case 0:
		return seats.Block{ScheduleSeatIDs: c.seats(), Reason: "r"}
	case 1, 2:
		return seats.Unblock{ScheduleSeatIDs: c.seats()[:1]}
	case 3:
		return seats.Free{ScheduleSeatIDs: c.seats()}
	case 4:
		if c.asked > 500 && c.IntN(4) == 0 {
			return seats.Close{}
		}
		return seats.Reserve{ScheduleSeatIDs: c.seats()}
	case 5, 6, 7, 8:
		return seats.Join{Quantity: 1 + c.IntN(3), Section: c.one("", "A", "B")}
	case 9:
		return seats.Hold{BestAvailable: &seats.Best{Count: 1 + c.IntN(2)}}
	}
	return seats.Hold{ScheduleSeatIDs: c.seats()}
}
