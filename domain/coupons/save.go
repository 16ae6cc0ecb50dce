package coupons

import (
	"encoding/binary"
	"errors"

	"onsale/domain/compact"
)

// SaveCoupons writes the coupons of all promotions.
func (s *State) SaveCoupons(w *compact.Writer) {
	ids := s.IDs()
	w.Number(uint64(len(ids)))
	for _, id := range ids {
		i := &s.promotions[id].issued
		w.Bytes([]byte(id))
		i.owners.Save(w, binary.LittleEndian.AppendUint32)
		i.statuses.Save(w, func(b []byte, status Status) []byte { return append(b, byte(status)) })
		i.users.Save(w)
		i.held.Save(w, binary.LittleEndian.AppendUint32)
	}
}

// LoadCoupons is RestoreCoupon for all coupons that were saved. It comes before the entries of waiting lists.
func (s *State) LoadCoupons(r *compact.Reader) {
	for range r.Count() {
		p := s.promotions[string(r.Bytes())]
		if p == nil {
			r.Fail(errors.New("coupons: coupons of no promotion were saved"))
			return
		}
		i := &p.issued
		i.owners.Load(r, 4, binary.LittleEndian.Uint32)
		i.statuses.Load(r, 1, func(b []byte) Status { return Status(b[0]) })
		i.users.Load(r)
		i.held.Load(r, 4, binary.LittleEndian.Uint32)
	}
}
