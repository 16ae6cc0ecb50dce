package alarms

import (
	"maps"
	"slices"

	"onsale/domain/compact"
)

// Save writes all alarms.
func (s *State) Save(w *compact.Writer) {
	w.Number(uint64(len(s.inboxes)))
	for _, user := range slices.Sorted(maps.Keys(s.inboxes)) {
		b := s.inboxes[user]
		w.Bytes([]byte(user))
		w.Number(uint64(len(b.numbers)))
		for _, number := range b.numbers {
			unread := uint64(0)
			if b.unread[number] {
				unread = 1
			}
			w.Number(number<<1 | unread)
		}
	}
}

// Load is Restore for all alarms that were saved.
func (s *State) Load(r *compact.Reader) {
	for range r.Count() {
		user := string(r.Bytes())
		for range r.Count() {
			number := r.Number()
			if r.Err() != nil {
				return
			}
			s.Restore(user, number>>1, number&1 == 0)
		}
	}
}
