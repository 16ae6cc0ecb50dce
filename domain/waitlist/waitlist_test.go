package waitlist

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"onsale/domain"
)

// TestList_MatchesPlainSlice compares a list with a slice through random additions and removals. Entries are passed over, and no longer.
func TestList_MatchesPlainSlice(t *testing.T) {
	rng := rand.New(rand.NewPCG(rand.Uint64(), 0))
	var l List
	var want []Entry
	passed := map[uint64]bool{}
	for sequence := range uint64(5000) {
		if rng.IntN(5) < 3 || len(want) == 0 {
			e := Entry{sequence, "u" + strconv.FormatUint(sequence, 10), 1 + rng.IntN(4)}
			l.Add(e)
			want = append(want, e)
		} else {
			i := rng.IntN(len(want))
			if rng.IntN(2) == 0 {
				i = 0
			}
			l.Remove(want[i].Sequence)
			want = slices.Delete(want, i, i+1)
		}
		if len(want) > 0 {
			i := min(rng.IntN(len(want)), rng.IntN(len(want)))
			passed[want[i].Sequence] = rng.IntN(2) == 0
			l.PassOver(want[i].Sequence, passed[want[i].Sequence])
		}
		least := 1 + rng.IntN(5)
		fits := func(quantity int) bool { return quantity >= least }
		i := slices.IndexFunc(want, func(e Entry) bool { return fits(e.Quantity) && !passed[e.Sequence] })
		if got, ok := l.FirstFit(fits); ok != (i >= 0) || ok && got != want[i] {
			t.Fatalf("first with at least %d: got %v, %t, want %d of %v", least, got, ok, i, want)
		}
		if len(want) == 0 {
			continue
		}
		entry := want[rng.IntN(len(want))]
		if got, ok := l.Entry(entry.Sequence); !ok || got != entry {
			t.Fatalf("entry %d: got %v, %t, want %v", entry.Sequence, got, ok, entry)
		}
		if got := l.PassedOver(entry.Sequence); got != passed[entry.Sequence] {
			t.Fatalf("entry %d is passed over: got %t", entry.Sequence, got)
		}
		if got, ok := l.ByUser(entry.User); !ok || got != entry {
			t.Fatalf("entry of %s: got %v, %t, want %v", entry.User, got, ok, entry)
		}
	}
	if !slices.Equal(l.All(), want) || l.Len() != len(want) {
		t.Errorf("got %v, want %v", l.All(), want)
	}
	l.Remove(1 << 60)
	if _, ok := l.ByUser("nobody"); ok {
		t.Error("found an entry of an unknown user")
	}
}

func TestCheck_Codes(t *testing.T) {
	entry := Entry{Sequence: 1000, User: "kim", Quantity: 2}
	for _, c := range []struct {
		name          string
		offer         Offer
		user          string
		leave, answer string
	}{
		{"no entry", Offer{}, "", domain.WaitingNotFound, domain.WaitingNotFound},
		{"another user's", Offer{entry, 5}, "lee", domain.NotOwner, domain.NotOwner},
		{"another user's, expired", Offer{entry, 4}, "lee", domain.NotOwner, domain.NotOwner},
		{"without an offer", Offer{entry, 0}, "kim", "", domain.NoOffer},
		{"offered", Offer{entry, 5}, "kim", "", ""},
		{"expired now", Offer{entry, 4}, "kim", domain.OfferExpired, domain.OfferExpired},
	} {
		leave, _ := CheckLeave(c.offer, c.user, 4)
		answer, details := CheckAnswer(c.offer, c.user, 4)
		if leave != c.leave || answer != c.answer || (answer == domain.OfferExpired) != (details.ExpiredAt != 0) {
			t.Errorf("%s: got %q and %q %+v, want %q and %q", c.name, leave, answer, details, c.leave, c.answer)
		}
	}
}
