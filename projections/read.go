// What screens read: one moment of the store at a time.
package projections

import (
	bolt "go.etcd.io/bbolt"

	"onsale/domain"
)

// View is one moment of the store. Do not keep it, and do no slow work while it is open.
type View struct {
	tx       *bolt.Tx
	meta     meta
	position uint64
	user     string
	last     uint64 // number of the user's last confirmed event
}

// Read shows one moment of the store to user; "" is nobody. Lists of what is the user's hold what is confirmed.
func (p *Projector) Read(user string, read func(*View) error) error {
	if err := p.haltedError(); err != nil {
		return err
	}
	// Both are asked before the moment is taken, so that the moment has everything up to them.
	confirmed, last := p.Confirmed(), p.LastOfUser(user)
	return p.store.view(func(tx *bolt.Tx) error {
		m, err := readMeta(tx)
		if err != nil {
			return err
		}
		return read(&View{tx, m, confirmed, user, last})
	})
}

// Position is the number of an event that is confirmed; the view shows it and everything before it.
func (v *View) Position() uint64 { return v.position }

// Now is the log's time at the last event in the view.
func (v *View) Now() domain.Time { return v.meta.now }
