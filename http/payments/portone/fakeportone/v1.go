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
		s.queueWebhook(p, cancel)
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
