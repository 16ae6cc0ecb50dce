// The registry of types: which structs are in the log. Entries are added and never removed, and each has a sample in testdata, named
// by its type and version, that must always decode.

package streams

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

type decoder func(data []byte) (domain.Body, error)

var commandTypes = registry(
	decode[domain.Tick], decode[domain.Noop],

	decode[coupons.Create], decode[coupons.Issue], decode[coupons.Use], decode[coupons.Pause], decode[coupons.Resume],
	decode[coupons.Close], decode[coupons.ChangeStock], decode[coupons.Revoke], decode[coupons.Join], decode[coupons.Leave],
	decode[coupons.Accept], decode[coupons.Decline],

	decode[seats.Create], decode[seats.Hold], decode[seats.Extend], decode[seats.Swap], decode[seats.Release],
	decode[seats.Reserve], decode[seats.Cancel], decode[seats.Block], decode[seats.Unblock], decode[seats.Reclaim],
	decode[seats.Close], decode[seats.CancelSchedule], decode[seats.Join], decode[seats.Leave], decode[seats.Accept], decode[seats.Decline],

	decode[orders.Create], decode[orders.ChangeStock], decode[orders.Close], decode[orders.Prepare], decode[orders.Place],
	decode[orders.PlacePrepared], decode[orders.RecordPayment], decode[orders.Cancel],

	decode[alarms.Raise], decode[alarms.MarkRead], decode[alarms.MarkAllRead],
)

var eventTypes = func() map[string]decoder {
	types := registry(
		decode[domain.DeadLetter],

		decode[coupons.Created], decodeIssued, decode[coupons.Used], decode[coupons.Opened], decode[coupons.Paused],
		decode[coupons.Resumed], decode[coupons.Closed], decode[coupons.StockChanged], decode[coupons.Revoked],
		decode[coupons.RevocationDone], decode[coupons.Joined], decode[coupons.Left], decode[coupons.Offered],
		decode[coupons.Accepted], decode[coupons.Declined], decode[coupons.OfferExpired], decode[coupons.Bound],
		decode[coupons.GivenBack],

		decode[seats.Created], decode[seats.Held], decode[seats.Expiring], decode[seats.Extended], decode[seats.Swapped],
		decode[seats.Released], decode[seats.Expired], decode[seats.ReleasedToSale], decode[seats.Reserved],
		decode[seats.Cancelled], decode[seats.Reclaimed], decode[seats.Blocked], decode[seats.Unblocked], decode[seats.Closed],
		decode[seats.Joined], decode[seats.Left], decode[seats.Offered], decode[seats.Accepted], decode[seats.Declined],
		decode[seats.OfferExpired], decode[seats.PaymentPrepared], decode[seats.Ordered], decode[seats.OrderFailed],
		decode[seats.ScheduleCancelled],

		decode[orders.Created], decode[orders.StockChanged], decode[orders.Closed], decode[orders.Prepared],
		decode[orders.Placed], decode[orders.RejectedPaid], decode[orders.Pending], decode[orders.Succeeded],
		decode[orders.Failed], decode[orders.RefundDue], decode[orders.Refunded], decode[orders.Discrepant],
		decode[orders.Recheck], decode[orders.Cancelled], decode[orders.PreparationDue], decode[orders.Confirmed],

		decode[alarms.Raised], decode[alarms.RaiseDone], decode[alarms.MarkedRead], decode[alarms.AllMarkedRead],
	)
	for _, kind := range []string{"coupons", "seats", "products", "orders", "alarms"} {
		types[kind+".rejected.v1"] = decode[domain.Rejection]
	}
	return types
}()

// registry returns the decoders by "<type name>.v<version>", as the zero value of each struct spells them.
func registry(decoders ...decoder) map[string]decoder {
	types := make(map[string]decoder, len(decoders))
	for _, decode := range decoders {
		body, _ := decode(nil)
		name, version := body.Type()
		key := fmt.Sprintf("%s.v%d", name, version)
		if types[key] != nil {
			panic("streams: two structs have the type " + key)
		}
		types[key] = decode
	}
	return types
}

// adminCommands are the type names of the commands that only admins send, by themselves and by the types of their outcomes.
var adminCommands = func() map[string]string {
	commands := map[string]string{}
	for _, decode := range eventTypes {
		body, _ := decode(nil)
		if outcome, ok := body.(domain.Administrative); ok {
			name, _ := body.Type()
			commands[name], commands[outcome.Command()] = outcome.Command(), outcome.Command()
		}
	}
	return commands
}()

// AdminCommand returns the type name of the command that an event of this type answers, where only admins send that command.
// The type of such a command itself gives itself. ok is false for all other types.
func AdminCommand(typeName string) (command string, ok bool) {
	command, ok = adminCommands[typeName]
	return command, ok
}

// EventTypes are the type names that events may have, sorted.
func EventTypes() []string {
	names := map[string]bool{}
	for key := range eventTypes {
		name, _, _ := strings.Cut(key, ".v")
		names[name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// decode refuses fields that the struct does not have, and anything after the object.
func decode[T domain.Body](data []byte) (domain.Body, error) {
	var body T
	if len(data) == 0 { // empty objects are not written
		return body, nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("trailing data after the object")
	}
	return body, nil
}

// decodeIssued decodes the spelling that EncodeEvent writes without reflection: most events of a sale are these, and a rebuild reads
// them all.
func decodeIssued(data []byte) (domain.Body, error) {
	s := scanner{rest: data}
	s.expect(`{"promotionId":"`)
	promotion := s.text()
	s.expect(`,"couponId":"`)
	coupon := s.text()
	s.expect(`,"number":`)
	number := s.integer()
	if s.bad || string(s.rest) != "}" || number > math.MaxInt64 {
		return decode[coupons.Issued](data)
	}
	return coupons.Issued{PromotionID: string(promotion), CouponID: string(coupon), Number: int(number)}, nil
}

// decoderFor returns the decoder of a type. It builds the key without an allocation.
func decoderFor(types map[string]decoder, name string, version int) (decoder, error) {
	var buf [64]byte
	key := append(buf[:0], name...)
	key = append(key, ".v"...)
	key = strconv.AppendInt(key, int64(version), 10)
	if decode, ok := types[string(key)]; ok {
		return decode, nil
	}
	return nil, fmt.Errorf("%s: %w", string(key), domain.ErrUnknownType)
}
