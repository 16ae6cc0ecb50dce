// V1: who may ask what. Every answer is in an envelope, and most refusals come with a 200.

package fakeportone

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

func (s *Server) routeV1(method string, path []string) (string, handler) {
	switch at := method + " " + strings.Join(path[:min(2, len(path))], "/"); {
	case at == "POST users/getToken" && len(path) == 2:
		return "token", s.getToken
	case at == "POST payments/cancel" && len(path) == 2:
		return "cancel", s.requireToken(s.v1Cancel)
	case at == "POST payments/prepare" && len(path) == 2:
		return "prepare", s.requireToken(s.v1Prepare)
	case at == "PUT payments/prepare" && len(path) == 2:
		return "prepare", s.requireToken(s.v1Prepare)
	case at == "GET payments/prepare" && len(path) == 3:
		return "prepare", s.requireToken(s.v1Prepared)
	case at == "GET payments" && len(path) == 1:
		return "find", s.requireToken(s.v1Batch)
	case at == "GET payments/find" && len(path) > 2, at == "GET payments/findAll" && len(path) > 2,
		at == "GET payments/status" && len(path) == 3:
		return "find", s.requireToken(s.v1List)
	case method == "GET" && len(path) == 2 && path[0] == "payments":
		return "get", s.requireToken(s.v1Get)
	}
	return "", func(request) response { return v1Error(http.StatusNotFound, -1, "Not Found") }
}

// v1OK and no are envelopes.
func v1OK(payload any) response {
	return response{http.StatusOK, map[string]any{"code": 0, "message": nil, "response": payload}}
}

func v1Error(status, code int, message string) response {
	return response{status, map[string]any{"code": code, "message": message, "response": nil}}
}

// params are the body's, JSON or form; numbers as they were written.
func (q request) params() map[string]string {
	found := map[string]string{}
	if strings.HasPrefix(q.Header.Get("Content-Type"), "application/json") {
		tree := map[string]json.RawMessage{}
		_ = json.Unmarshal(q.body, &tree) // what cannot be read is missing
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

// visible says whether a request may see p: payments of test channels are shown only to who asks for them.
func (q request) visible(p *Payment) bool {
	return p != nil && (!p.Test || q.URL.Query().Get("include_sandbox") == "true")
}

func (s *Server) v1Get(q request) response {
	uid := q.URL.Path[strings.LastIndex(q.URL.Path, "/")+1:]
	p := s.byImpUID(uid)
	if !q.visible(p) {
		return v1Error(http.StatusNotFound, -1, noPaymentMessage)
	}
	return v1OK(s.v1Payment(p))
}

// v1Payment is a payment as V1 shows it. Times that are not yet are 0.
func (s *Server) v1Payment(p *Payment) map[string]any {
	status := p.Status
	if p.refunded() > 0 && p.refunded() < p.Amount {
		status = s.PartlyCancelled
	}
	history := []any{}
	for _, c := range p.Cancels {
		if c.Status == "SUCCEEDED" {
			history = append(history, map[string]any{"pg_tid": "pg_" + p.ImpUID, "amount": c.Amount, "cancelled_at": c.At.Unix(),
				"reason": c.Reason, "cancellation_id": c.ID})
		}
	}
	paidAt := int64(0)
	if !p.PaidAt.IsZero() {
		paidAt = p.PaidAt.Unix()
	}
	return map[string]any{
		"imp_uid": p.ImpUID, "merchant_uid": p.MerchantUID, "amount": p.Amount, "cancel_amount": p.refunded(),
		"currency": p.Currency, "status": status, "sandbox": p.Test, "pay_method": p.Method,
		"channel": "pc", "pg_provider": "fake", "pg_tid": "pg_" + p.ImpUID,
		"name": "주문", "custom_data": `{"amount":"1"}`, "started_at": p.StartedAt.Unix(), "paid_at": paidAt, "failed_at": 0,
		"cancelled_at": 0, "fail_reason": p.FailReason, "cancel_reason": nil, "cancel_history": history, "card_type": nil,
	}
}

// V1's other ways to find payments: by order, by status, and up to a hundred at once.

const (
	pageSize = 20
	maxBatch = 100
)

// v1Batch answers 200 when all were found, 207 when some were, and 404 for none.
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

// v1List is find and findAll by order, or status: payments/find/ORDER/STATUS, payments/status/STATUS. The newest come
// first, unless sorting=started.
func (s *Server) v1List(q request) response {
	path := strings.Split(strings.Trim(q.URL.Path, "/"), "/")
	order, status := path[2], ""
	if path[1] == "status" {
		order, status = "", path[2]
	} else if len(path) > 3 {
		status = path[3]
	}
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
	if len(found) == 0 && path[1] != "status" {
		return v1Error(http.StatusNotFound, -1, noPaymentMessage)
	}
	if path[1] == "find" {
		return v1OK(found[0])
	}
	page, _ := strconv.Atoi(q.URL.Query().Get("page"))
	from := min(min(max(page-1, 0), len(found))*pageSize, len(found))
	return v1OK(map[string]any{"total": len(found), "list": found[from:min(from+pageSize, len(found))]})
}

// V1 gives money back, and is told what is going to be paid.

// preparation is an amount that an order is bound to.
type preparation struct {
	amount   int64
	currency string
}

// v1Cancel: imp_uid wins over merchant_uid, and an amount of 0 or none is all there is. Refusals are 200.
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
	amount, expected, err := parseAmounts(params["amount"], params["checksum"])
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

// parseAmounts reads an amount, 0 where there is none, and a balance, nil where there is none.
func parseAmounts(amount, balance string) (int64, *int64, error) {
	n, errAmount := int64(0), error(nil)
	if amount != "" {
		n, errAmount = strconv.ParseInt(amount, 10, 64)
	}
	if balance == "" {
		return n, nil, errAmount
	}
	expected, err := strconv.ParseInt(balance, 10, 64)
	return n, &expected, errors.Join(errAmount, err)
}

// v1Prepare takes an order once; PUT changes its amount.
func (s *Server) v1Prepare(q request) response {
	params := q.params()
	uid, currency := params["merchant_uid"], cmp.Or(params["currency"], "KRW")
	amount, err := strconv.ParseInt(params["amount"], 10, 64)
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
	return v1OK(map[string]any{"merchant_uid": uid, "amount": amount, "currency": currency})
}

func (s *Server) v1Prepared(q request) response {
	uid := q.URL.Path[strings.LastIndex(q.URL.Path, "/")+1:]
	prepared, ok := s.prepared[uid]
	if !ok {
		return v1Error(http.StatusNotFound, -1, "등록된 결제사전정보를 찾을 수 없습니다.")
	}
	return v1OK(map[string]any{"merchant_uid": uid, "amount": prepared.amount, "currency": prepared.currency})
}
