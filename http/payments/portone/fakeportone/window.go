// A payment window for demos: one page, on which somebody pays, fails to, leaves, or waits for a transfer, and on which the
// transfer arrives later.

package fakeportone

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
)

//go:embed window.html
var windowHTML string

var windowPage = template.Must(template.New("window").Parse(windowHTML))

// window is what the page shows: what to pay, or what became of it.
type window struct {
	MerchantUID string
	Amount      int64
	Redirect    string // where the payer goes afterwards: "" stays here
	Payment     Payment
	Fault       string
}

// The page loads nothing. Where a browser may go from here, readWindow checks.
const windowPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"

// readWindow reads what the page is for, from a query or a form: a payment that is there, or one to make.
func (s *Server) readWindow(r *http.Request) (window, error) {
	v := window{MerchantUID: r.FormValue("merchant_uid")}
	redirect := r.FormValue("redirect")
	back, err := url.Parse(redirect)
	if err != nil || redirect != "" && (back.Host == "" || back.Scheme != "http" && back.Scheme != "https") {
		return v, errors.New("redirect is an http address")
	}
	v.Redirect = redirect
	if uid := r.FormValue("imp_uid"); uid != "" {
		return v, s.update(uid, false, func(p *Payment) error { v.Payment = *p; return nil })
	}
	if v.MerchantUID == "" || len(v.MerchantUID) > 40 {
		return v, errors.New("merchant_uid has 1 to 40 bytes")
	}
	if v.Amount, err = strconv.ParseInt(r.FormValue("amount"), 10, 64); err != nil || v.Amount <= 0 {
		return v, errors.New("amount is a whole number above 0")
	}
	return v, nil
}

func (s *Server) showWindow(w http.ResponseWriter, r *http.Request) {
	v, err := s.readWindow(r)
	v.show(w, err)
}

// submitWindow does what the button says, and sends the payer back, as PortOne does: with the imp_uid of the payment that was
// made, or without one.
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
		// A fake that forgets must not use an imp_uid again, for shops remember.
		p := Payment{ImpUID: fmt.Sprintf("imp_%012d", rand.Int64N(1e12)), MerchantUID: v.MerchantUID, Amount: v.Amount, Status: status}
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

// redirectURL is the way back, with what PortOne says there.
func (v window) redirectURL(message string) string {
	back, _ := url.Parse(v.Redirect) // readWindow has seen it
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
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", windowPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	if err != nil {
		v.Fault = err.Error()
		w.WriteHeader(http.StatusBadRequest)
	}
	_ = windowPage.Execute(w, v) // to whoever still looks
}
