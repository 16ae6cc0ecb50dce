// Webhooks: each event is sent once to a URL, well or badly, as the test wants it.

package fakeportone

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Webhooks configures sending; the zero Webhooks sends none.
type Webhooks struct {
	URL     string `json:"url"`
	V2      bool   `json:"v2"`      // signed, version 2024-04-25; otherwise V1's, unsigned
	Form    bool   `json:"form"`    // V1's as a form instead of JSON
	First   bool   `json:"first"`   // before the response to the request that caused it
	Copies  int    `json:"copies"`  // this many instead of one
	Drop    bool   `json:"drop"`    // sends none
	Reorder bool   `json:"reorder"` // sends every other one after the next
	Forge   bool   `json:"forge"`   // V2's with a wrong signature
}

// message is one webhook.
type message struct {
	to     Webhooks
	header http.Header
	body   string
}

// SendWebhooks configures the webhooks of what happens from now on.
func (s *Server) SendWebhooks(w Webhooks) error {
	u, err := url.Parse(w.URL)
	if err != nil || w.URL != "" && (u.Host == "" || u.Scheme != "http" && u.Scheme != "https") ||
		w.Copies < 0 || w.Copies > 10 {
		return fmt.Errorf("url must be an http address, copies 0 to 10")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.webhooks, s.held = w, nil
	return nil
}

// queueWebhook makes a webhook of the present state of p; cancel is the refund that caused it, or nil.
func (s *Server) queueWebhook(p *Payment, cancel *Cancel) {
	w := s.webhooks
	if w.URL == "" || w.Drop || !w.V2 && p.Status == "failed" { // V1 sends none for a failure
		return
	}
	m := message{to: w, header: http.Header{"Content-Type": {"application/json"}}}
	switch {
	case w.V2:
		m.body = s.v2Webhook(p, cancel)
		s.sign(&m)
	case w.Form:
		m.header.Set("Content-Type", "application/x-www-form-urlencoded")
		form := url.Values{}
		for name, value := range s.v1Webhook(p, cancel) {
			form.Set(name, value)
		}
		m.body = form.Encode()
	default:
		m.body = mustJSON(s.v1Webhook(p, cancel))
	}
	if w.Reorder && len(s.held) == 0 {
		s.held = append(s.held, m)
		return
	}
	s.unsent += 1 + len(s.held)
	s.queued = append(append(s.queued, m), s.held...)
	s.held = nil
}

func (s *Server) v1Webhook(p *Payment, cancel *Cancel) map[string]string {
	fields := map[string]string{"imp_uid": p.ImpUID, "merchant_uid": p.MerchantUID, "status": s.v1Status(p)}
	if cancel != nil {
		fields["cancellation_id"] = cancel.ID
	}
	return fields
}

func (s *Server) v2Webhook(p *Payment, cancel *Cancel) string {
	kind := map[string]string{"ready": "Ready", "paid": "Paid", "failed": "Failed", "cancelled": "Cancelled"}[p.Status]
	if p.v2Status() == "VIRTUAL_ACCOUNT_ISSUED" {
		kind = "VirtualAccountIssued"
	}
	data := map[string]any{"storeId": s.Store, "paymentId": p.MerchantUID, "transactionId": p.ImpUID}
	if cancel != nil {
		data["cancellationId"] = cancel.ID
		if cancel.Status == "REQUESTED" {
			kind = "CancelPending"
		} else if p.Status == "paid" {
			kind = "PartialCancelled"
		}
	}
	return mustJSON(map[string]any{"type": "Transaction." + kind, "timestamp": s.now().UTC().Format(time.RFC3339), "data": data})
}

func mustJSON(fields any) string {
	b, err := json.Marshal(fields)
	if err != nil {
		panic(err) // the fields are strings
	}
	return string(b)
}

var httpClient = &http.Client{Timeout: 10 * time.Second}

// takeQueued empties the queue; the caller must deliver it.
func (s *Server) takeQueued() []message {
	s.mu.Lock()
	defer s.mu.Unlock()
	messages := s.queued
	s.queued = nil
	return messages
}

func (s *Server) deliverAsync() {
	if messages := s.takeQueued(); len(messages) > 0 {
		go s.deliver(messages)
	}
}

func (s *Server) deliver(messages []message) {
	for _, m := range messages {
		for range max(m.to.Copies, 1) {
			send(m)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsent -= len(messages)
	s.sent.Broadcast()
}

func send(m message) {
	r, err := http.NewRequest(http.MethodPost, m.to.URL, strings.NewReader(m.body))
	if err != nil {
		return
	}
	r.Header = m.header.Clone()
	resp, err := httpClient.Do(r)
	if err == nil {
		resp.Body.Close()
	}
}

// sign follows the Standard Webhooks specification: one signature for each secret, so that secrets can be rotated.
func (s *Server) sign(m *message) {
	id, stamp := "msg_"+rand.Text(), strconv.FormatInt(s.now().Unix(), 10)
	signatures := []string{"v1a,bm90IGZvciB5b3U="} // of another version, which clients ignore
	for _, secret := range s.WebhookSecrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			panic("fakeportone: webhook secrets must be whsec_ and base64")
		}
		if m.to.Forge {
			key = append(key, '!')
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + stamp + "." + m.body))
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	m.header.Set("Webhook-Id", id)
	m.header.Set("Webhook-Timestamp", stamp)
	m.header.Set("Webhook-Signature", strings.Join(signatures, " "))
}
