// The sale of a run: a promotion or a schedule of its own, and the requests for it.

package load

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
	api "onsale/http/client"
)

type sale struct {
	what, id, target string
	stock            int
}

// The largest stocks.
const (
	MaxUnits = coupons.MaxStock
	MaxSeats = seats.MaxSeats
)

const seatsPerRow = 500

// create creates the sale, as an admin.
func (s *sale) create(ctx context.Context, p Plan) error {
	var path string
	var body any
	switch s.what {
	case Nothing:
		return nil
	case Coupons:
		perUser := 1
		if p.Commands == 0 || p.Commands > p.Users {
			perUser = coupons.MaxPerUserLimit
		}
		path, body = "/api/v1/admin/promotions", map[string]any{"promotionId": s.id, "name": s.id, "stock": s.stock, "perUserLimit": perUser}
	case Seats:
		var rows []map[string]any
		for remaining := s.stock; remaining > 0; remaining -= seatsPerRow {
			rows = append(rows, map[string]any{"name": strconv.Itoa(len(rows) + 1), "seats": min(remaining, seatsPerRow)})
		}
		path, body = "/api/v1/admin/schedules", map[string]any{
			"scheduleId": s.id, "title": s.id, "holdSeconds": seats.MaxHoldSeconds, "maxSeatsPerUser": seats.MaxPerUser,
			"sections": []any{map[string]any{"name": "A", "price": 50_000, "rows": rows}},
		}
	}
	admin := api.Client{URL: s.target, User: "admin", Attempts: 1}
	response, err := admin.Command(ctx, path, body, api.Options{})
	if err != nil {
		return err
	}
	if response.HTTPStatus != http.StatusCreated {
		return fmt.Errorf("the sale is not created: status %d %s %s", response.HTTPStatus, response.Code, response.Detail)
	}
	return nil
}

// seat is the seat that command k holds: consecutive commands take seats far apart, and all seats equally often.
func (s *sale) seat(k int) int { return int(uint64(k)*2_654_435_761%uint64(s.stock)) + 1 }

// appendRequest appends the request of command k.
func (s *sale) appendRequest(b []byte, host, user, key string, k int) []byte {
	b = append(b, "POST /api/v1/"...)
	if s.what == Seats {
		b = append(append(append(b, "schedules/"...), s.id...), "/seats/hold"...)
	} else {
		b = append(append(append(b, "promotions/"...), s.id...), "/coupons"...)
	}
	b = append(append(b, " HTTP/1.1\r\nHost: "...), host...)
	b = append(append(b, "\r\nX-User-Id: "...), user...)
	b = append(append(b, "\r\nIdempotency-Key: "...), key...)
	if s.what != Seats {
		return append(b, "\r\nContent-Length: 0\r\n\r\n"...)
	}
	seat := strconv.Itoa(s.seat(k))
	b = append(b, "\r\nPrefer: respond-async\r\nContent-Type: application/json\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(`{"scheduleSeatIds":[]}`)+len(seat)), 10)
	b = append(append(b, "\r\n\r\n{\"scheduleSeatIds\":["...), seat...)
	return append(b, "]}"...)
}

// outcome is the outcome of a command, from a frame or a response.
type outcome struct {
	RequestID       domain.RequestID `json:"requestId"`
	Sequence        uint64           `json:"sequence"`
	Code            string           `json:"code"` // of a rejection
	Number          int              `json:"number"`
	ScheduleSeatIDs []int            `json:"scheduleSeatIds"`
}

// issuedCount is how many units or seats the node itself counts as given.
func (s *sale) issuedCount(ctx context.Context) (int, error) {
	api := api.Client{URL: s.target, Attempts: 1}
	if s.what == Seats {
		var v struct{ Seats struct{ Held, Reserved int } }
		err := api.Get(ctx, "/api/v1/schedules/"+s.id, &v)
		return v.Seats.Held + v.Seats.Reserved, err
	}
	var v struct{ Issued int }
	err := api.Get(ctx, "/api/v1/promotions/"+s.id, &v)
	return v.Issued, err
}

// numbers are the coupon number or the seats of a successful outcome.
func (s *sale) numbers(o outcome) []int {
	if s.what == Seats {
		return o.ScheduleSeatIDs
	}
	return []int{o.Number}
}

// decodeRequestState decodes the state of a request.
func decodeRequestState(body []byte) (v struct {
	outcome
	Status string
	Result json.RawMessage
}, err error) {
	if err = json.Unmarshal(body, &v); err == nil && len(v.Result) > 0 {
		err = json.Unmarshal(v.Result, &v.outcome)
	}
	return v, err
}
