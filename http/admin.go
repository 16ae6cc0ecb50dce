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
func createPromotion(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	return createCommand(w, r, "promotionId", func(o *object) validatedBody {
		return coupons.Create{
			Name: o.Text("name"), Stock: int(o.Integer("stock", -1)), PerUserLimit: int(o.Integer("perUserLimit", 1)),
			OpensAt: timeField(o, "opensAt"), ClosesAt: timeField(o, "closesAt"),
		}
	})
}

// What may be done to a promotion, and to a coupon of it.
var (
	changeStock = adminCommand(entityCommand("promotionId", func(o *object) validatedBody {
		return coupons.ChangeStock{Delta: int(o.Integer("delta", 0)), Reason: o.Text("reason")}
	}))
	pausePromotion  = adminCommand(entityCommand("promotionId", func(o *object) validatedBody { return coupons.Pause{Reason: o.Text("reason")} }))
	resumePromotion = adminCommand(entityCommand("promotionId", func(o *object) validatedBody { return coupons.Resume{Reason: o.Text("reason")} }))
	closePromotion  = adminCommand(entityCommand("promotionId", func(o *object) validatedBody { return coupons.Close{Reason: o.Text("reason")} }))
)

// revokeCoupon reads POST /api/v1/admin/coupons/:couponId/revoke. The unit is given back unless the body says otherwise.
func revokeCoupon(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	id, err := generatedID(r, "couponId")
	if err != nil {
		return commandRequest{}, err
	}
	promotion, number := splitID(id, "-")
	body, canonical, err := decodeBody(w, r, func(o *object) validatedBody {
		return coupons.Revoke{Number: number, ReturnStock: o.Bool("returnStock", true), Reason: o.Text("reason")}
	})
	return commandRequest{entity: promotion, body: body, canonical: canonical, admin: true}, err
}

// createSchedule reads POST /api/v1/admin/schedules.
func createSchedule(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	return createCommand(w, r, "scheduleId", decodeSchedule)
}

// decodeSchedule takes a schedule out of a body or a file. A hold may be extended once, to twice its time, unless it says
// otherwise.
func decodeSchedule(o *object) validatedBody {
	hold := o.Integer("holdSeconds", 600)
	c := seats.Create{
		Title: o.Text("title"), StartsAt: timeField(o, "startsAt"),
		HoldSeconds: int(hold), MaxSeatsPerUser: int(o.Integer("maxSeatsPerUser", 4)),
		Options: seats.Options{
			MaxExtensions:  int(o.Integer("maxExtensions", 1)),
			MaxHoldSeconds: int(o.Integer("maxHoldSeconds", 2*min(hold, seats.MaxHoldSeconds/2))),
			NoOrphans:      o.Bool("noOrphans", false), ReleaseEverySeconds: int(o.Integer("releaseEverySeconds", 0)),
		},
	}
	o.Each("sections", func(o *object) { c.Sections = append(c.Sections, decodeSection(o)) })
	return c
}

func decodeSection(o *object) seats.Section {
	s := seats.Section{Name: o.Text("name"), Price: o.Integer("price", -1)}
	o.Each("rows", func(o *object) {
		s.Rows = append(s.Rows, seats.Row{Name: o.Text("name"), Seats: int(o.Integer("seats", 0))})
	})
	return s
}

// createCommand reads a command that makes something, whose id may be given. The fingerprint covers the id that was given,
// not one that is made up: a repetition is the same request, and what was decided first holds.
func createCommand(w http.ResponseWriter, r *http.Request, idName string, decode func(*object) validatedBody) (commandRequest, error) {
	var id string
	body, canonical, err := decodeBody(w, r, func(o *object) validatedBody {
		id = idField(o, idName, maxEntityID)
		return decode(o)
	})
	if err != nil {
		return commandRequest{}, err
	}
	canonical = id + " " + canonical
	if id == "" {
		id = strings.ToLower(rand.Text()[:16])
	}
	return commandRequest{entity: id, body: body, canonical: canonical, admin: true}, nil
}
