// The registry of types: which type name and version is which struct. Entries are added and never removed, and each has a sample in
// testdata that must always decode.

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
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// ErrUnknownType is a command or an event that a newer onsale wrote. A node that reads one halts: it does not decide what it does not
// know.
var ErrUnknownType = domain.ErrUnknownType

type decoder func(data []byte) (domain.Body, error)

var commandTypes = map[string]decoder{
	"system.tick.v1": decode[domain.Tick],
	"system.noop.v1": decode[domain.Noop],

	"coupons.create.v1":       decode[coupons.Create],
	"coupons.issue.v1":        decode[coupons.Issue],
	"coupons.use.v1":          decode[coupons.Use],
	"coupons.pause.v1":        decode[coupons.Pause],
	"coupons.resume.v1":       decode[coupons.Resume],
	"coupons.close.v1":        decode[coupons.Close],
	"coupons.change-stock.v1": decode[coupons.ChangeStock],
	"coupons.revoke.v1":       decode[coupons.Revoke],
	"coupons.join.v1":         decode[coupons.Join],
	"coupons.leave.v1":        decode[coupons.Leave],
	"coupons.accept.v1":       decode[coupons.Accept],
	"coupons.decline.v1":      decode[coupons.Decline],

	"seats.create.v1":  decode[seats.Create],
	"seats.hold.v1":    decode[seats.Hold],
	"seats.extend.v1":  decode[seats.Extend],
	"seats.swap.v1":    decode[seats.Swap],
	"seats.release.v1": decode[seats.Release],
	"seats.reserve.v1": decode[seats.Reserve],
	"seats.cancel.v1":  decode[seats.Cancel],
	"seats.block.v1":   decode[seats.Block],
	"seats.unblock.v1": decode[seats.Unblock],
	"seats.reclaim.v1": decode[seats.Reclaim],
	"seats.close.v1":   decode[seats.Close],
	"seats.join.v1":    decode[seats.Join],
	"seats.leave.v1":   decode[seats.Leave],
	"seats.accept.v1":  decode[seats.Accept],
	"seats.decline.v1": decode[seats.Decline],

	"products.create.v1":       decode[orders.Create],
	"products.change-stock.v1": decode[orders.ChangeStock],
	"products.close.v1":        decode[orders.Close],
	"products.prepare.v1":      decode[orders.Prepare],

	"orders.place.v1":          decode[orders.Place],
	"orders.record-payment.v1": decode[orders.RecordPayment],
	"orders.cancel.v1":         decode[orders.Cancel],

	"alarms.raise.v1":         decode[alarms.Raise],
	"alarms.mark-read.v1":     decode[alarms.MarkRead],
	"alarms.mark-all-read.v1": decode[alarms.MarkAllRead],
}

var eventTypes = map[string]decoder{
	"system.dead-letter.v1": decode[domain.DeadLetter],

	"coupons.created.v1":         decode[coupons.Created],
	"coupons.issued.v1":          decodeIssued,
	"coupons.used.v1":            decode[coupons.Used],
	"coupons.opened.v1":          decode[coupons.Opened],
	"coupons.paused.v1":          decode[coupons.Paused],
	"coupons.resumed.v1":         decode[coupons.Resumed],
	"coupons.closed.v1":          decode[coupons.Closed],
	"coupons.stock-changed.v1":   decode[coupons.StockChanged],
	"coupons.revoked.v1":         decode[coupons.Revoked],
	"coupons.revocation-done.v1": decode[coupons.RevocationDone],
	"coupons.joined.v1":          decode[coupons.Joined],
	"coupons.left.v1":            decode[coupons.Left],
	"coupons.offered.v1":         decode[coupons.Offered],
	"coupons.accepted.v1":        decode[coupons.Accepted],
	"coupons.declined.v1":        decode[coupons.Declined],
	"coupons.offer-expired.v1":   decode[coupons.OfferExpired],
	"coupons.rejected.v1":        decode[domain.Rejection],

	"seats.created.v1":          decode[seats.Created],
	"seats.held.v1":             decode[seats.Held],
	"seats.expiring.v1":         decode[seats.Expiring],
	"seats.extended.v1":         decode[seats.Extended],
	"seats.swapped.v1":          decode[seats.Swapped],
	"seats.released.v1":         decode[seats.Released],
	"seats.expired.v1":          decode[seats.Expired],
	"seats.released-to-sale.v1": decode[seats.ReleasedToSale],
	"seats.reserved.v1":         decode[seats.Reserved],
	"seats.cancelled.v1":        decode[seats.Cancelled],
	"seats.reclaimed.v1":        decode[seats.Reclaimed],
	"seats.blocked.v1":          decode[seats.Blocked],
	"seats.unblocked.v1":        decode[seats.Unblocked],
	"seats.closed.v1":           decode[seats.Closed],
	"seats.joined.v1":           decode[seats.Joined],
	"seats.left.v1":             decode[seats.Left],
	"seats.offered.v1":          decode[seats.Offered],
	"seats.accepted.v1":         decode[seats.Accepted],
	"seats.declined.v1":         decode[seats.Declined],
	"seats.offer-expired.v1":    decode[seats.OfferExpired],
	"seats.rejected.v1":         decode[domain.Rejection],

	"products.created.v1":       decode[orders.Created],
	"products.stock-changed.v1": decode[orders.StockChanged],
	"products.closed.v1":        decode[orders.Closed],
	"products.prepared.v1":      decode[orders.Prepared],
	"products.rejected.v1":      decode[domain.Rejection],

	"orders.placed.v1":        decode[orders.Placed],
	"orders.rejected-paid.v1": decode[orders.RejectedPaid],
	"orders.pending.v1":       decode[orders.Pending],
	"orders.succeeded.v1":     decode[orders.Succeeded],
	"orders.failed.v1":        decode[orders.Failed],
	"orders.refund-due.v1":    decode[orders.RefundDue],
	"orders.refunded.v1":      decode[orders.Refunded],
	"orders.discrepant.v1":    decode[orders.Discrepant],
	"orders.recheck.v1":       decode[orders.Recheck],
	"orders.cancelled.v1":     decode[orders.Cancelled],
	"orders.rejected.v1":      decode[domain.Rejection],

	"alarms.raised.v1":          decode[alarms.Raised],
	"alarms.raise-done.v1":      decode[alarms.RaiseDone],
	"alarms.marked-read.v1":     decode[alarms.MarkedRead],
	"alarms.all-marked-read.v1": decode[alarms.AllMarkedRead],
	"alarms.rejected.v1":        decode[domain.Rejection],
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
	return nil, fmt.Errorf("%s: %w", string(key), ErrUnknownType)
}
