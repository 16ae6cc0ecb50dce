// Alarms: the journal has their text; here is which are unread. An alarm has a row until it is read.

package store

import (
	"bytes"

	"onsale/domain"
	"onsale/domain/alarms"
)

// unreadKey is the user, a zero byte, which no id has, and the number of the event that raised the alarm.
func unreadKey(user string, n uint64) []byte {
	return append(append([]byte(user), 0), key(n)...)
}

// eachUnread visits the numbers of the user's unread alarms, the oldest first. The key is bbolt's own.
func eachUnread(tx *transaction, user string, visit func(k []byte, n uint64)) {
	first := unreadKey(user, 0)
	prefix := first[:len(user)+1]
	c := tx.table(bucketUnread).cursor()
	for k, _ := c.Seek(first); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		visit(k, number(k[len(prefix):]))
	}
}

func putAlarms(tx *transaction, e domain.Event) error {
	b := tx.table(bucketUnread)
	switch body := e.Body.(type) {
	case alarms.Raised:
		return b.putNew(unreadKey(e.User, e.Number), []byte{1})
	case alarms.MarkedRead:
		return b.delete(unreadKey(e.User, alarms.EventNumber(body.AlarmID)))
	case alarms.AllMarkedRead:
		var read [][]byte
		eachUnread(tx, e.User, func(k []byte, _ uint64) { read = append(read, bytes.Clone(k)) })
		for _, k := range read {
			if err := b.delete(k); err != nil {
				return err
			}
		}
	}
	return nil
}

// Alarm is an alarm of a user.
type Alarm struct {
	AlarmID     string
	EventNumber uint64 // of the event that raised it
	Raised      alarms.Raised
	Read        bool
	At          domain.Time
}

// Alarms are the user's, newest first.
func (v *View) Alarms(from uint64, limit int) (Page[Alarm], error) {
	unread := v.tx.table(bucketUnread)
	return userPage(v, from, limit, func(r journalRow) ([]Alarm, error) {
		if r.name != "alarms.raised" {
			return nil, nil
		}
		e, err := v.store.event(r)
		raised, _ := e.Body.(alarms.Raised)
		return []Alarm{{alarms.ID(e.Number), e.Number, raised, unread.get(unreadKey(e.User, e.Number)) == nil, e.Now}}, err
	})
}

// UnreadAlarms counts the user's unread alarms.
func (v *View) UnreadAlarms() int {
	count := 0
	eachUnread(v.tx, v.user, func(_ []byte, n uint64) {
		if n <= v.lastOfUser {
			count++
		}
	})
	return count
}
