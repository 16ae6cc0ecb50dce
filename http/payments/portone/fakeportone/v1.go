// V1: every response is in an envelope, and most refusals have a status of 200. Its token is valid for half an hour; a client
// that asks again gets the same one, and its last minute extends it by five.

package fakeportone

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

func v1OK(payload any) response {
	return response{http.StatusOK, map[string]any{"code": 0, "message": nil, "response": payload}}
}

func v1Error(status, code int, message string) response {
	return response{status, map[string]any{"code": code, "message": message, "response": nil}}
}

// params are the fields of a JSON or form body; numbers as they are written.
func (q request) params() map[string]string {
	found := map[string]string{}
	if strings.HasPrefix(q.Header.Get("Content-Type"), "application/json") {
		tree := map[string]json.RawMessage{}
		_ = json.Unmarshal(q.body, &tree) // a malformed body has no fields
		for name, raw := range tree {
			var text string
			if json.Unmarshal(raw, &text) != nil {
				text = string(raw)
			}
			if text != "null" {
				found[name] = text
			}
		}
		return found
	}
	form, _ := url.ParseQuery(string(q.body))
	for name := range form {
		found[name] = form.Get(name)
	}
	return found
}

const noPaymentMessage = "존재하지 않는 결제정보입니다."

// visible: payments of test channels are shown on request only.
func (q request) visible(p *Payment) bool {
	return p != nil && (!p.Test || q.URL.Query().Get("include_sandbox") == "true")
}

func (s *Server) v1Get(q request) response {
	p := s.byImpUID(q.PathValue("uid"))
	if !q.visible(p) {
		return v1Error(http.StatusNotFound, -1, noPaymentMessage)
	}
	return v1OK(s.v1Payment(p))
}

// v1Payment is a payment in V1's format. Times that have not come are 0.
func (s *Server) v1Payment(p *Payment) map[string]any {
	status := p.Status
	if p.refunded() > 0 && p.refunded() < p.Amount {
		status = s.PartlyCancelled
	}
	history := []any{}
	for _, c := range p.Cancels {
		if c.Status == "SUCCEEDED" {
			history = append(history, map[string]any{"pg_tid": "pg_" + p.ImpUID, "amount": toMajor(p.Currency, c.Amount), "cancelled_at": c.At.Unix(),
				"reason": c.Reason, "cancellation_id": c.ID})
		}
	}
	paidAt := int64(0)
	if !p.PaidAt.IsZero() {
		paidAt = p.PaidAt.Unix()
	}
	return map[string]any{
		"imp_uid": p.ImpUID, "merchant_uid": p.MerchantUID, "amount": toMajor(p.Currency, p.Amount),
		"cancel_amount": toMajor(p.Currency, p.refunded()),
		"currency":      p.Currency, "status": status, "sandbox": p.Test, "pay_method": p.Method,
		"channel": "pc", "pg_provider": "fake", "pg_tid": "pg_" + p.ImpUID,
		"name": "주문", "custom_data": `{"amount":"1"}`, "started_at": p.StartedAt.Unix(), "paid_at": paidAt, "failed_at": 0,
		"cancelled_at": 0, "fail_reason": p.FailReason, "cancel_reason": nil, "cancel_history": history, "card_type": nil,
	}
}

const (
	pageSize = 20
	maxBatch = 100
)

// v1Batch finds up to a hundred payments: 200 if all were found, 207 if some were, 404 if none.
func (s *Server) v1Batch(q request) response {
	query := q.URL.Query()
	uids, orders := query["imp_uid[]"], query["merchant_uid[]"]
	if n := len(uids) + len(orders); n == 0 || n > maxBatch {
		return v1Error(http.StatusBadRequest, -1, "imp_uid[], merchant_uid[] 1~100")
	}
	found := []any{}
	for _, uid := range uids {
		if p := s.byImpUID(uid); q.visible(p) {
			found = append(found, s.v1Payment(p))
		}
	}
	for _, order := range orders {
		if p := s.latest(order); q.visible(p) {
			found = append(found, s.v1Payment(p))
		}
	}
	if len(found) == 0 {
		return v1Error(http.StatusNotFound, -1, noPaymentMessage)
	}
	a := v1OK(found)
	if len(found) < len(uids)+len(orders) {
		a.status = http.StatusMultiStatus
	}
	return a
}

// v1List serves payments/find/ORDER/STATUS, payments/findAll/ORDER/STATUS and payments/status/STATUS, newest first unless
// sorting=started.
func (s *Server) v1List(q request) response {
	order, status := q.PathValue("order"), q.PathValue("status")
	found := []any{}
	for i := range s.payments {
		p := s.payments[len(s.payments)-1-i]
		if q.URL.Query().Get("sorting") == "started" {
			p = s.payments[i]
		}
		if q.visible(p) && (order == "" || p.MerchantUID == order) && (status == "" || status == "all" || p.Status == status) {
			found = append(found, s.v1Payment(p))
		}
	}
	if len(found) == 0 && order != "" {
		return v1Error(http.StatusNotFound, -1, noPaymentMessage)
	}
	if strings.HasPrefix(q.URL.Path, "/payments/find/") {
		return v1OK(found[0])
	}
	page, _ := strconv.Atoi(q.URL.Query().Get("page"))
	from := min(min(max(page-1, 0), len(found))*pageSize, len(found))
	return v1OK(map[string]any{"total": len(found), "list": found[from:min(from+pageSize, len(found))]})
}

// preparation is an amount that a merchant_uid is bound to.
type preparation struct {
	amount   int64
	currency string
}

// v1Cancel: imp_uid wins over merchant_uid, an amount of 0 or none refunds everything, and refusals are 200.
func (s *Server) v1Cancel(q request) response {
	params := q.params()
	var p *Payment
	if uid, ok := params["imp_uid"]; ok {
		p = s.byImpUID(uid)
	} else {
		p = s.latest(params["merchant_uid"])
	}
	if p == nil {
		return v1Error(http.StatusOK, 1, errNotFound.Error())
	}
	amount, expected, err := parseAmounts(p.Currency, params["amount"], params["checksum"])
	if err != nil {
		s.recordViolation("v1: cancel of %s with amount %q, checksum %q", p.ImpUID, params["amount"], params["checksum"])
		return v1Error(http.StatusOK, -1, errBadAmounts.Error())
	}
	s.checkCancel("v1", p.ImpUID, amount, expected)
	cancel, err := s.cancel(p, amount, expected, params["reason"], "SUCCEEDED")
	if err != nil {
		return v1Error(http.StatusOK, 1, err.Error())
	}
	if params["enable_webhook"] == "true" {
		s.queueWebhook(p, cancel.ID)
	}
	return v1OK(s.v1Payment(p))
}

// parseAmounts reads an amount, 0 if absent, and a balance, nil if absent.
func parseAmounts(currency, amount, balance string) (int64, *int64, error) {
	n, errAmount := int64(0), error(nil)
	if amount != "" {
		n, errAmount = toMinor(currency, amount)
	}
	if balance == "" {
		return n, nil, errAmount
	}
	expected, err := toMinor(currency, balance)
	return n, &expected, errors.Join(errAmount, err)
}

// v1Prepare accepts a merchant_uid once; PUT changes its amount.
func (s *Server) v1Prepare(q request) response {
	params := q.params()
	uid, currency := params["merchant_uid"], cmp.Or(params["currency"], "KRW")
	amount, err := toMinor(currency, params["amount"])
	_, known := s.prepared[uid]
	switch {
	case uid == "" || len(uid) > 40 || err != nil || amount <= 0:
		s.recordViolation("v1: prepare of %q for %q", uid, params["amount"])
		return v1Error(http.StatusOK, -1, errBadAmounts.Error())
	case q.Method == http.MethodPost && known:
		return v1Error(http.StatusOK, 1, "이미 등록된 merchant_uid입니다.")
	case q.Method == http.MethodPut && !known:
		return v1Error(http.StatusNotFound, -1, "등록된 결제사전정보를 찾을 수 없습니다.")
	case !known && len(s.prepared) == maxPayments:
		return v1Error(http.StatusOK, -1, "this fake is full")
	}
	s.prepared[uid] = preparation{amount, currency}
	return v1OK(v1Preparation(uid, s.prepared[uid]))
}

func (s *Server) v1Prepared(q request) response {
	uid := q.PathValue("uid")
	prepared, ok := s.prepared[uid]
	if !ok {
		return v1Error(http.StatusNotFound, -1, "등록된 결제사전정보를 찾을 수 없습니다.")
	}
	return v1OK(v1Preparation(uid, prepared))
}

func v1Preparation(uid string, p preparation) map[string]any {
	return map[string]any{"merchant_uid": uid, "amount": toMajor(p.currency, p.amount), "currency": p.currency}
}

const (
	tokenTTL   = 30 * time.Minute
	lastMinute = time.Minute
	extension  = 5 * time.Minute
)

// token is the valid one and the one that it replaced; the zero token is none.
type token struct {
	access, previous string
	expiresAt        time.Time
}

func (s *Server) getToken(q request) response {
	params := q.params()
	key, secret := params["imp_key"], params["imp_secret"]
	if key == "" || secret == "" {
		s.recordViolation("v1: getToken without keys")
		return v1Error(http.StatusBadRequest, -1, "imp_key, imp_secret 파라메터가 누락되었습니다.")
	}
	if key != s.Key || secret != s.Secret {
		return v1Error(http.StatusUnauthorized, -1, "인증에 실패하였습니다. API키와 secret을 확인하세요.")
	}
	now, t := s.now(), &s.token
	switch left := t.expiresAt.Sub(now); {
	case t.access == "" || left <= 0:
		s.token = token{rand.Text(), t.access, now.Add(tokenTTL)}
	case left <= lastMinute:
		t.expiresAt = t.expiresAt.Add(extension)
	}
	return v1OK(map[string]any{"access_token": t.access, "expired_at": t.expiresAt.Unix(), "now": now.Unix()})
}

// Revoke makes the token invalid.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token{}
}

// requireToken wants the token, with or without "Bearer". An expired one is a violation: its expiry was known.
func (s *Server) requireToken(handle handler) handler {
	return func(q request) response {
		access := strings.TrimPrefix(q.Header.Get("Authorization"), "Bearer ")
		expired := !s.now().Before(s.token.expiresAt)
		if access != "" && (access == s.token.previous || access == s.token.access && expired) {
			s.recordViolation("v1: %s %s with an expired token", q.Method, q.URL.Path)
		}
		if access == "" {
			s.recordViolation("v1: %s %s without a token", q.Method, q.URL.Path)
		}
		if access == "" || access != s.token.access || expired {
			return v1Error(http.StatusUnauthorized, -1, "Unauthorized")
		}
		return handle(q)
	}
}
