package shop_test

import "testing"

// FuzzShop lets the fuzzer draw the lots: whatever comes in line, the rules neither break nor break a law.
func FuzzShop(f *testing.F) {
	f.Add([]byte("a day at the box office, by chance"))
	f.Add([]byte{3, 5, 2, 0, 0, 2, 0, 4, 6, 0, 0, 1, 1, 0, 1, 1, 0, 0, 40, 0, 0, 1, 1, 1, 70, 0, 2, 0, 1})
	f.Fuzz(func(t *testing.T, lots []byte) {
		draw := func(n int) int {
			lot := 0
			for reach := 1; reach < n && len(lots) > 0; reach <<= 8 {
				lot, lots = lot<<8|int(lots[0]), lots[1:]
			}
			return lot % n
		}
		wildDay(t, draw, func() bool { return len(lots) > 0 })
	})
}

// TestWild is FuzzShop for every day: figures that no honest writer sends, and no rule may trip over.
func TestWild(t *testing.T) {
	rng := chanceOf(t)
	for range 20 {
		wildDay(t, rng.IntN, func() bool { return true })
	}
}

func wildDay(t *testing.T, draw func(n int) int, more func() bool) {
	d := newDouble(t, draw)
	d.chance.wild, d.chance.liar = true, true
	d.arrive(d.chance.message())
	for commands := 0; more() && commands < 300; commands++ {
		if draw(3) > 0 {
			d.arrive(d.chance.message())
		}
		d.pure = commands%32 == 0
		d.next()
	}
	d.checkReplay()
}
