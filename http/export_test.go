package http

import (
	"encoding/csv"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/projections"
)

// couponsOf is a projector with other coupons to export.
type couponsOf struct {
	Projector
	coupons iter.Seq2[projections.OwnedCoupon, error]
}

func (p couponsOf) ExportCoupons(string) iter.Seq2[projections.OwnedCoupon, error] { return p.coupons }

// An export is written while it is read: the beginning of one without an end arrives. It ends when its client goes away.
func TestExport_client_goes_away(t *testing.T) {
	w := newWorld(t)
	ended := make(chan struct{})
	w.Projector = couponsOf{w.projector, func(yield func(projections.OwnedCoupon, error) bool) {
		defer close(ended)
		for yield(projections.OwnedCoupon{Coupon: projections.Coupon{CouponID: "p-1"}}, nil) {
		}
	}}
	response, err := http.Get(w.url + "/api/v1/admin/export/coupons.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows := csv.NewReader(response.Body)
	for range 10_000 {
		if _, err := rows.Read(); err != nil {
			t.Fatal(err)
		}
	}
	response.Body.Close()
	<-ended
}

// What cannot be read to its end does not look as if it had been.
func TestExport_breaks_off(t *testing.T) {
	w := newWorld(t)
	w.Projector = couponsOf{w.projector, func(yield func(projections.OwnedCoupon, error) bool) {
		for range 1_000 {
			yield(projections.OwnedCoupon{Coupon: projections.Coupon{CouponID: "p-1"}}, nil)
		}
		yield(projections.OwnedCoupon{}, errors.New("the disk is gone"))
	}}
	response, err := http.Get(w.url + "/api/v1/admin/export/coupons.csv")
	if err == nil {
		defer response.Body.Close()
		_, err = io.ReadAll(response.Body)
	}
	if err == nil {
		t.Error("it came to an end")
	}
}

// More rows than are read at a time, each once.
func TestExport_of_many(t *testing.T) {
	w := newWorld(t)
	bigHall(t, w, 2_500)
	rows := must(csv.NewReader(strings.NewReader(w.file(t, "seats.csv"))).ReadAll())(t)
	if len(rows) != 2_501 || rows[1][1] != "1" || rows[2_500][1] != "2500" {
		t.Errorf("got %d rows", len(rows))
	}
}

// Another node may take the same key for something else; the line tells it apart, and the trail has both.
func TestExport_key_used_twice(t *testing.T) {
	w := newWorld(t)
	open(t, w, "p", 10)
	paused := must(w.client("kim").Command(t.Context(), "/api/v1/admin/promotions/p/pause", nil, Ask{Key: "k"}))(t)
	sequence := must(w.log.Append(t.Context(), domain.Command{
		Entity: "p", User: "kim", Request: paused.RequestID, Fingerprint: 1, Body: coupons.Resume{},
	}))(t)
	if err := w.Projector.WaitDecided(t.Context(), sequence); err != nil {
		t.Fatal(err)
	}
	rows := must(csv.NewReader(strings.NewReader(w.file(t, "audit.csv"))).ReadAll())(t)
	if len(rows) != 4 || rows[2][1] != "2000" || rows[2][3] != "coupons.pause" || rows[3][1] != "3000" || rows[3][7] != domain.RequestIDReused {
		t.Errorf("got %q", rows)
	}
}

func (w *world) file(t *testing.T, name string) string {
	answer := httptest.NewRecorder()
	w.ServeHTTP(answer, httptest.NewRequest("GET", "/api/v1/admin/export/"+name, nil))
	if answer.Code != 200 {
		t.Fatalf("got %d %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

func bigHall(t testing.TB, w *world, seats int) {
	t.Helper()
	schedule := map[string]any{"scheduleId": "s", "title": "t", "maxSeatsPerUser": 100, "sections": []any{
		map[string]any{"name": "A", "price": 10, "rows": []any{map[string]any{"name": "1", "seats": seats}}},
	}}
	if a := must(w.client("").Command(t.Context(), "/api/v1/admin/schedules", schedule, Ask{}))(t); a.HTTPStatus != 201 {
		t.Fatalf("got %+v", a)
	}
}
