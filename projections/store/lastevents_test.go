package store

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
)

// TestLastEvents_MatchMap sets the last events of random users and entities, with a map as the twin.
func TestLastEvents_MatchMap(t *testing.T) {
	var last LastEvents
	twin := map[Key]uint64{}
	for n := uint64(1); n < 30_000; n++ {
		key := UserKey(fmt.Sprint("u", rand.IntN(20_000)))
		if rand.IntN(10) == 0 {
			key = EntityKey("coupons", fmt.Sprint(rand.IntN(10)))
		}
		if got := last.Of(key); got != twin[key] {
			t.Fatalf("event %d: got %d, want %d", n, got, twin[key])
		}
		set := n * rand.Uint64N(2) // 0: as if its last event were gone
		last.Set(key, set)
		if twin[key] = set; set == 0 {
			delete(twin, key)
		}
	}
	if got := maps.Collect(last.After(0)); !maps.Equal(got, twin) {
		t.Errorf("got %d keys, want %d", len(got), len(twin))
	}
	after := maps.Collect(last.After(20_000))
	maps.DeleteFunc(twin, func(_ Key, n uint64) bool { return n <= 20_000 })
	if !maps.Equal(after, twin) {
		t.Errorf("got %d keys after event 20,000, want %d", len(after), len(twin))
	}
}

func TestKeys_TellUsersAndEntitiesApart(t *testing.T) {
	keys := map[Key]bool{
		UserKey("demo"): true, UserKey("coupons"): true, EntityKey("coupons", "demo"): true, EntityKey("seats", "demo"): true,
	}
	if len(keys) != 4 {
		t.Errorf("got %d keys, want 4", len(keys))
	}
}
