// V2: a payment is a union by its status, and a refusal has a type. For three hours, a request with the same idempotency key
// gets the first response again.

package fakeportone

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

func problem(status int, kind, message string) response {
	return response{status, map[string]any{"type": kind, "message": message}}
}

func (s *Server) requireSecret(handle handler) handler {
	return func(q request) response {
		if q.Header.Get("Authorization") != "PortOne "+s.APISecret {
			return problem(http.StatusUnauthorized, "UNAUTHORIZED", "인증 정보가 올바르지 않습니다.")
		}
		return handle(q)
	}
}

// pathPayment returns the latest attempt of the payment id in the path, or nil, and the id.
func (s *Server) pathPayment(q request) (*Payment, string) {
	id := q.PathValue("id")
	return s.latest(id), id
}

func (s *Server) v2Get(q request) response {
	p, _ := s.pathPayment(q)
	if store := q.URL.Query().Get("storeId"); store != "" && store != s.Store {
		return problem(http.StatusForbidden, "FORBIDDEN", "no store of yours")
	}
	if p == nil {
		return problem(http.StatusNotFound, "PAYMENT_NOT_FOUND", "결제 건이 존재하지 않습니다.")
	}
	return response{http.StatusOK, s.v2Payment(p)}
}

func (p *Payment) v2Status() string {
	switch {
	case p.Status == "ready" && p.Method == "vbank":
		return "VIRTUAL_ACCOUNT_ISSUED"
	case p.Status == "paid" && p.refunded() > 0:
		return "PARTIAL_CANCELLED"
	}
	return strings.ToUpper(p.Status)
}

func (s *Server) v2Payment(p *Payment) map[string]any {
	paid := int64(0)
	if !p.PaidAt.IsZero() {
		paid = p.Amount
	}
	m := map[string]any{
		"status": p.v2Status(), "id": p.MerchantUID, "transactionId": p.ImpUID,
		"merchantId": "merchant-fake", "storeId": s.Store,
		"version": "V2", "orderName": "주문", "currency": p.Currency, "customer": map[string]any{}, "customData": `{"status":"PAID"}`,
		"amount": map[string]any{"total": p.Amount, "taxFree": 0, "discount": 0, "paid": paid, "cancelled": p.refunded(),
			"cancelledTaxFree": 0},
		"requestedAt": p.StartedAt.Format(time.RFC3339), "updatedAt": s.now().Format(time.RFC3339),
		"disputes": []any{},
	}
	if p.Status != "ready" || p.Method == "vbank" {
		kind := map[bool]string{true: "TEST", false: "LIVE"}[p.Test]
		m["channel"] = map[string]any{"type": kind, "pgProvider": "FAKE", "pgMerchantId": "fake"}
		m["method"] = map[string]any{"type": "PaymentMethodCard"}
	}
	if p.Status == "failed" {
		m["failure"] = map[string]any{"reason": p.FailReason, "pgCode": "51"}
	}
	if len(p.Cancels) > 0 {
		list := []any{}
		for _, c := range p.Cancels {
			list = append(list, v2Cancellation(c))
		}
		m["cancellations"] = list
	}
	return m
}

func v2Cancellation(c Cancel) map[string]any {
	return map[string]any{"status": c.Status, "id": c.ID, "totalAmount": c.Amount, "taxFreeAmount": 0, "vatAmount": 0,
		"reason": c.Reason, "requestedAt": c.At.Format(time.RFC3339)}
}

// conflicts are V2's codes for refused refunds.
var conflicts = map[error]string{
	errNotPaid: "PAYMENT_NOT_PAID", errCancelled: "PAYMENT_ALREADY_CANCELLED",
	errBalance: "CANCELLABLE_AMOUNT_CONSISTENCY_BROKEN", errTooMuch: "CANCEL_AMOUNT_EXCEEDS_CANCELLABLE_AMOUNT",
}

func (s *Server) v2Cancel(q request) response {
	var body struct {
		Amount   int64  `json:"amount"`
		Believed *int64 `json:"currentCancellableAmount"`
		Reason   string `json:"reason"`
		Store    string `json:"storeId"`
	}
	p, id := s.pathPayment(q)
	if err := json.Unmarshal(q.body, &body); err != nil || body.Reason == "" || body.Amount < 0 {
		s.recordViolation("v2: cancel of %s with %s", id, q.body)
		return problem(http.StatusBadRequest, "INVALID_REQUEST", "요청이 올바르지 않습니다.")
	}
	if p == nil {
		return problem(http.StatusNotFound, "PAYMENT_NOT_FOUND", "결제 건이 존재하지 않습니다.")
	}
	if body.Store != "" && body.Store != s.Store {
		return problem(http.StatusForbidden, "FORBIDDEN", "no store of yours")
	}
	s.checkCancel("v2", id, body.Amount, body.Believed)
	status := "SUCCEEDED"
	if s.Asynchronous {
		status = "REQUESTED"
	}
	cancel, err := s.cancel(p, body.Amount, body.Believed, body.Reason, status)
	if err != nil {
		return problem(http.StatusConflict, conflicts[err], err.Error())
	}
	s.queueWebhook(p, cancel)
	return response{http.StatusOK, map[string]any{"cancellation": v2Cancellation(*cancel)}}
}

// v2Prepare may be repeated, also with another amount, until the order is paid.
func (s *Server) v2Prepare(q request) response {
	var body struct {
		Amount   int64  `json:"totalAmount"`
		Currency string `json:"currency"`
	}
	p, id := s.pathPayment(q)
	if err := json.Unmarshal(q.body, &body); err != nil || body.Amount <= 0 || len(id) > 40 {
		s.recordViolation("v2: pre-register of %s with %s", id, q.body)
		return problem(http.StatusBadRequest, "INVALID_REQUEST", "요청이 올바르지 않습니다.")
	}
	if p != nil && !p.PaidAt.IsZero() {
		return problem(http.StatusConflict, "ALREADY_PAID", "이미 결제된 주문입니다.")
	}
	if _, known := s.prepared[id]; !known && len(s.prepared) == maxPayments {
		return problem(http.StatusBadRequest, "INVALID_REQUEST", "this fake is full")
	}
	s.prepared[id] = preparation{body.Amount, cmp.Or(body.Currency, s.Currency)}
	return response{http.StatusOK, map[string]any{}}
}

const (
	keyTTL  = 3 * time.Hour
	maxKeys = 100_000
)

// keyedRequest is a request with an idempotency key. response is nil while it is in progress.
type keyedRequest struct {
	fingerprint string // method, path and body
	response    *response
	at          time.Time
}

// beginKey registers the key of a request that changes something, or returns the response to an earlier one.
func (s *Server) beginKey(q request) (key string, early *response) {
	if q.Method == http.MethodGet {
		return "", nil
	}
	quoted := q.Header.Get("Idempotency-Key")
	if quoted == "" {
		s.recordViolation("v2: %s %s without an idempotency key", q.Method, q.URL.Path)
		return "", nil
	}
	key = strings.Trim(quoted, `"`)
	if quoted != `"`+key+`"` || len(key) < 16 || len(key) > 256 {
		s.recordViolation("v2: idempotency key %s is not quoted, or not of 16 to 256 bytes", quoted)
		bad := problem(http.StatusBadRequest, "INVALID_REQUEST", "Idempotency-Key")
		return "", &bad
	}
	fingerprint := q.Method + " " + q.URL.Path + " " + string(q.body)
	first := s.keys[key]
	switch {
	case first == nil || first.response != nil && s.now().Sub(first.at) > keyTTL:
		if len(s.keys) >= maxKeys {
			clear(s.keys) // bounds memory
		}
		s.keys[key] = &keyedRequest{fingerprint: fingerprint, at: s.now()}
		return key, nil
	case first.fingerprint != fingerprint:
		s.recordViolation("v2: idempotency key %s used for two requests", key)
		bad := problem(http.StatusBadRequest, "INVALID_REQUEST", "Idempotency-Key")
		return "", &bad
	case first.response == nil:
		busy := problem(http.StatusConflict, "IDEMPOTENCY_OUTSTANDING_REQUEST", "처리 중인 요청입니다.")
		return "", &busy
	}
	return "", first.response
}

// finishKey stores the response to the request with this key. nil, or a 401, forgets the key: the request had no effect.
func (s *Server) finishKey(key string, a *response) {
	first := s.keys[key]
	switch {
	case key == "" || first == nil:
	case a == nil || a.status == http.StatusUnauthorized:
		delete(s.keys, key)
	default:
		first.response = a
	}
}
