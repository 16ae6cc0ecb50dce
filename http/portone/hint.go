// Webhooks say that something may have happened to a payment. V1 signs nothing, so anybody can send one; of V2's, the
// signature is checked, and still they may come late, twice, and in any order. So nothing is taken from them but where to
// look.
package portone

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
)

// Hint is a payment to Get; with Ref "" there is none, and all is well: a webhook about something else.
type Hint struct{ Ref string }

// Errors of webhooks. Neither is worth a repetition.
var (
	ErrHint      = errors.New("this is no webhook of PortOne")
	ErrSignature = errors.New("the webhook is not signed by PortOne")
)

const maxHint = 64 << 10 // bytes

// Hint reads a webhook of V1, JSON or a form as the console was told.
func (v *V1) Hint(header http.Header, body []byte) (Hint, error) {
	if len(body) > maxHint {
		return Hint{}, fmt.Errorf("%w: it is longer than %d bytes", ErrHint, maxHint)
	}
	ref := ""
	if media, _, _ := mime.ParseMediaType(header.Get("Content-Type")); media == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return Hint{}, fmt.Errorf("%w: %w", ErrHint, err)
		}
		ref = form.Get("imp_uid")
	} else {
		fields, err := hintFields(body)
		if err != nil {
			return Hint{}, err
		}
		ref = fields.maybe("imp_uid")
	}
	if checkRef(ref) != nil {
		return Hint{}, fmt.Errorf("%w: its imp_uid is %q", ErrHint, brief(ref))
	}
	return Hint{ref}, nil
}

// Hint reads a webhook of V2 whose signature is right. Types that are new, or about no payment, have no Ref.
func (v *V2) Hint(header http.Header, body []byte) (Hint, error) {
	if len(body) > maxHint {
		return Hint{}, fmt.Errorf("%w: it is longer than %d bytes", ErrHint, maxHint)
	}
	if err := checkSignature(v.keys, header, body, v.config.Now()); err != nil {
		return Hint{}, err
	}
	fields, err := hintFields(body)
	if err != nil {
		return Hint{}, err
	}
	if !fields.has("data") {
		return Hint{}, nil
	}
	ref := fields.inner("data").maybe("paymentId")
	if ref != "" && checkRef(ref) != nil {
		return Hint{}, fmt.Errorf("%w: its paymentId is %q", ErrHint, brief(ref))
	}
	return Hint{ref}, nil
}

func hintFields(body []byte) (*reading, error) {
	var fields object
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		return nil, fmt.Errorf("%w: it is no JSON object", ErrHint)
	}
	return &reading{object: fields}, nil
}
