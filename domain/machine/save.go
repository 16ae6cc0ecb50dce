// Saving what a start would otherwise collect from the whole history: requests, coupons and alarms.

package machine

import (
	"onsale/domain"
	"onsale/domain/compact"
)

// SaveHistory writes the requests, the coupons of all promotions, and the alarms.
func (m *Machine) SaveHistory(w *compact.Writer) {
	m.requests.save(w)
	m.Coupons.SaveCoupons(w)
	m.Alarms.Save(w)
}

// LoadHistory is for a restore: it stands for RestoreRequest, and for the RestoreCoupon and Restore of coupons and alarms. The
// promotions were restored before.
func (m *Machine) LoadHistory(r *compact.Reader) {
	m.requests.load(r)
	m.Coupons.LoadCoupons(r)
	m.Alarms.Load(r)
}

func (r *requests) save(w *compact.Writer) {
	r.entries.Save(w, func(b []byte, entry requestEntry) []byte {
		return append(append(b, entry.id[:]...), entry.fingerprint[:]...)
	})
	r.index.Save(w)
}

func (r *requests) load(from *compact.Reader) {
	const size = len(domain.PackedRequestID{})
	r.entries.Load(from, size+8, func(b []byte) requestEntry {
		return requestEntry{domain.PackedRequestID(b), [8]byte(b[size:])}
	})
	r.index.Load(from)
}
