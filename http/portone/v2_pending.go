// Cancellations of which nobody knows yet how they end: V2 gives some money back later.
package portone

import (
	"encoding/json"
	"math"
)

// pending is what was asked back and has neither succeeded nor failed, also under a status that is new.
func (f *reading) pending() int64 {
	if !f.has("cancellations") {
		return 0
	}
	var list []object
	if json.Unmarshal(f.object["cancellations"], &list) != nil {
		f.fault("cancellations", "is no list of objects")
	}
	sum := int64(0)
	for _, cancellation := range list {
		c := reading{object: cancellation}
		if status := c.text("status"); status != "SUCCEEDED" && status != "FAILED" {
			amount := c.money("totalAmount")
			if amount > math.MaxInt64-sum {
				c.fault("totalAmount", "is too much")
			}
			sum += amount
		}
		if c.err != nil && f.err == nil {
			f.err = c.err
		}
	}
	return sum
}
