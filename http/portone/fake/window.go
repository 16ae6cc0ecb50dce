// A payment window for demos: one page, on which somebody pays, fails to, or waits for a transfer.
package fake

import (
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
)

//go:embed window.html
var windowHTML string

var windowPage = template.Must(template.New("window").Parse(windowHTML))

// window is what the page shows: what to pay, and then what became of it.
type window struct {
	MerchantUID string
	Amount      int64
	Redirect    string // where the payer goes afterwards: "" stays here
	Payment     Payment
	Fault       string
}

// The page loads nothing. Where a browser may go from here, redirect checks.
const windowPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"

// readWindow reads what the page is for, from a query or a form.
func readWindow(r *http.Request) (window, error) {
	v := window{MerchantUID: r.FormValue("merchant_uid"), Redirect: r.FormValue("redirect")}
	amount, err := strconv.ParseInt(r.FormValue("amount"), 10, 64)
	back, errBack := url.Parse(v.Redirect)
	switch {
	case v.MerchantUID == "" || len(v.MerchantUID) > 40:
		return v, errors.New("merchant_uid has 1 to 40 bytes")
	case err != nil || amount <= 0:
		return v, errors.New("amount is a whole number above 0")
	case errBack != nil || v.Redirect != "" && (back.Host == "" || back.Scheme != "http" && back.Scheme != "https"):
		return v, errors.New("redirect is an http address")
	}
	v.Amount = amount
	return v, nil
}

func (s *Server) showWindow(w http.ResponseWriter, r *http.Request) {
	v, err := readWindow(r)
	v.show(w, err)
}

// useWindow makes a payment as the button says, and sends the payer back with its imp_uid, as PortOne does.
func (s *Server) useWindow(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	v, err := readWindow(r)
	if err == nil {
		p := Payment{MerchantUID: v.MerchantUID, Amount: v.Amount, Status: r.FormValue("status")}
		if p.Status == "ready" {
			p.Method = "vbank"
		}
		v.Payment, err = s.Create(p)
	}
	if err != nil || v.Redirect == "" {
		v.show(w, err)
		return
	}
	back, _ := url.Parse(v.Redirect) // readWindow has seen it
	query := back.Query()
	query.Set("imp_uid", v.Payment.ImpUID)
	query.Set("merchant_uid", v.MerchantUID)
	query.Set("imp_success", strconv.FormatBool(v.Payment.Status != "failed"))
	if v.Payment.FailReason != "" {
		query.Set("error_msg", v.Payment.FailReason)
	}
	back.RawQuery = query.Encode()
	http.Redirect(w, r, back.String(), http.StatusSeeOther)
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
