// After the load: everything that was accepted gets its outcome, and what winners were promised can be read.

package load

import (
	"bytes"
	"context"
	"encoding/json"
	"time"
)

// awaitOutcomes waits until the promotion has issued what it must and every stream has its outcome, or Drain is over.
func (r *run) awaitOutcomes(ctx context.Context) error {
	want := int64(r.mustIssue())
	for end := r.now() + int64(r.Drain); r.now() < end; {
		if r.issuedAt == 0 {
			if r.readIssued(); r.issued >= want {
				r.issuedAt = r.now()
			}
		}
		if r.issuedAt > 0 && r.pending <= 0 {
			break
		}
		if err := r.pollFor(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	if err := r.pollFor(ctx, 300*time.Millisecond); err != nil { // outcomes may come twice
		return err
	}
	r.readIssued()
	return nil
}

func (r *run) readIssued() {
	status, body, err := r.ask("GET", "/api/v1/promotions/"+r.promotion, "admin", "")
	var promotion struct{ Issued int64 }
	if err == nil && status == 200 && json.Unmarshal(body, &promotion) == nil {
		r.issued = promotion.Issued
	}
}

// mustIssue is how many coupons the accepted commands get.
func (r *run) mustIssue() int {
	accepted := 0
	for k := range r.commands {
		if r.commands[k].accepted() {
			accepted++
		}
	}
	return min(accepted, r.Stock)
}

// readBack reads the coupons of some who were answered that they have one.
func (r *run) readBack(result *Result) {
	const most = 100
	for k := 0; k < r.Commands && result.ReadBack < most; k++ {
		if !r.commands[k].won {
			continue
		}
		status, body, err := r.ask("GET", "/api/v1/me/coupons", string(r.appendUser(nil, k)), "")
		result.ReadBack++
		switch n := bytes.Count(body, []byte(`"couponId":`)); {
		case err != nil || status != 200 || n == 0:
			result.Lost++
		case n > 1:
			result.Doubled++
		}
	}
}
