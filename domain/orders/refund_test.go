package orders

import "testing"

func TestRefundAmount_RoundsDown(t *testing.T) {
	const most = MaxPrice * MaxCount // that an order can cost
	for _, c := range []struct {
		amount  int64
		percent int
		want    int64
	}{
		{0, 100, 0}, {1, 99, 0}, {1, 100, 1}, {333, 50, 166}, {333, 0, 0}, {99, 1, 0}, {100, 1, 1},
		{most, 100, most}, {most - 1, 99, most/100*99 - 1}, {most, 1, most / 100},
	} {
		if got := (&Order{Placed: Placed{Purchase: Purchase{Amount: c.amount}}}).RefundAmount(c.percent); got != c.want {
			t.Errorf("%d percent of %d: got %d, want %d", c.percent, c.amount, got, c.want)
		}
	}
}

func TestIsReserved_Ids(t *testing.T) {
	for id, want := range map[string]bool{
		"free": true, "free-1": true, "free-": true, "free-x": true, "freed": false, "free_1": false, "imp_free-1": false, "Free-1": false, "": false,
	} {
		if got := IsReserved(id); got != want {
			t.Errorf("%q: got %t, want %t", id, got, want)
		}
	}
}
