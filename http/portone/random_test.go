// Everything goes wrong at random, and a patient caller still gives back each payment once, to the won.
package portone_test

import (
	"fmt"
	"testing"

	"onsale/http/portone"
)

func TestRandom(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			inBoth(t, func(t *testing.T, w *world) {
				w.Asynchronous = w.api == "v2" && seed%2 == 1
				if err := w.Chance(seed, 0.4); err != nil {
					t.Fatal(err)
				}
				client, total := w.client(t), int64(0)
				for n := range 10 {
					amount := int64(1000 + n)
					total += amount
					ref, uid := w.pay(fmt.Sprintf("order-%d", n), amount)
					giveBack(t, client, ref)
					if got := w.Cancels(uid); len(got) != 1 || got[0].Amount != amount {
						t.Fatalf("%s was given back as %+v", ref, got)
					}
					if w.Asynchronous {
						if err := w.Settle(uid, true); err != nil {
							t.Fatal(err)
						}
					}
				}
				if paid, refunded := w.Sums(); paid != total || refunded != total {
					t.Errorf("paid %d, refunded %d, want %d", paid, refunded, total)
				}
				w.behaved(t)
			})
		})
	}
}

// giveBack is what a caller has to do: look, cancel what is left, and look again, until what it sees is the end.
func giveBack(t *testing.T, client gateway, ref string) {
	t.Helper()
	for attempt := range 200 {
		p, err := client.Get(t.Context(), ref)
		if err != nil {
			wantOutcome(t, err, "unknown")
			continue
		}
		if p.Cancelled+p.Pending == p.Amount {
			return
		}
		c := refund(ref, p.Amount, p.Amount-p.Cancelled)
		c.Key = fmt.Sprintf("key-of-%s-attempt-%d", ref, attempt)
		if _, err = client.Cancel(t.Context(), c); outcome(err) == "no" {
			var balance portone.Payment
			balance, err = client.Get(t.Context(), ref)
			t.Logf("refused: now %+v, %v", balance, err)
		}
	}
	t.Fatalf("%s is not given back after 200 attempts", ref)
}
