package node

import (
	"context"
	"fmt"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/projections/store"
)

// createDemo creates promotion "demo" with 1,000 units, schedule "demo" with 600 seats and product "demo" with 100 units, unless
// they exist. It sends an admin's commands, whose request ids never change, so that two nodes that start together create one of
// each.
func (n *Node) createDemo(ctx context.Context) {
	exists := false
	err := n.projector.Read("", func(v *store.View) (err error) {
		_, exists, err = v.Product("demo") // created last
		return err
	})
	if err != nil || exists {
		return
	}
	section := func(name string, price int64, rows, seatsPerRow int) seats.Section {
		s := seats.Section{Name: name, Price: price}
		for row := range rows {
			s.Rows = append(s.Rows, seats.Row{Name: fmt.Sprint(row + 1), Seats: seatsPerRow})
		}
		return s
	}
	for _, body := range []domain.Body{
		coupons.Create{Name: "오픈 기념 쿠폰 · opening coupon", Stock: 1000, PerUserLimit: 1},
		seats.Create{Title: "데모 콘서트 · demo concert", HoldSeconds: 600, MaxSeatsPerUser: 4, Options: seats.Options{MaxExtensions: 1, MaxHoldSeconds: 1200}, Sections: []seats.Section{
			section("R", 150_000, 6, 20), section("S", 110_000, 10, 24), section("A", 70_000, 10, 24),
		}},
		orders.Create{Name: "데모 티셔츠 · demo shirt", Price: 25_000, Stock: 100},
	} {
		name, _ := body.Type()
		c := domain.Command{
			Entity: "demo", User: "admin", Request: domain.NewRequestID("admin", "demo "+name), Fingerprint: domain.NewFingerprint("demo " + name),
			Body: body,
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
