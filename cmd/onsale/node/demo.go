// What --demo sells: the sale "demo", whose seats cost nothing to reserve, and "concert", whose seats are paid for. Promotion, schedule
// and product of a sale have its name as their id.

package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/projections/store"
)

const day = 24 * time.Hour

// DemoConcert is the id of the schedule whose seats are paid for.
const DemoConcert = "concert"

// concertIn is how far ahead the concert starts: beyond all of its refund tiers.
const concertIn = 45 * day

// demoItem is a promotion, a schedule or a product.
type demoItem struct {
	entity string
	create domain.Body
}

// demoItems returns what --demo sells at now. One coupon of the concert pays for a seat in its cheapest section.
func demoItems(now time.Time) []demoItem {
	untilSeconds := func(days int) int64 { return int64(time.Duration(days) * day / time.Second) }
	return []demoItem{
		{"demo", coupons.Create{Name: "오픈 기념 쿠폰 · opening coupon", Stock: 1000, PerUserLimit: 1}},
		{"demo", seats.Create{Title: "데모 콘서트 · demo concert", HoldSeconds: 600, MaxSeatsPerUser: 4, Options: seats.Options{MaxExtensions: 1, MaxHoldSeconds: 1200}, Sections: []seats.Section{
			demoSection("R", 150_000, 6, 20), demoSection("S", 110_000, 10, 24), demoSection("A", 70_000, 10, 24),
		}}},
		{"demo", orders.Create{Name: "데모 티셔츠 · demo shirt", Price: 25_000, Stock: 100}},
		{DemoConcert, seats.Create{
			Title: "여름밤 콘서트 · Summer night concert", HoldSeconds: 600, MaxSeatsPerUser: 4,
			StartsAt: domain.At(now.Add(concertIn).Truncate(day).Add(10 * time.Hour)), // 19:00 in Korea
			Options: seats.Options{
				Payment: seats.PaymentRequired, MaxExtensions: 1, MaxHoldSeconds: 3600,
				RefundTiers: []seats.RefundTier{{UntilSeconds: untilSeconds(10), Percent: 100}, {UntilSeconds: untilSeconds(3), Percent: 70}, {UntilSeconds: untilSeconds(1), Percent: 50}},
			},
			Sections: []seats.Section{
				demoSection("VIP", 180_000, 10, 20), demoSection("R", 140_000, 24, 25), demoSection("S", 90_000, 24, 25), demoSection("A", 50_000, 24, 25),
			},
		}},
		{DemoConcert, coupons.Create{Name: "콘서트 5만 원 할인 · 50,000 won off the concert", Stock: 500, PerUserLimit: 2, DiscountTerms: coupons.DiscountTerms{
			Discount: &coupons.Discount{Kind: coupons.DiscountFixed, Amount: 50_000}, AppliesTo: &coupons.AppliesTo{ScheduleIDs: []string{DemoConcert}},
		}}},
	}
}

func demoSection(name string, price int64, rows, seatsPerRow int) seats.Section {
	s := seats.Section{Name: name, Price: price}
	for row := range rows {
		s.Rows = append(s.Rows, seats.Row{Name: fmt.Sprint(row + 1), Seats: seatsPerRow})
	}
	return s
}

// createDemo creates what the demo sells, unless it exists. It sends an admin's commands, whose request ids never change, so that two
// nodes that start together create one of each.
func (n *Node) createDemo(ctx context.Context) {
	for _, item := range demoItems(time.Now()) {
		if exists, err := n.exists(item); err != nil || exists {
			continue
		}
		name, _ := item.create.Type()
		key := item.entity + " " + name
		c := domain.Command{
			Entity: item.entity, User: "admin", Request: domain.NewRequestID("admin", key), Fingerprint: domain.NewFingerprint(key), Body: item.create,
		}
		for {
			sequence, err := n.log.Append(ctx, c)
			if err == nil {
				_ = n.projector.WaitDecided(ctx, sequence)
			}
			if err == nil || ctx.Err() != nil {
				break
			}
			n.logger.Warn("demo setup failed, retrying", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

// exists says whether an earlier start has created the item.
func (n *Node) exists(item demoItem) (exists bool, err error) {
	err = n.projector.Read("", func(v *store.View) (err error) {
		switch item.create.(type) {
		case coupons.Create:
			_, exists, err = v.Promotion(item.entity)
		case seats.Create:
			_, exists, err = v.Schedule(item.entity)
		case orders.Create:
			_, exists, err = v.Product(item.entity)
		default:
			err = errors.ErrUnsupported
		}
		return err
	})
	return exists, err
}
