// The last event of each user and of each entity: where the chains of the journal begin.

package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"math"

	"onsale/domain"
	"onsale/domain/compact"
)

// Key stands for a user or an entity: half of a SHA-256, which nobody can make two of, in less room than most ids.
type Key [16]byte

// UserKey is the key of a user.
func UserKey(user string) Key { return keyOf([]byte(user)) }

// EntityKey is the key of an entity ("seats", "demo").
func EntityKey(kind, entity string) Key {
	b := make([]byte, 0, 100) // on the stack
	return keyOf(append(append(append(b, kind...), '.'), entity...))
}

// keyOf hashes a user ("kim") or a kind and an entity ("coupons.demo"). No id has a dot.
func keyOf(text []byte) Key {
	sum := sha256.Sum256(text)
	return Key(sum[:len(Key{})])
}

// Keys are those of an event. User is the zero key when it has no user.
type Keys struct{ User, Entity Key }

// KeysOf returns the keys of e.
func KeysOf(e domain.Event) (k Keys) {
	if e.User != "" {
		k.User = UserKey(e.User)
	}
	k.Entity = EntityKey(domain.Kind(typeOf(e)), e.Entity)
	return k
}

// LastEvents has the number of the last event of each user and each entity. It takes 29 bytes for each of them. The zero value is
// empty.
type LastEvents struct {
	entries compact.Array[lastEvent]
	index   compact.Index
}

type lastEvent struct {
	key    Key
	number uint32
}

func (k Key) hash() uint64 { return binary.BigEndian.Uint64(k[:]) }

// Of returns the number of the last event of a user or an entity; 0 when there is none.
func (l *LastEvents) Of(k Key) uint64 {
	if i, found := l.find(k); found {
		return uint64(l.entries.At(int(i)).number)
	}
	return 0
}

func (l *LastEvents) find(k Key) (uint32, bool) {
	return l.index.Find(k.hash(), func(i uint32) bool { return l.entries.At(int(i)).key == k })
}

// Set makes n the last event of a user or an entity; 0: there is none.
func (l *LastEvents) Set(k Key, n uint64) {
	if n > math.MaxUint32 {
		panic("store: events have numbers below 4,294,967,296")
	}
	i, found := l.find(k)
	if !found {
		i = uint32(l.entries.Len())
		l.index.Add(k.hash(), uint64(l.entries.Len()), func(i uint32) uint64 { return l.entries.At(int(i)).key.hash() })
		l.entries.Append(lastEvent{key: k})
	}
	l.entries.At(int(i)).number = uint32(n)
}

// After yields the last events whose numbers come after n.
func (l *LastEvents) After(n uint64) iter.Seq2[Key, uint64] {
	return func(yield func(Key, uint64) bool) {
		for _, entry := range l.entries.All() {
			if uint64(entry.number) > n && !yield(entry.key, uint64(entry.number)) {
				return
			}
		}
	}
}

// Links are the numbers of the event before this one for the same user and for the same entity (0: none).
type Links struct{ PrevOfUser, PrevOfEntity uint64 }

// Chain is a chain of links through the journal.
type Chain int

const (
	OfUser Chain = iota
	OfEntity
)

// Of is the link of a chain.
func (l Links) Of(chain Chain) uint64 {
	if chain == OfUser {
		return l.PrevOfUser
	}
	return l.PrevOfEntity
}

// advance makes event n the last one of k, and returns those before it.
func (l *LastEvents) advance(n uint64, k Keys) (links Links) {
	if k.User != (Key{}) {
		links.PrevOfUser = l.Of(k.User)
		l.Set(k.User, n)
	}
	links.PrevOfEntity = l.Of(k.Entity)
	l.Set(k.Entity, n)
	return links
}

// entityKeys finds the key of an entity in rows of the journal; mostly it is that of the row before.
type entityKeys struct {
	name, entity []byte
	key          Key
}

func (k *entityKeys) of(r rowHeader) Key {
	if !bytes.Equal(r.name, k.name) || !bytes.Equal(r.entity, k.entity) {
		*k = entityKeys{r.name, r.entity, EntityKey(domain.Kind(string(r.name)), string(r.entity))}
	}
	return k.key
}
