package node

import "testing"

func TestGCPercentFor_BoundsHeadroom(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{
		{0, 200}, {20 << 20, 200}, {192 << 20, 200}, {256 << 20, 150}, {384 << 20, 100}, {1 << 30, 37}, {2 << 30, 25}, {1 << 40, 25},
	} {
		if got := gcPercentFor(c.live); got != c.want {
			t.Errorf("%d MiB: got %d, want %d", c.live>>20, got, c.want)
		}
	}
}
