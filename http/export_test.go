package http

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/http/client"
	"onsale/projections/store"
)

// couponExporter is a projector that exports these coupons.
type couponExporter struct {
	Projector
	coupons iter.Seq2[store.OwnedCoupon, error]
}

func (p couponExporter) ExportCoupons(string) iter.Seq2[store.OwnedCoupon, error] {
	return p.coupons
}

// An export is written while it is read: the beginning of an endless one arrives. It ends when the client disconnects.
func TestExport_StopsOnDisconnect(t *testing.T) {
	f := newFixture(t)
	ended := make(chan struct{})
	f.Projector = couponExporter{f.projector, func(yield func(store.OwnedCoupon, error) bool) {
		defer close(ended)
		for yield(store.OwnedCoupon{Coupon: store.Coupon{CouponID: "p-1"}}, nil) {
		}
	}}
	response, err := http.Get(f.url + "/api/v1/admin/export/coupons.csv")
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

func TestExport_AbortsOnReadError(t *testing.T) {
	f := newFixture(t)
	f.Projector = couponExporter{f.projector, func(yield func(store.OwnedCoupon, error) bool) {
		for range 1_000 {
			yield(store.OwnedCoupon{Coupon: store.Coupon{CouponID: "p-1"}}, nil)
		}
		yield(store.OwnedCoupon{}, errors.New("the disk is gone"))
	}}
	response, err := http.Get(f.url + "/api/v1/admin/export/coupons.csv")
	if err == nil {
		defer response.Body.Close()
		_, err = io.ReadAll(response.Body)
	}
	if err == nil {
		t.Error("the download looks complete")
	}
}

func TestExport_WritesEachRowOnce(t *testing.T) {
	f := newFixture(t)
	seedSchedule(t, f, 2_500)
	rows := must(csv.NewReader(strings.NewReader(f.downloadCSV(t, "seats.csv"))).ReadAll())(t)
	if len(rows) != 2_501 || rows[1][1] != "1" || rows[2_500][1] != "2500" {
		t.Errorf("got %d rows", len(rows))
	}
}

// Another node may accept the same key for another command; the log shows the difference, and the audit log has both.
func TestExport_AuditsReusedKey(t *testing.T) {
	f := newFixture(t)
	seedPromotion(t, f, "p", 10)
	paused := must(f.client("kim").Command(t.Context(), "/api/v1/admin/promotions/p/pause", nil, client.Options{Key: "k"}))(t)
	sequence := must(f.log.Append(t.Context(), domain.Command{
		Entity: "p", User: "kim", Request: must(domain.ParseRequestID(paused.RequestID))(t), Fingerprint: 1, Body: coupons.Resume{},
	}))(t)
	if err := f.Projector.WaitDecided(t.Context(), sequence); err != nil {
		t.Fatal(err)
	}
	rows := must(csv.NewReader(strings.NewReader(f.downloadCSV(t, "audit.csv"))).ReadAll())(t)
	if len(rows) != 4 || rows[2][1] != "2000" || rows[2][3] != "coupons.pause" || rows[3][1] != "3000" || rows[3][7] != domain.RequestIDReused {
		t.Errorf("got %q", rows)
	}
}

func (f *fixture) downloadCSV(t *testing.T, name string) string {
	response := httptest.NewRecorder()
	f.ServeHTTP(response, httptest.NewRequest("GET", "/api/v1/admin/export/"+name, nil))
	if response.Code != 200 {
		t.Fatalf("got %d %s", response.Code, response.Body)
	}
	file, marked := strings.CutPrefix(response.Body.String(), "\uFEFF")
	if !marked || response.Header().Get("Content-Type") != "text/csv; charset=utf-8; header=present" {
		t.Errorf("%s does not say that it is UTF-8: %v", name, response.Header())
	}
	return file
}

// A cell that people wrote is no formula, and has no control characters; an id is the id, or no look-up would find it.
func TestExport_EscapesTextOnly(t *testing.T) {
	f := newFixture(t)
	key, request := "", domain.RequestID{}
	for i := 0; request[0] != '-'; i++ {
		key = fmt.Sprint("k", i)
		request = domain.NewRequestID("-kim", key)
	}
	command := func(path string, body map[string]any, key string) {
		t.Helper()
		if a := must(f.client("-kim").Command(t.Context(), path, body, client.Options{Key: key}))(t); a.Status != "SUCCEEDED" {
			t.Fatalf("%s: got %+v", path, a)
		}
	}
	command("/api/v1/admin/promotions", map[string]any{"promotionId": "-p", "name": "＝1+1", "stock": 1}, "")
	command("/api/v1/admin/promotions/-p/pause", map[string]any{"reason": "\t=cmd\nline 2"}, key)
	command("/api/v1/admin/products", map[string]any{"salePostId": "-7", "name": "'＋82", "price": 1, "stock": 1}, "")
	command("/api/v1/admin/schedules", map[string]any{"scheduleId": "-s", "title": "t", "sections": []any{
		map[string]any{"name": "@A", "price": 10, "rows": []any{map[string]any{"name": "-1", "seats": 1}}}}}, "")
	command("/api/v1/schedules/-s/seats/hold", map[string]any{"scheduleSeatIds": []int{1}}, "")
	for name, want := range map[string]string{
		"promotions.csv": "\n-p,'＝1+1,1,", "products.csv": "\n-7,''＋82,1,", "seats.csv": "\n-s,1,'@A,'-1,1,10,HELD,-kim,h",
		"audit.csv": ",-kim,coupons.pause,-p,\"'\t=cmd\r\nline 2\"," + request.String() + ",SUCCEEDED\r\n",
	} {
		if got := f.downloadCSV(t, name); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", name, got, want)
		}
	}
	for _, c := range []struct{ id, cell string }{{"m1-AAAAAAAA", "m1-AAAAAAAA"}, {"-1", "-1"}, {"=1+1", "'=1+1"}, {"\x1b[2J", "\uFFFD[2J"}} {
		if got := paymentCells(&orders.Payment{MerchantUID: c.id}); got[0] != c.cell {
			t.Errorf("%q: got %q, want %q", c.id, got[0], c.cell)
		}
	}
}

func seedSchedule(t testing.TB, f *fixture, seats int) {
	t.Helper()
	schedule := map[string]any{"scheduleId": "s", "title": "t", "maxSeatsPerUser": 100, "sections": []any{
		map[string]any{"name": "A", "price": 10, "rows": []any{map[string]any{"name": "1", "seats": seats}}},
	}}
	if a := must(f.client("").Command(t.Context(), "/api/v1/admin/schedules", schedule, client.Options{}))(t); a.HTTPStatus != 201 {
		t.Fatalf("got %+v", a)
	}
}
