// Who asks: the names of users and the keys of their requests follow from the number of the command, so that none has to be
// kept for the check at the end.
package load

import (
	"strconv"

	"onsale/domain"
)

// user is the name of a user by number.
func (r *Run) user(n int) string {
	u := uint32(n)
	if r.Scatter {
		u = scattered(u)
	}
	return r.name + "-" + strconv.FormatUint(uint64(u)+1<<32, 36) // of one length, so that they rise where they are to
}

// scattered turns numbers in order into others in no order, each into another one (it is the end of MurmurHash3).
func scattered(n uint32) uint32 {
	n ^= n >> 16
	n *= 0x85ebca6b
	n ^= n >> 13
	n *= 0xc2b2ae35
	return n ^ n>>16
}

// of is who sends command k, under which key, and so as which request.
func (r *Run) of(k int) (user, key string, id domain.RequestID) {
	user, key = r.user(k%r.Users), "k"+strconv.Itoa(k)
	return user, key, domain.NewRequestID(user, key)
}
