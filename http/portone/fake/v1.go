// V1: who may ask what. Every answer is in an envelope, and most refusals come with a 200.
package fake

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

func (s *Server) routeV1(method string, path []string) (string, handler) {
	switch at := method + " " + strings.Join(path[:min(2, len(path))], "/"); {
	case at == "POST users/getToken" && len(path) == 2:
		return "token", s.getToken
	case at == "POST payments/cancel" && len(path) == 2:
		return "cancel", s.signedIn(s.v1Cancel)
	case at == "POST payments/prepare" && len(path) == 2:
		return "prepare", s.signedIn(s.v1Prepare)
	case at == "PUT payments/prepare" && len(path) == 2:
		return "prepare", s.signedIn(s.v1Prepare)
	case at == "GET payments/prepare" && len(path) == 3:
		return "prepare", s.signedIn(s.v1Prepared)
	case at == "GET payments" && len(path) == 1:
		return "find", s.signedIn(s.v1Batch)
	case at == "GET payments/find" && len(path) > 2, at == "GET payments/findAll" && len(path) > 2,
		at == "GET payments/status" && len(path) == 3:
		return "find", s.signedIn(s.v1List)
	case method == "GET" && len(path) == 2 && path[0] == "payments":
		return "get", s.signedIn(s.v1Get)
	}
	return "", func(request) answer { return no(http.StatusNotFound, -1, "Not Found") }
}

// yes and no are envelopes.
func yes(response any) answer {
	return answer{http.StatusOK, map[string]any{"code": 0, "message": nil, "response": response}}
}

func no(status, code int, message string) answer {
	return answer{status, map[string]any{"code": code, "message": message, "response": nil}}
}

// parameters are the body's, JSON or form; numbers as they were written.
func (q request) parameters() map[string]string {
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

const noPayment = "존재하지 않는 결제정보입니다."

// seen says whether a request may see p: payments of test channels are shown only to who asks for them.
func (q request) seen(p *Payment) bool {
	return p != nil && (!p.Test || q.URL.Query().Get("include_sandbox") == "true")
}

func (s *Server) v1Get(q request) answer {
	uid := q.URL.Path[strings.LastIndex(q.URL.Path, "/")+1:]
	p := s.byImpUID(uid)
	if !q.seen(p) {
		return no(http.StatusNotFound, -1, noPayment)
	}
	return yes(s.v1Payment(p))
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
