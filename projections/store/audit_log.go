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
	Command     string // its type: "coupons.pause"
	Entity      string // the promotion, schedule, product or order, or the user of an alarm
	Code        string // of the rejection; "": it succeeded
	Reason      string // that the admin gave
	Request     domain.RequestID
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
		command, admins := x.store.log.AdminCommand(string(header.name))
		rejected := header.rejectionCode() != nil
		if !rejected && !admins {
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
		if rejected {
			if command, admins = x.store.log.AdminCommand(body.Command); !admins {
				return nil, nil
			}
		}
		return []AdminAction{{r.Number, r.Sequence, r.Now, r.User, command, r.Entity, body.Code, body.Reason, r.Request}}, nil
	})
}
