// Package compact holds tables for state that grows with history: arrays of numbers and slabs of bytes. The garbage collector has no
// pointers to follow in them, an entry costs little more than its bytes, and no table is copied as a whole when it grows.
package compact

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
)

const (
	firstSlots = 16   // of the first page
	pageSlots  = 4096 // of a page that is split when it is full, which takes less than a millisecond
)

// Index finds numbers by hash. It keeps neither keys nor hashes: a number stands for an entry that the caller keeps elsewhere, such
// as its place in an Array, and the caller compares and hashes entries. Numbers are never removed. The zero value is empty.
//
// It is an extendible hash table: pages of open addressing, found by the first bits of the hash.
type Index struct {
	pages []*page // a power of two; several places can have the same page
	depth uint    // bits of the hash that number a place
	used  int
}

// page is one part of an Index. A tag is a byte of the hash, which tells most other entries apart; 0: the slot is free.
type page struct {
	depth   uint // of the first bits of the hash that all its entries share
	used    int
	tags    []uint8
	numbers []uint32
}

func newPage(depth uint, slots int) *page {
	return &page{depth: depth, tags: make([]uint8, slots), numbers: make([]uint32, slots)}
}

// Find returns the number with this hash for which equal returns true; false when there is none.
func (x *Index) Find(hash uint64, equal func(number uint32) bool) (number uint32, found bool) {
	if len(x.pages) == 0 {
		return 0, false
	}
	p := x.pages[hash>>(64-x.depth)]
	tag, mask := tagOf(hash), uint64(len(p.tags)-1)
	for slot := hash & mask; p.tags[slot] != 0; slot = (slot + 1) & mask {
		if p.tags[slot] == tag && equal(p.numbers[slot]) {
			return p.numbers[slot], true
		}
	}
	return 0, false
}

// Add adds a number whose entry Find does not find. hashOf returns the hash of a number that was added before.
func (x *Index) Add(hash, number uint64, hashOf func(number uint32) uint64) {
	if number > math.MaxUint32 {
		panic("compact: a table cannot have more than 4,294,967,296 entries")
	}
	if len(x.pages) == 0 {
		x.pages = []*page{newPage(0, firstSlots)}
	}
	p := x.pages[hash>>(64-x.depth)]
	for p.used >= len(p.tags)/8*7 {
		x.grow(p, hash, hashOf)
		p = x.pages[hash>>(64-x.depth)]
	}
	p.add(hash, uint32(number))
	x.used++
}

func (p *page) add(hash uint64, number uint32) {
	mask := uint64(len(p.tags) - 1)
	slot := hash & mask
	for p.tags[slot] != 0 {
		slot = (slot + 1) & mask
	}
	p.tags[slot], p.numbers[slot] = tagOf(hash), number
	p.used++
}

// tagOf takes bits that choose neither the page nor the slot.
func tagOf(hash uint64) uint8 { return max(1, uint8(hash>>24)) }

// grow splits the page of hash, or doubles it while it is small, and where hashes are so unevenly spread, which no honest ones are, that
// the places would outgrow the entries.
func (x *Index) grow(p *page, hash uint64, hashOf func(uint32) uint64) {
	doubles := len(p.tags) < pageSlots || p.depth == x.depth && len(x.pages) > x.used/256
	var low, high *page // entries whose next bit is 0, and 1
	if doubles {
		low = newPage(p.depth, 2*len(p.tags))
		high = low
	} else {
		low, high = newPage(p.depth+1, len(p.tags)), newPage(p.depth+1, len(p.tags))
	}
	for slot, tag := range p.tags {
		if tag == 0 {
			continue
		}
		h := hashOf(p.numbers[slot])
		if h<<p.depth>>63 == 0 {
			low.add(h, p.numbers[slot])
		} else {
			high.add(h, p.numbers[slot])
		}
	}
	if low.depth > x.depth {
		places := make([]*page, 0, 2*len(x.pages))
		for _, same := range x.pages {
			places = append(places, same, same)
		}
		x.pages, x.depth = places, x.depth+1
	}
	count := 1 << (x.depth - p.depth) // the places of p are those that begin with its bits
	first := int(hash>>(64-x.depth)) &^ (count - 1)
	for i := range count {
		x.pages[first+i] = low
		if i >= count/2 {
			x.pages[first+i] = high
		}
	}
}

// Hash is a hash of a key that users may choose: part of a cryptographic one, so that nobody finds many keys with the same hash.
func Hash[K string | []byte](key K) uint64 {
	sum := sha256.Sum256([]byte(key))
	return binary.BigEndian.Uint64(sum[:])
}

// Mix makes a hash of a number: the finalizer of splitmix64.
func Mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
