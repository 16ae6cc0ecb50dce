// The provider of a market, in all weathers.

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"onsale/http/portone/fake"
)

// hooks has webhooks sent to the node so.
func (m *market) hooks(w fake.Webhooks) {
	w.URL = m.box.url() + "/api/v1/payments/webhook"
	if err := m.provider.SendWebhooks(w); err != nil {
		m.t.Error(err)
	}
}

// weather lets this part of what the provider does go wrong, until calm is called.
func (m *market) weather(rate float64) (calm func()) {
	if err := m.provider.Chance(m.dice.Uint64(), rate); err != nil {
		m.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(m.ctx)
	dice, over := m.sibling(), make(chan struct{})
	go func() {
		defer close(over)
		for pause(ctx, some(dice, 400*time.Millisecond)) {
			m.hooks(pick(dice, fake.Webhooks{}, fake.Webhooks{Drop: true}, fake.Webhooks{Copies: 3}, fake.Webhooks{Reorder: true}))
		}
	}()
	return func() {
		stop()
		<-over
		m.provider.Behave()
		m.hooks(fake.Webhooks{})
	}
}

// payments are those of all orders; one that nobody has begun is nil.
func (m *market) payments() map[string]*fake.Payment {
	all := map[string]*fake.Payment{}
	m.mu.Lock()
	for _, o := range m.orders {
		all[o.impUID] = nil
	}
	m.mu.Unlock()
	for _, p := range m.provider.Payments() {
		all[p.ImpUID] = &p
	}
	return all
}

// nudge is a webhook that PortOne sends again.
func (m *market) nudge(impUID string) {
	r, err := http.NewRequestWithContext(m.ctx, http.MethodPost, m.box.url()+"/api/v1/payments/webhook",
		bytes.NewReader(fmt.Appendf(nil, `{"imp_uid":%q,"merchant_uid":"m","status":"paid"}`, impUID)))
	if err != nil {
		m.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := m.client.Do(r)
	if err != nil {
		m.t.Error(err)
		return
	}
	response.Body.Close()
}
