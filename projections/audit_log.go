// The audit trail: what the shop has done, who, when, and why.

package projections

import (
	"encoding/json"
	"iter"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
)

// AdminAction is a command of the shop's and its outcome.
type AdminAction struct {
	EventNumber uint64
	Sequence    uint64 // of the command
	At          domain.Time
	User        string
	Type        string // of the event: "coupons.paused"; of the command where that was refused: "coupons.pause"
	Entity      string // the promotion, schedule, product or order, or the user who was told something
	Code        string // "" when it was done
	Reason      string // the shop's
	Request     domain.RequestID
}

// adminTypes are the outcomes of commands that only the shop sends, and those commands.
var adminTypes = set(
	"coupons.created", "coupons.stock-changed", "coupons.paused", "coupons.resumed", "coupons.closed", "coupons.revocation-done",
	"seats.created", "seats.blocked", "seats.unblocked", "seats.reclaimed", "seats.closed", "alarms.raise-done",
	"products.created", "products.stock-changed", "products.closed", "orders.cancelled",

	"coupons.create", "coupons.change-stock", "coupons.pause", "coupons.resume", "coupons.close", "coupons.revoke",
	"seats.create", "seats.block", "seats.unblock", "seats.reclaim", "seats.close", "alarms.raise",
	"products.create", "products.change-stock", "products.close", "orders.cancel",
)

func set(names ...string) map[string]bool {
	s := map[string]bool{}
	for _, name := range names {
		s[name] = true
	}
	return s
}

// ExportAuditLog is everything that the shop has done or tried, in order, as far as it may be told. A reason that was refused
// with its command stands in COMMANDS only.
func (p *Projector) ExportAuditLog() iter.Seq2[AdminAction, error] {
	confirmed := p.Confirmed()
	return exportRows(p, bucketNamed(bucketJournal), func(_ *bolt.Tx, k, v []byte) ([]AdminAction, error) {
		header, err := readRowHeader(k, v)
		if err != nil || number(k) > confirmed || len(header.request) == 0 {
			return nil, err
		}
		rejected := header.rejectionCode() != nil
		if !rejected && !adminTypes[string(header.name)] {
			return nil, nil
		}
		r, err := decodeJournalRow(k, v)
		if err != nil {
			return nil, err
		}
		var body struct{ Command, Code, Reason string }
		if err := json.Unmarshal(r.Data, &body); err != nil {
			return nil, err
		}
		action := AdminAction{r.EventNumber, r.Sequence, r.At, r.User, r.Type, r.Entity, body.Code, body.Reason, r.Request}
		if rejected {
			action.Type = body.Command
		}
		if !adminTypes[action.Type] {
			return nil, nil
		}
		return []AdminAction{action}, nil
	})
}
