// The types of the log: which name and version is which struct. An entry is added and never taken away, and each has a
// file in testdata that must decode for ever.
package streams

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
)

// ErrUnknownType is a command or an event that was written by a newer onsale. Whoever meets it stops: nothing is decided
// that is not understood.
var ErrUnknownType = domain.ErrUnknownType

type decoder func(data []byte) (domain.Body, error)

var commandTypes = map[string]decoder{
	"system.clock.v1": decode[domain.Clock],
	"system.void.v1":  decode[domain.Void],

	"coupons.create.v1": decode[coupons.Create],
	"coupons.issue.v1":  decode[coupons.Issue],

	"seats.create.v1":  decode[seats.Create],
	"seats.hold.v1":    decode[seats.Hold],
	"seats.release.v1": decode[seats.Release],
	"seats.reserve.v1": decode[seats.Reserve],
}

var eventTypes = map[string]decoder{
	"system.dead.v1": decode[domain.Dead],

	"coupons.created.v1":  decode[coupons.Created],
	"coupons.issued.v1":   decodeIssued,
	"coupons.rejected.v1": decode[domain.Rejection],

	"seats.created.v1":  decode[seats.Created],
	"seats.held.v1":     decode[seats.Held],
	"seats.released.v1": decode[seats.Released],
	"seats.reserved.v1": decode[seats.Reserved],
	"seats.expired.v1":  decode[seats.Expired],
	"seats.rejected.v1": decode[domain.Rejection],
}

// decode is strict: a field that the struct does not have, or anything after the object, is an error.
func decode[T domain.Body](data []byte) (domain.Body, error) {
	var body T
	if len(data) == 0 { // an empty object is not written
		return body, nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the object")
	}
	return body, nil
}

// decodeIssued takes the one spelling that we write by hand: a sale's log is made of these, and a rebuild reads them all.
func decodeIssued(data []byte) (domain.Body, error) {
	s := scanner{rest: data}
	s.literal(`{"promotionId":"`)
	promotion := s.text()
	s.literal(`,"couponId":"`)
	coupon := s.text()
	s.literal(`,"number":`)
	number := s.integer()
	if s.bad || string(s.rest) != "}" || number > math.MaxInt64 {
		return decode[coupons.Issued](data)
	}
	return coupons.Issued{PromotionID: string(promotion), CouponID: string(coupon), Number: int(number)}, nil
}

// lookUp finds the decoder of a type; the key is built without an allocation.
func lookUp(types map[string]decoder, name string, version int) (decoder, error) {
	var space [64]byte
	key := append(space[:0], name...)
	key = append(key, ".v"...)
	key = strconv.AppendInt(key, int64(version), 10)
	if decode, ok := types[string(key)]; ok {
		return decode, nil
	}
	return nil, fmt.Errorf("%s: %w", string(key), ErrUnknownType)
}
