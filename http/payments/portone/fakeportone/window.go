// The payment window of the demo: a page on which the payer pays, fails, leaves, or chooses a bank transfer and makes it later.

package fakeportone

import (
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
)

//go:embed *.html
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "*.html"))

// window is what the page shows: an amount to pay, or the payment.
type window struct {
	MerchantUID string
	Amount      int64 // in minor units
	Currency    string
	Redirect    string // where the payer goes afterwards; "" stays here
	Payment     Payment
	Fault       string
}

// pagePolicy lets a page load nothing. readWindow checks where a browser may go from the window.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"

// readWindow reads a query or a form: an existing payment, or one to make.
func (s *Server) readWindow(r *http.Request) (window, error) {
	v := window{MerchantUID: r.FormValue("merchant_uid")}
	redirect := r.FormValue("redirect")
	back, err := url.Parse(redirect)
	if err != nil || redirect != "" && (back.Host == "" || back.Scheme != "http" && back.Scheme != "https") {
		return v, errors.New("redirect must be an http address")
	}
	v.Redirect = redirect
	if uid := r.FormValue("imp_uid"); uid != "" {
		return v, s.update(uid, false, func(p *Payment) error { v.Payment = *p; return nil })
	}
	if v.MerchantUID == "" || len(v.MerchantUID) > 40 {
		return v, errors.New("merchant_uid must have 1 to 40 bytes")
	}
	v.Currency = s.currencyOf(v.MerchantUID)
	if v.Amount, err = strconv.ParseInt(r.FormValue("amount"), 10, 64); err != nil || v.Amount <= 0 {
		return v, errors.New("amount must be a whole number above 0")
	}
	return v, nil
}

// currencyOf is the currency in which an order is prepared, or else the fake's.
func (s *Server) currencyOf(merchantUID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cmp.Or(s.prepared[merchantUID].currency, s.Currency)
}

// Major is the amount as people write it.
func (v window) Major() json.Number {
	return toMajor(cmp.Or(v.Payment.Currency, v.Currency), cmp.Or(v.Payment.Amount, v.Amount))
}

func (s *Server) showWindow(w http.ResponseWriter, r *http.Request) {
	v, err := s.readWindow(r)
	v.show(w, err)
}

// submitWindow does what the button says and redirects the payer back, as PortOne does: with the imp_uid of the new payment,
// or without one.
func (s *Server) submitWindow(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	v, err := s.readWindow(r)
	status, back := r.FormValue("status"), v.Redirect
	switch {
	case err != nil:
	case v.Payment.ImpUID != "":
		if err = s.Deposit(v.Payment.ImpUID); err == nil {
			v.Payment.Status = "paid"
		}
	case status == "closed":
		back = v.redirectURL("결제를 취소하였습니다.")
	default:
		p := Payment{MerchantUID: v.MerchantUID, Amount: v.Amount, Status: status}
		if p.Status == "ready" {
			p.Method = "vbank"
		}
		if v.Payment, err = s.Create(p); err == nil {
			back = v.redirectURL(v.Payment.FailReason)
		}
	}
	if err != nil || v.Redirect == "" {
		v.show(w, err)
		return
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// redirectURL is Redirect with PortOne's parameters.
func (v window) redirectURL(message string) string {
	back, _ := url.Parse(v.Redirect) // readWindow has checked it
	query := back.Query()
	query.Set("merchant_uid", v.MerchantUID)
	query.Set("imp_success", strconv.FormatBool(message == ""))
	if v.Payment.ImpUID != "" {
		query.Set("imp_uid", v.Payment.ImpUID)
	}
	if message != "" {
		query.Set("error_msg", message)
	}
	back.RawQuery = query.Encode()
	return back.String()
}

func (v window) show(w http.ResponseWriter, err error) {
	if err != nil {
		v.Fault = err.Error()
	}
	writePage(w, "window.html", v, err)
}

// writePage has the status 400 if there is an error.
func writePage(w http.ResponseWriter, name string, v any, err error) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
	}
	_ = pages.ExecuteTemplate(w, name, v) // the client may have gone
}
