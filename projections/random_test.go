package projections_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/projections/store"
)

// After random commands of a few users and admins over some hours of log time, the state in memory, the loaded one and the rebuilt one
// are equal at every restart, see testNode.check.
func TestRandom_RestoresSameState(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			tn := newTestNode(t)
			tn.close()
			tn.messageInterval = 8 * time.Second
			tn.start()
			c := randomCommands{Rand: rand.New(rand.NewPCG(seed, 1)), tn: tn, payments: map[string]orders.Payment{}, amounts: map[string]int64{}, lastKnown: map[string]uint64{}}
			for run := range 4 {
				for range 200 {
					c.appendNext()
				}
				tn.waitConfirmed()
				tn.close()
				switch run {
				case 1:
					tn.deleteStore()
				case 2:
					tn.beforeCommit = failOnce()
				}
				tn.openLog()
				for range 40 { // and a transaction of many commands
					c.appendNext()
				}
				tn.openProjector()
			}
		})
	}
}

// randomCommands generates commands. Few names make them conflict.
type randomCommands struct {
	*rand.Rand
	tn                           *testNode
	count                        int
	holds, reservations, waiting []entityRef
	preparations, placed         []entityRef
	payments                     map[string]orders.Payment // at the provider
	amounts                      map[string]int64          // of orders on holds
	lastKnown                    map[string]uint64         // of orders: their last event, as the worker has read it
}

// entityRef is something that a command may have created.
type entityRef struct{ user, entity, id string }

// pickRef is one of the last few, mostly with its own user.
func (c *randomCommands) pickRef(refs []entityRef, user, entity string) entityRef {
	if len(refs) == 0 {
		return entityRef{user, entity, "none"}
	}
	n := refs[max(0, len(refs)-8)+c.IntN(min(8, len(refs)))]
	if c.IntN(8) == 0 {
		n.user = user
	}
	return n
}

func (c *randomCommands) pick(options ...string) string { return options[c.IntN(len(options))] }

// pickSeats are some of the twelve seats, and sometimes one that does not exist.
func (c *randomCommands) pickSeats() (ids []int) {
	for _, i := range c.Perm(12 + c.IntN(2))[:1+c.IntN(3)] {
		ids = append(ids, i+1)
	}
	return ids
}

func (c *randomCommands) appendNext() {
	c.count++
	user, entity, body := c.next("u" + strconv.Itoa(c.IntN(5)))
	cmd := command(user, strconv.Itoa(c.count), entity, body)
	switch body.(type) {
	case orders.RecordPayment, orders.PlacePrepared:
		cmd = domain.Command{Entity: entity, Body: body}
	}
	sequence := c.tn.append(cmd)
	switch body.(type) {
	case coupons.Join:
		c.waiting = append(c.waiting, entityRef{user, entity, coupons.WaitingID(entity, sequence)})
	case seats.Join:
		c.waiting = append(c.waiting, entityRef{user, entity, seats.WaitingID(entity, sequence)})
	case seats.Hold, seats.Accept:
		c.holds = append(c.holds, entityRef{user, entity, seats.HoldID(sequence)})
	case orders.Prepare:
		c.preparations = append(c.preparations, entityRef{user, entity, merchantUID(sequence, cmd.Request)})
	case orders.Place, orders.PlacePrepared:
		c.placed = append(c.placed, entityRef{user, "", entity})
	case seats.Reserve:
		c.reservations = append(c.reservations, entityRef{user, entity, seats.ReservationID(entity, sequence)})
	}
}

func (c *randomCommands) next(user string) (by, entity string, body domain.Body) {
	if c.IntN(3) == 0 {
		return c.orderCommand(user)
	}
	sale, hall := c.pick("sale", "pair"), c.pick("hall", "bar")
	switch n := c.IntN(100); {
	case n < 2 || c.count < 10:
		if c.IntN(2) == 0 {
			return user, sale, c.promotion(sale)
		}
		return user, hall, c.schedule()
	case n < 5:
		return user, c.pick("u0", "u1"), alarms.Raise{Kind: "shop", Message: "hello"}
	case n < 7:
		return user, user, alarms.MarkAllRead{}
	case n < 12:
		return user, user, alarms.MarkRead{AlarmID: alarms.ID(c.Uint64N(uint64(2 * c.count)))}
	case n < 24:
		return c.answerOffer(user)
	case n < 50:
		return user, sale, c.promotionCommand()
	case n < 75:
		return user, hall, c.scheduleCommand()
	}
	h, r := c.pickRef(c.holds, user, hall), c.pickRef(c.reservations, user, hall)
	switch c.IntN(9) {
	case 0, 1:
		return h.user, h.entity, seats.Extend{HoldID: h.id}
	case 2, 3:
		return h.user, h.entity, seats.Swap{HoldID: h.id, Release: c.pickSeats()[:c.IntN(2)], Take: c.pickSeats()[:1]}
	case 4, 5, 6:
		return h.user, h.entity, seats.Reserve{HoldID: h.id}
	case 7:
		return h.user, h.entity, seats.Release{HoldID: h.id}
	}
	return r.user, r.entity, seats.Cancel{ReservationID: r.id}
}

// answerOffer accepts, declines or leaves.
func (c *randomCommands) answerOffer(user string) (by, entity string, body domain.Body) {
	entry := c.pickRef(c.waiting, user, "sale")
	answers := []domain.Body{coupons.Accept{WaitingID: entry.id}, coupons.Decline{WaitingID: entry.id}, coupons.Leave{WaitingID: entry.id}}
	if entry.entity == "hall" || entry.entity == "bar" {
		answers = []domain.Body{seats.Accept{WaitingID: entry.id}, seats.Decline{WaitingID: entry.id}, seats.Leave{WaitingID: entry.id}}
	}
	return entry.user, entry.entity, answers[max(0, c.IntN(5)-2)]
}

func (c *randomCommands) promotion(id string) coupons.Create {
	limit := 1
	if id == "pair" {
		limit = 3
	}
	p := coupons.Create{Name: "p", Stock: 4, PerUserLimit: limit}
	switch c.IntN(3) {
	case 0:
		p.Discount = &coupons.Discount{Kind: coupons.DiscountFixed, Amount: 5}
	case 1:
		p.Discount = &coupons.Discount{Kind: coupons.DiscountPercent, Percent: 30}
	}
	if c.IntN(2) == 0 {
		p.OpensAt = retimedStart.Add(time.Duration(c.count+8) * c.tn.messageInterval)
	}
	return p
}

func (c *randomCommands) schedule() seats.Create {
	s := seats.Create{Title: "s", HoldSeconds: 100 + c.IntN(100), MaxSeatsPerUser: 4,
		Options: seats.Options{MaxExtensions: 2, NoOrphans: c.IntN(2) == 0}}
	if c.IntN(3) > 0 {
		s.Payment, s.StartsAt = seats.PaymentRequired, retimedStart.Add(2*time.Hour)
		s.RefundTiers = []seats.RefundTier{{UntilSeconds: 3600, Percent: 100}, {UntilSeconds: 600, Percent: 50}}
	}
	if c.IntN(2) == 0 {
		s.ReleaseEverySeconds = 300
	}
	s.Sections = []seats.Section{{Name: "A", Price: 5, Rows: []seats.Row{{Name: "1", Seats: 6}}},
		{Name: "B", Price: 7, Rows: []seats.Row{{Name: "1", Seats: 6}}}}
	return s
}

func (c *randomCommands) promotionCommand() domain.Body {
	number := 1 + c.IntN(12)
	switch c.IntN(20) {
	case 0:
		return coupons.Pause{Reason: "r"}
	case 1, 2, 3:
		return coupons.Resume{}
	case 4:
		if c.count > 500 && c.IntN(4) == 0 {
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

func (c *randomCommands) scheduleCommand() domain.Body {
	switch c.IntN(16) {
	case 0:
		return seats.Block{ScheduleSeatIDs: c.pickSeats(), Reason: "r"}
	case 1, 2:
		return seats.Unblock{ScheduleSeatIDs: c.pickSeats()[:1]}
	case 3:
		return seats.Reclaim{ScheduleSeatIDs: c.pickSeats(), Refund: c.IntN(2) == 0}
	case 4:
		if c.count > 500 && c.IntN(4) == 0 {
			return c.closing()
		}
		return seats.Reserve{ScheduleSeatIDs: c.pickSeats()}
	case 5, 6, 7, 8:
		return seats.Join{Quantity: 1 + c.IntN(3), Section: c.pick("", "A", "B")}
	case 9:
		return seats.Hold{BestAvailable: &seats.BestAvailable{Count: 1 + c.IntN(2)}}
	}
	return seats.Hold{ScheduleSeatIDs: c.pickSeats()}
}

func (c *randomCommands) closing() domain.Body {
	if c.IntN(2) == 0 {
		return seats.CancelSchedule{Reason: "r"}
	}
	return seats.Close{}
}

// holdOrder prepares or places an order on one of the user's holds, with a coupon of the user where there is one.
func (c *randomCommands) holdOrder(user, impUID string) (by, entity string, body domain.Body) {
	h := c.pickRef(c.holds, user, "")
	var amount, discount int64
	coupon := ""
	if c.tn.p != nil {
		c.tn.waitConfirmed()
		err := c.tn.p.Read(h.user, func(v *store.View) error {
			held, err := v.Holds("", 0, 10)
			for _, hold := range held.Items {
				if hold.PaymentID == "" || amount == 0 {
					h.id, amount = hold.HoldID, hold.TotalPrice
				}
			}
			owned, couponErr := v.Coupons(0, 10)
			for _, o := range owned.Items {
				if o.Status == coupons.StatusIssued && o.DiscountTerms.Discount != nil {
					coupon, discount = o.CouponID, o.DiscountTerms.Discount.Of(amount)
				}
			}
			return errors.Join(err, couponErr)
		})
		if err != nil {
			c.tn.tb.Fatal(err)
		}
	}
	amount -= discount
	if c.IntN(4) == 0 {
		return h.user, h.id, orders.Prepare{HoldID: h.id, CouponID: coupon, Terms: &orderTerms}
	}
	order := orders.Place{HoldID: h.id, CouponID: coupon, Amount: amount, Terms: orderTerms}
	order.PaySeconds, order.MissingSeconds = 60+c.IntN(300), 60
	if amount == 0 {
		impUID = orders.NoPayment
	}
	c.amounts[impUID] = amount
	return h.user, impUID, order
}

// orderCommand is a command on products or orders, or a payment result of the worker.
func (c *randomCommands) orderCommand(user string) (by, entity string, body domain.Body) {
	product, impUID := c.pick("tee", "mug"), c.pickRef(c.placed, user, "").id
	switch c.IntN(20) {
	case 0:
		return user, product, orders.Create{Name: "n", Price: 100, Stock: 9, PerUserLimit: c.IntN(2) * 3}
	case 1:
		if c.count > 500 && c.IntN(4) == 0 {
			return user, product, orders.Close{Reason: "r"}
		}
		return user, product, orders.ChangeStock{Delta: c.IntN(7) - 2}
	case 2, 3:
		return user, product, orders.Prepare{Count: 1 + c.IntN(2)}
	case 4, 5, 6, 7:
		count := 1 + c.IntN(4)/3
		order := placeOrder(product, count, 100*int64(count-c.IntN(8)/7))
		order.PaySeconds, order.RequirePrepare = 60+c.IntN(1200), c.IntN(6) == 0
		if c.IntN(4) > 0 {
			impUID = "imp" + strconv.Itoa(c.count)
		}
		return user, impUID, order
	case 8:
		cancel := orders.Cancel{Reason: "r"}
		if c.IntN(2) == 0 {
			cancel.Percent = new(10 * c.IntN(11))
		}
		return user, impUID, cancel
	case 9:
		p := c.pickRef(c.preparations, user, "")
		return "", "imp" + strconv.Itoa(c.count), orders.PlacePrepared{MerchantUID: p.id}
	case 10, 11, 12, 13:
		return c.holdOrder(user, "imp"+strconv.Itoa(c.count))
	}
	return "", impUID, orders.RecordPayment{LastEvent: c.orderEvent(impUID), Payment: c.nextPayment(impUID)}
}

// orderEvent is the last event of an order that the worker knows: mostly the present one.
func (c *randomCommands) orderEvent(impUID string) uint64 {
	if c.tn.p != nil && c.IntN(8) > 0 {
		c.tn.waitConfirmed()
		err := c.tn.p.Read("", func(v *store.View) error {
			o, _, err := v.Order(impUID)
			c.lastKnown[impUID] = o.LastEvent
			return err
		})
		if err != nil {
			c.tn.tb.Fatal(err)
		}
	}
	return c.lastKnown[impUID]
}

// nextPayment is the next state of a payment at the provider: started, paid or not, refunded in part or completely.
func (c *randomCommands) nextPayment(impUID string) orders.Payment {
	p := c.payments[impUID]
	switch p.State {
	case "":
		p.State = orders.PaymentMissing
		if c.IntN(3) > 0 {
			p.State, p.Currency, p.Amount, p.Test = orders.PaymentWaiting, "KRW", 100*int64(1+c.IntN(4)/3), c.IntN(10) == 0
			if amount := c.amounts[impUID]; amount > 0 {
				p.Amount = amount
			}
			if len(c.preparations) > 0 && c.IntN(4) == 0 {
				p.MerchantUID = c.pickRef(c.preparations, "", "").id
			}
		}
	case orders.PaymentMissing:
		p.State = c.pick("", orders.PaymentMissing)
	case orders.PaymentWaiting, orders.PaymentFailed:
		p.State = c.pick(orders.PaymentWaiting, orders.PaymentPaid, orders.PaymentPaid, orders.PaymentFailed)
	case orders.PaymentPaid:
		switch c.IntN(6) {
		case 0:
			p.Cancelled = p.Amount / 2
		case 1, 2:
			p.State, p.Cancelled = orders.PaymentCancelled, p.Amount
		}
	}
	c.payments[impUID] = p
	if c.IntN(30) == 0 {
		p.Amount = -1 // invalid
	}
	return p
}

// merchantUID is that of a preparation.
func merchantUID(sequence uint64, request domain.RequestID) string {
	return fmt.Sprintf("m%d-%s", sequence, request[:8])
}
