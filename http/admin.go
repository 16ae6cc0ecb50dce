// What the shop itself does: opening promotions and schedules. Defaults and ids that the caller leaves out are written
// into the command here, so that every node reads the same.
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

// createSchedule reads POST /api/v1/admin/schedules.
func createSchedule(w http.ResponseWriter, r *http.Request) (wish, error) {
	return createWish(w, r, "scheduleId", func(o *object) checked {
		c := seats.Create{
			Title: o.text("title"), StartsAt: o.moment("startsAt"),
			HoldSeconds: int(o.integer("holdSeconds", 600)), MaxSeatsPerUser: int(o.integer("maxSeatsPerUser", 4)),
		}
		o.each("sections", func(o *object) { c.Sections = append(c.Sections, section(o)) })
		return c
	})
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
