// What the shop itself does: opening promotions and schedules, and steering what is open. Defaults and ids that the caller
// leaves out are written into the command here, so that every node reads the same. Who did it is the command's user; why,
// the command says itself.
package http

import (
	"crypto/rand"
	"net/http"
	"strings"

	"onsale/domain/coupons"
	"onsale/domain/seats"
)

// createPromotion reads POST /api/v1/admin/promotions.
func createPromotion(w http.ResponseWriter, r *http.Request) (wish, error) {
	return createWish(w, r, "promotionId", func(o *object) checked {
		return coupons.Create{
			Name: o.text("name"), Stock: int(o.integer("stock", -1)), PerUserLimit: int(o.integer("perUserLimit", 1)),
			OpensAt: o.moment("opensAt"), ClosesAt: o.moment("closesAt"),
		}
	})
}

// What may be done to a promotion, and to a coupon of it.
var (
	changeStock = byAdmin(about("promotionId", func(o *object) checked {
		return coupons.ChangeStock{Delta: int(o.integer("delta", 0)), Reason: o.text("reason")}
	}))
	pausePromotion  = byAdmin(about("promotionId", func(o *object) checked { return coupons.Pause{Reason: o.text("reason")} }))
	resumePromotion = byAdmin(about("promotionId", func(o *object) checked { return coupons.Resume{Reason: o.text("reason")} }))
	closePromotion  = byAdmin(about("promotionId", func(o *object) checked { return coupons.Close{Reason: o.text("reason")} }))
)

// revokeCoupon reads POST /api/v1/admin/coupons/:couponId/revoke. The unit is given back unless the body says otherwise.
func revokeCoupon(w http.ResponseWriter, r *http.Request) (wish, error) {
	id, err := madeID(r, "couponId")
	if err != nil {
		return wish{}, err
	}
	promotion, number := cutID(id, "-")
	body, decoded, err := readWish(w, r, func(o *object) checked {
		return coupons.Revoke{Number: number, ReturnStock: o.flag("returnStock", true), Reason: o.text("reason")}
	})
	return wish{entity: promotion, body: body, decoded: decoded, admin: true}, err
}

// createSchedule reads POST /api/v1/admin/schedules.
func createSchedule(w http.ResponseWriter, r *http.Request) (wish, error) {
	return createWish(w, r, "scheduleId", newSchedule)
}

// newSchedule takes a schedule out of a body or a file. A hold may be extended once, to twice its time, unless it says
// otherwise.
func newSchedule(o *object) checked {
	hold := o.integer("holdSeconds", 600)
	c := seats.Create{
		Title: o.text("title"), StartsAt: o.moment("startsAt"),
		HoldSeconds: int(hold), MaxSeatsPerUser: int(o.integer("maxSeatsPerUser", 4)),
		Options: seats.Options{
			MaxExtensions:  int(o.integer("maxExtensions", 1)),
			MaxHoldSeconds: int(o.integer("maxHoldSeconds", 2*min(hold, seats.MaxHold/2))),
			NoOrphans:      o.flag("noOrphans", false), ReleaseEverySeconds: int(o.integer("releaseEverySeconds", 0)),
		},
	}
	o.each("sections", func(o *object) { c.Sections = append(c.Sections, section(o)) })
	return c
}

func section(o *object) seats.Section {
	s := seats.Section{Name: o.text("name"), Price: o.integer("price", -1)}
	o.each("rows", func(o *object) {
		s.Rows = append(s.Rows, seats.Row{Name: o.text("name"), Seats: int(o.integer("seats", 0))})
	})
	return s
}

// createWish reads a command that makes something, whose id may be given. The fingerprint covers the id that was given,
// not one that is made up: a repetition is the same request, and what was decided first holds.
func createWish(w http.ResponseWriter, r *http.Request, idField string, read func(*object) checked) (wish, error) {
	var id string
	body, decoded, err := readWish(w, r, func(o *object) checked {
		id = o.id(idField, maxEntityID)
		return read(o)
	})
	if err != nil {
		return wish{}, err
	}
	decoded = id + " " + decoded
	if id == "" {
		id = strings.ToLower(rand.Text()[:16])
	}
	return wish{entity: id, body: body, decoded: decoded, admin: true}, nil
}
