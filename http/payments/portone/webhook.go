// Webhooks say that something may have happened to a payment. V1 does not sign them, so anybody can send one; V2's are
// verified, and may still come late, twice and in any order. So nothing is taken from them but a reference to look up.

package portone

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"onsale/http/jsonobject"
)

// Errors of ParseWebhook, both permanent.
var (
	ErrWebhook   = errors.New("not a webhook of PortOne")
	ErrSignature = errors.New("webhook not signed by PortOne")
)

const maxWebhook = 64 << 10 // bytes

// Webhook is what a webhook names. Nothing of it is a fact.
type Webhook struct {
	Ref         string // the payment to Get; "" for webhooks about something else
	MerchantUID string // the order that it is said to be for; with V2 the same as Ref. "" where the webhook does not say
}

var errWebhookTooLong = fmt.Errorf("%w: it is longer than %d bytes", ErrWebhook, maxWebhook)

// ParseWebhook returns the payment to Get for a webhook of V1, JSON or a form, which is a setting of PortOne's console.
func (v *V1) ParseWebhook(header http.Header, body []byte) (hook Webhook, err error) {
	if len(body) > maxWebhook {
		return Webhook{}, errWebhookTooLong
	}
	if media, _, _ := mime.ParseMediaType(header.Get("Content-Type")); media == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return Webhook{}, fmt.Errorf("%w: %w", ErrWebhook, err)
		}
		hook = Webhook{form.Get("imp_uid"), form.Get("merchant_uid")}
	} else {
		o, err := jsonobject.ParseLoosely(body)
		if err != nil {
			return Webhook{}, fmt.Errorf("%w: %w", ErrWebhook, err)
		}
		hook = Webhook{o.Text("imp_uid"), o.Text("merchant_uid")}
	}
	if validateRef(hook.Ref) != nil {
		return Webhook{}, fmt.Errorf("%w: its imp_uid is %q", ErrWebhook, truncate(hook.Ref))
	}
	if validateMerchantUID(hook.MerchantUID) != nil { // of payments that were not prepared here it may be anything
		hook.MerchantUID = ""
	}
	return hook, nil
}

// ParseWebhook verifies the signature of a webhook of V2 and returns the payment to Get, or none for types that are new or not
// about a payment.
func (v *V2) ParseWebhook(header http.Header, body []byte) (hook Webhook, err error) {
	if len(body) > maxWebhook {
		return Webhook{}, errWebhookTooLong
	}
	if err := verifySignature(v.keys, header, body, v.config.Now()); err != nil {
		return Webhook{}, err
	}
	o, err := jsonobject.ParseLoosely(body)
	if err != nil {
		return Webhook{}, fmt.Errorf("%w: %w", ErrWebhook, err)
	}
	ref := ""
	o.Object("data", func(data *jsonobject.Object) { ref = data.Text("paymentId") })
	if ref != "" && validateRef(ref) != nil {
		return Webhook{}, fmt.Errorf("%w: its paymentId is %q", ErrWebhook, truncate(ref))
	}
	return Webhook{ref, ref}, nil
}

// tolerance is the largest difference between a webhook's time and ours, either way.
const tolerance = 5 * time.Minute

type webhookKey []byte

func webhookKeys(secrets []string) (keys []webhookKey, err error) {
	for i, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) == 0 { // an empty key would let anybody sign
			return nil, fmt.Errorf("webhook secret %d is not \"whsec_\" and base64", i+1)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// verifySignature follows the Standard Webhooks specification: HMAC-SHA256 over id.timestamp.body, by any of the keys. The
// first of a repeated header counts; signatures of other versions are ignored. The specification's own library is not used:
// it takes no clock and only one secret.
func verifySignature(keys []webhookKey, header http.Header, body []byte, now time.Time) error {
	id, timestamp := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil {
		return fmt.Errorf("%w: id or timestamp missing", ErrSignature)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return fmt.Errorf("%w: timestamp outside the tolerance of %s", ErrSignature, tolerance)
	}
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
		want := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		for signature := range strings.FieldsSeq(header.Get("Webhook-Signature")) {
			if hmac.Equal([]byte(signature), want) {
				return nil
			}
		}
	}
	return fmt.Errorf("%w: no valid signature", ErrSignature)
}
