package client_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"onsale/cmd/onsale/node"
	"onsale/http/client"
)

// Seats of the demo's concert are bought, and then given back by the buyer, by an admin who cancels the order, and by one who takes
// the seats.
func TestCommands_BuyAndRefundSeats(t *testing.T) {
	wait := 30 * time.Second
	opts := client.Options{Wait: &wait}
	buyer, admin := client.Client{URL: demo, User: "yoon"}, client.Client{URL: demo, User: "admin"}
	must := func(r client.Response, err error) client.Response {
		t.Helper()
		if err == nil {
			err = r.Err()
		}
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	buy := func(seat int) (impUID, reservation string) {
		t.Helper()
		var hold struct{ HoldID string }
		var p client.Preparation
		if err := must(buyer.Hold(t.Context(), node.DemoConcert, []int{seat}, opts)).Decode(&hold); err != nil {
			t.Fatal(err)
		}
		if err := must(buyer.PreparePurchase(t.Context(), client.Purchase{Hold: hold.HoldID}, opts)).Decode(&p); err != nil {
			t.Fatal(err)
		}
		if p.Hold != hold.HoldID || p.Amount != p.ListAmount || p.Discount != 0 || time.Until(p.PayBy) <= 0 {
			t.Fatalf("got %+v", p)
		}
		impUID = pay(t, p)
		must(buyer.OrderPurchase(t.Context(), impUID, client.Purchase{Hold: hold.HoldID}, p.Amount, opts))
		for event, err := range buyer.Events(t.Context(), "/api/v1/orders/"+impUID+"/sse", "") {
			if err != nil || event.Name == "failure" {
				t.Fatalf("%v: %s", err, event.Data)
			}
			if event.Name == "success" {
				break
			}
		}
		var reservations struct {
			Items []struct{ ReservationID string }
		}
		if err := buyer.Get(t.Context(), "/api/v1/me/reservations", &reservations); err != nil || len(reservations.Items) == 0 {
			t.Fatalf("%v, %v", reservations, err)
		}
		return impUID, reservations.Items[0].ReservationID
	}

	impUID, reservation := buy(361)
	var cancelled client.Cancellation
	if err := must(buyer.CancelReservation(t.Context(), reservation, opts)).Decode(&cancelled); err != nil {
		t.Fatal(err)
	}
	if want := (client.Cancellation{ReservationID: reservation, PaymentID: impUID, RefundAmount: 140_000, RefundPercent: 100}); cancelled != want {
		t.Errorf("got %+v, want %+v", cancelled, want)
	}

	impUID, _ = buy(362)
	var part struct{ RefundAmount int64 }
	if err := must(admin.CancelOrder(t.Context(), impUID, "the view", 25, opts)).Decode(&part); err != nil || part.RefundAmount != 35_000 {
		t.Errorf("got %+v, %v", part, err)
	}

	buy(363)
	refused, err := admin.Reclaim(t.Context(), node.DemoConcert, []int{363}, "broken", false, opts)
	if err != nil || refused.Code != "paid_seats" {
		t.Errorf("got %+v, %v", refused, err)
	}
	must(admin.Reclaim(t.Context(), node.DemoConcert, []int{363}, "broken", true, opts))
}

// pay pays at the demo's provider.
func pay(t *testing.T, p client.Preparation) (impUID string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"merchant_uid": p.MerchantUID, "amount": p.Amount})
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(demo+node.FakePayPath+"/_fake/payments", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var payment struct {
		ID string `json:"imp_uid"`
	}
	if err := json.NewDecoder(response.Body).Decode(&payment); err != nil || payment.ID == "" {
		t.Fatalf("%d, %v", response.StatusCode, err)
	}
	return payment.ID
}
