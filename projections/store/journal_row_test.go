package store

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
)

func TestRow_ComesBack(t *testing.T) {
	id := domain.NewRequestID("kim", "key")
	long := strings.Repeat("x", 64)
	for name, e := range map[string]domain.Event{
		"issued":          {Number: 70_000, Sequence: 1 << 60, Now: 1 << 41, User: "kim", Entity: "demo", Request: id, Fingerprint: 1<<64 - 1, Body: coupons.Issued{PromotionID: "demo", CouponID: "demo-7", Number: 7}},
		"another coupon":  {Number: 70_000, Sequence: 1000, Now: 1, User: "kim", Entity: "demo", Request: id, Body: coupons.Issued{PromotionID: "demo", CouponID: "other-7", Number: 7}},
		"rejected":        {Number: 70_000, Sequence: 1001, Now: -1, User: long, Entity: long, Request: id, Body: domain.Rejection{Command: "coupons.issue", Code: "sold_out"}},
		"no user":         {Number: 70_000, Sequence: 0, Entity: "demo", Body: coupons.Opened{}},
		"a type as text":  {Number: 70_000, Sequence: 12, Now: 5, User: "kim", Entity: "kim", Body: alarms.AllMarkedRead{}},
		"no request":      {Number: 70_000, Sequence: 12, Now: 5, User: "kim", Entity: "kim", Fingerprint: 3, Body: alarms.Raised{}},
		"number 0 issued": {Number: 70_000, Sequence: 12, Now: 5, User: "kim", Entity: "demo", Body: coupons.Issued{PromotionID: "demo", CouponID: "demo-0"}},
	} {
		for _, links := range []Links{{}, {69_999, 1}, {0, 69_999}} {
			data, err := json.Marshal(e.Body)
			if err != nil {
				t.Fatal(err)
			}
			k, v := key(e.Number), encodeRow(e, typeOf(e), links, data)
			r, err := decodeRow(k, v)
			want := journalRow{Event: e, Links: links, name: typeOf(e), data: data}
			want.Body = nil
			if err != nil || !reflect.DeepEqual(r, want) {
				t.Errorf("%s: got %+v %s, want %+v %s: %v", name, r, r.data, want, want.data, err)
			}
			for range 2000 { // what has no right checksum is not read, but a program of another time may have written it
				damaged := append([]byte{}, v...)
				damaged[rand.IntN(len(v))] = byte(rand.Uint32())
				if _, err := decodeRow(k, damaged[:1+rand.IntN(len(v))]); err != nil && !errors.Is(err, ErrDamaged) {
					t.Fatal(err)
				}
			}
		}
	}
}

// Nearly all rows of a sale are of one kind. Its size is measured with a benchmark; this finds a field that is written twice.
func TestRow_OfCouponIsSmall(t *testing.T) {
	e := domain.Event{
		Number: 1_000_000, Sequence: 4_000_000_000, Now: 1_782_000_000_000, User: "user-0123456789", Entity: "promotion", Fingerprint: 1 << 63, Request: domain.NewRequestID("kim", "key"),
		Body: coupons.Issued{PromotionID: "promotion", CouponID: "promotion-1000000", Number: 1_000_000},
	}
	data, _ := json.Marshal(e.Body)
	if size := len(encodeRow(e, typeOf(e), Links{PrevOfEntity: e.Number - 1}, data)); size > 100 {
		t.Errorf("a row takes %d bytes", size)
	}
}
