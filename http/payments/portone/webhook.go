// Webhooks say that something may have happened to a payment. V1 signs nothing, so anybody can send one; of V2's, the
// signature is checked, and still they may come late, twice, and in any order. So nothing is taken from them but where to
// look.

package portone

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// WebhookRef is a payment to Get; with Ref "" there is none, and all is well: a webhook about something else.
type WebhookRef struct{ Ref string }

// Errors of webhooks. Neither is worth a repetition.
var (
	ErrWebhook   = errors.New("this is no webhook of PortOne")
	ErrSignature = errors.New("the webhook is not signed by PortOne")
)

const maxWebhook = 64 << 10 // bytes

// ParseWebhook reads a webhook of V1, JSON or a form as the console was told.
func (v *V1) ParseWebhook(header http.Header, body []byte) (WebhookRef, error) {
	if len(body) > maxWebhook {
		return WebhookRef{}, fmt.Errorf("%w: it is longer than %d bytes", ErrWebhook, maxWebhook)
	}
	ref := ""
	if media, _, _ := mime.ParseMediaType(header.Get("Content-Type")); media == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return WebhookRef{}, fmt.Errorf("%w: %w", ErrWebhook, err)
		}
		ref = form.Get("imp_uid")
	} else {
		f, err := webhookFields(body)
		if err != nil {
			return WebhookRef{}, err
		}
		ref = f.optString("imp_uid")
	}
	if validateRef(ref) != nil {
		return WebhookRef{}, fmt.Errorf("%w: its imp_uid is %q", ErrWebhook, truncate(ref))
	}
	return WebhookRef{ref}, nil
}

// ParseWebhook reads a webhook of V2 whose signature is right. Types that are new, or about no payment, have no Ref.
func (v *V2) ParseWebhook(header http.Header, body []byte) (WebhookRef, error) {
	if len(body) > maxWebhook {
		return WebhookRef{}, fmt.Errorf("%w: it is longer than %d bytes", ErrWebhook, maxWebhook)
	}
	if err := verifySignature(v.keys, header, body, v.config.Now()); err != nil {
		return WebhookRef{}, err
	}
	f, err := webhookFields(body)
	if err != nil {
		return WebhookRef{}, err
	}
	if !f.has("data") {
		return WebhookRef{}, nil
	}
	ref := f.child("data").optString("paymentId")
	if ref != "" && validateRef(ref) != nil {
		return WebhookRef{}, fmt.Errorf("%w: its paymentId is %q", ErrWebhook, truncate(ref))
	}
	return WebhookRef{ref}, nil
}

func webhookFields(body []byte) (*fields, error) {
	var o object
	if err := json.Unmarshal(body, &o); err != nil || o == nil {
		return nil, fmt.Errorf("%w: it is no JSON object", ErrWebhook)
	}
	return &fields{object: o}, nil
}

// Standard Webhooks: HMAC-SHA256 over id.timestamp.body. Written here, because the library of the standard has a clock of
// its own, and takes one secret; what is left of it is less than what would be needed around it.

// tolerance is how far a webhook's time may be from ours, either way.
const tolerance = 5 * time.Minute

type webhookKey []byte

func webhookKeys(secrets []string) (keys []webhookKey, err error) {
	for i, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) == 0 { // an empty key would let anybody sign
			return nil, fmt.Errorf("webhook secret %d is not whsec_ and base64", i+1)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// verifySignature is nil when one of the keys made one of the signatures, lately. Of a header that is there twice, the
// first counts; signatures of other versions are passed over.
func verifySignature(keys []webhookKey, header http.Header, body []byte, now time.Time) error {
	id, timestamp := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil {
		return fmt.Errorf("%w: its id or its time is missing", ErrSignature)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return fmt.Errorf("%w: it is of another time", ErrSignature)
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
	return fmt.Errorf("%w: none of its signatures is right", ErrSignature)
}
