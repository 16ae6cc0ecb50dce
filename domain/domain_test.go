package domain

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestKind_CutsAtFirstDot(t *testing.T) {
	for name, want := range map[string]string{"coupons.issue": "coupons", "seats.held": "seats", "odd": "odd", "": "", "a.b.c": "a"} {
		if got := Kind(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
	if got, _ := (Rejection{Command: "seats.hold"}).Type(); got != "seats.rejected" {
		t.Errorf("got %s", got)
	}
}

func TestRecord_Data(t *testing.T) {
	for payload, want := range map[string]string{
		`{"type":"seats.held","v":1,"data":{"a":1}}`:            `{"a":1}`,
		`{"type":"seats.held","v":1,"data":{"a":",\"data\":"}}`: `{"a":",\"data\":"}`,
		`{"type":"system.tick","v":1}`:                          `{}`,
		``:                                                      `{}`,
		`{"type":"x","data":`:                                   `{}`,
	} {
		if got := string((Record{Payload: []byte(payload)}).Data()); got != want {
			t.Errorf("%s: got %s, want %s", payload, got, want)
		}
	}
}

// A log that keeps everything begins at 1 and has lost nothing.
func TestStreamState_CheckContiguous(t *testing.T) {
	for _, c := range []struct {
		name       string
		state      StreamState
		contiguous bool
	}{
		{"new", StreamState{}, true},
		{"one", StreamState{First: 1, Last: 1, Messages: 1}, true},
		{"beginning lost", StreamState{First: 2, Last: 9, Messages: 8}, false},
		{"middle lost", StreamState{First: 1, Last: 9, Messages: 8, Deleted: 1}, false},
		{"middle lost, not counted as deleted", StreamState{First: 1, Last: 9, Messages: 8}, false},
		{"all lost", StreamState{First: 10, Last: 9}, false},
		{"all lost, first unknown", StreamState{Last: 3}, false},
	} {
		if err := c.state.CheckContiguous(); (err == nil) != c.contiguous {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

// FuzzRejection: a rejection reads as it was written, and facts that do not belong to it are not there.
func FuzzRejection(f *testing.F) {
	f.Add(SoldOut, "", 0, uint64(2000), int64(0), []byte(nil))
	f.Add(SeatUnavailable, "", 0, uint64(0), int64(0), []byte{1, 2, 200})
	f.Add(NotOpen, "demo-1", -1, uint64(1)<<63, int64(1772359200123), []byte{0})
	f.Fuzz(func(t *testing.T, code, coupon string, limit int, sequence uint64, at int64, ids []byte) {
		if at %= 253402300800000; at < 0 { // a time that the log can hold
			at = -at
		}
		want := Rejection{Command: "seats.hold", Code: SoldOut, Details: Details{Limit: limit, SoldOutSequence: sequence, OpensAt: Time(at), ClosesAt: Time(at), ExpiredAt: Time(at)}}
		if CheckID(code) == nil && CheckID(coupon) == nil {
			want.Code, want.CouponID = code, coupon
		}
		for _, id := range ids {
			want.ScheduleSeatIDs = append(want.ScheduleSeatIDs, int(id))
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Rejection
		if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v, want %+v", text, got, err, want)
		}
		var fields map[string]any
		if err := json.Unmarshal(text, &fields); err != nil || at == 0 && (fields["opensAt"] != nil || fields["expiredAt"] != nil) {
			t.Errorf("%s: %v", text, err)
		}
	})
}
