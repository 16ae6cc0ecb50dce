// The side door: what tests do with methods, people and scripts do over HTTP.
package fake

import (
	"io"
	"net/http"
)

const sideHelp = `GET    /_fake/payments                     all payments, and the sums paid and refunded
POST   /_fake/payments                     {"merchant_uid","amount","status","currency","pay_method","sandbox"}: paid, if not told
POST   /_fake/payments/IMP_UID/deposit     a transfer arrives
POST   /_fake/payments/IMP_UID/succeed     a failed payment is paid after all
POST   /_fake/payments/IMP_UID/cancel      {"amount"} is given back at the console; 0 is all
POST   /_fake/payments/IMP_UID/tamper      {"amount","currency","merchant_uid","sandbox"}
POST   /_fake/payments/IMP_UID/settle      {"succeeded"}: what V2 was only asked for
POST   /_fake/faults                       {"route","kind","times","delay"} or {"seed","rate"}
DELETE /_fake/faults                       all is well again
POST   /_fake/webhooks                     {"url","v2","form","first","copies","drop","reorder","forge"}
POST   /_fake/time                         {"advance":"30m"}
POST   /_fake/revoke                       V1's token is taken back
GET    /_fake/violations                   what no good client does
GET    /_fake/window                       ?merchant_uid=&amount=&redirect=: a payment window
`

func (s *Server) sideDoor() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_fake/{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, sideHelp) })
	mux.HandleFunc("GET /_fake/payments", s.showPayments)
	mux.HandleFunc("POST /_fake/payments", s.makePayment)
	mux.HandleFunc("GET /_fake/violations", func(w http.ResponseWriter, _ *http.Request) {
		show(w, map[string]any{"violations": append([]string{}, s.Violations()...)}, nil)
	})
	mux.HandleFunc("DELETE /_fake/faults", func(w http.ResponseWriter, _ *http.Request) { s.Behave(); show(w, nil, nil) })
	mux.HandleFunc("POST /_fake/revoke", func(w http.ResponseWriter, _ *http.Request) { s.Revoke(); show(w, nil, nil) })
	mux.HandleFunc("POST /_fake/webhooks", func(w http.ResponseWriter, r *http.Request) {
		var hooks Webhooks
		err := readWish(w, r, &hooks)
		if err == nil {
			err = s.SendWebhooks(hooks)
		}
		show(w, nil, err)
	})
	mux.HandleFunc("GET /_fake/window", s.showWindow)
	mux.HandleFunc("POST /_fake/window", s.useWindow)
	for path, do := range map[string]func(uid string, v wish) error{
		"faults": func(_ string, v wish) error { return s.failAsAsked(v) },
		"time":   func(_ string, v wish) error { return s.advanceAsAsked(v) },

		"payments/{uid}/deposit": func(uid string, _ wish) error { return s.Deposit(uid) },
		"payments/{uid}/succeed": func(uid string, _ wish) error { return s.SucceedLate(uid) },
		"payments/{uid}/cancel":  func(uid string, v wish) error { return s.CancelAtConsole(uid, v.amount()) },
		"payments/{uid}/settle":  func(uid string, v wish) error { return s.Settle(uid, v.Succeeded) },
		"payments/{uid}/tamper":  func(uid string, v wish) error { return s.Tamper(uid, v.tamper) },
	} {
		mux.HandleFunc("POST /_fake/"+path, func(w http.ResponseWriter, r *http.Request) {
			var v wish
			err := readWish(w, r, &v)
			if err == nil {
				err = do(r.PathValue("uid"), v)
			}
			show(w, nil, err)
		})
	}
	return mux
}

func (s *Server) showPayments(w http.ResponseWriter, _ *http.Request) {
	all := s.Payments()
	paid, refunded := sums(all)
	show(w, map[string]any{"payments": all, "paid": paid, "refunded": refunded}, nil)
}

func (s *Server) makePayment(w http.ResponseWriter, r *http.Request) {
	var p Payment
	err := readWish(w, r, &p)
	if err == nil {
		p, err = s.Create(p)
	}
	show(w, p, err)
}
