// The audit log: what admins have done, who, when, and why.

package store

import (
	"encoding/json"
	"iter"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
)

// AdminAction is an admin's command and its outcome.
type AdminAction struct {
	EventNumber uint64
	Sequence    uint64 // of the command
	At          domain.Time
	User        string
	Type        string // of the event: "coupons.paused"; of a rejected command: "coupons.pause"
	Entity      string // the promotion, schedule, product or order, or the user of an alarm
	Code        string // of the rejection; "": it succeeded
	Reason      string // that the admin gave
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

// ExportAuditLog is every confirmed action of admins, rejected ones too, in order. The reason of a rejected command is in
// COMMANDS only.
func (x Exporter) ExportAuditLog() iter.Seq2[AdminAction, error] {
	confirmed := x.confirmed()
	return exportRows(x, bucketNamed(bucketJournal), func(_ *bolt.Tx, k, v []byte) ([]AdminAction, error) {
		header, err := readRowHeader(k, v)
		if err != nil || number(k) > confirmed || len(header.request) == 0 {
			return nil, err
		}
		rejected := header.rejectionCode() != nil
		if !rejected && !adminTypes[string(header.name)] {
			return nil, nil
		}
		r, err := decodeRow(k, v)
		if err != nil {
			return nil, err
		}
		var body struct{ Command, Code, Reason string }
		if err := json.Unmarshal(r.data, &body); err != nil {
			return nil, err
		}
		action := AdminAction{r.Number, r.Sequence, r.Now, r.User, r.name, r.Entity, body.Code, body.Reason, r.Request}
		if rejected {
			action.Type = body.Command
		}
		if !adminTypes[action.Type] {
			return nil, nil
		}
		return []AdminAction{action}, nil
	})
}
