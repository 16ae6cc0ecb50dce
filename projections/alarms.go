// Alarms: what they say stands in the journal, and whether they were read here. An alarm has a row for as long as it is not.

package projections

import (
	"bytes"
	"encoding/json"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/alarms"
)

// unreadKey is the user, a zero byte, which no id has, and the number of the event that raised the alarm.
func unreadKey(user string, n uint64) []byte {
	return append(append([]byte(user), 0), key(n)...)
}

// eachUnread calls see with the numbers of the user's unread alarms, the oldest first. The key is bbolt's own.
func eachUnread(tx *bolt.Tx, user string, visit func(k []byte, n uint64)) {
	first := unreadKey(user, 0)
	prefix := first[:len(user)+1]
	c := tx.Bucket(bucketUnread).Cursor()
	for k, _ := c.Seek(first); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		visit(k, number(k[len(prefix):]))
	}
}

func applyAlarms(tx *bolt.Tx, e domain.Event) error {
	b := tx.Bucket(bucketUnread)
	switch body := e.Body.(type) {
	case alarms.Raised:
		return b.Put(unreadKey(e.User, e.Number), []byte{1})
	case alarms.MarkedRead:
		return b.Delete(unreadKey(e.User, alarms.EventNumber(body.AlarmID)))
	case alarms.AllMarkedRead:
		var read [][]byte
		eachUnread(tx, e.User, func(k []byte, _ uint64) { read = append(read, bytes.Clone(k)) })
		for _, k := range read {
			if err := b.Delete(k); err != nil {
				return err
			}
		}
	}
	return nil
}

// Alarm is what its user was told without having asked.
type Alarm struct {
	AlarmID     string
	EventNumber uint64 // of the event that raised it
	Raised      alarms.Raised
	Read        bool
	At          domain.Time
}

// Alarms are the user's, newest first.
func (v *View) Alarms(from uint64, limit int) (Page[Alarm], error) {
	unread := v.tx.Bucket(bucketUnread)
	return userPage(v, from, limit, func(r journalRow) ([]Alarm, error) {
		if r.Type != "alarms.raised" {
			return nil, nil
		}
		a := Alarm{AlarmID: alarms.ID(r.EventNumber), EventNumber: r.EventNumber, At: r.At, Read: unread.Get(unreadKey(r.User, r.EventNumber)) == nil}
		err := json.Unmarshal(r.Data, &a.Raised)
		return []Alarm{a}, err
	})
}

// UnreadAlarms is how many of the user's alarms are.
func (v *View) UnreadAlarms() int {
	count := 0
	eachUnread(v.tx, v.user, func(_ []byte, n uint64) {
		if n <= v.lastOfUser {
			count++
		}
	})
	return count
}
