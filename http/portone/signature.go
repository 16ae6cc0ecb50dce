// Standard Webhooks: HMAC-SHA256 over id.timestamp.body. Written here, because the library of the standard has a clock of
// its own, and takes one secret; what is left of it is less than what would be needed around it.
package portone

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

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

// checkSignature is nil when one of the keys made one of the signatures, lately. Of a header that is there twice, the
// first counts; signatures of other versions are passed over.
func checkSignature(keys []webhookKey, header http.Header, body []byte, now time.Time) error {
	id, stamp := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if id == "" || err != nil {
		return fmt.Errorf("%w: its id or its time is missing", ErrSignature)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return fmt.Errorf("%w: it is of another time", ErrSignature)
	}
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
		want := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		for signature := range strings.FieldsSeq(header.Get("Webhook-Signature")) {
			if hmac.Equal([]byte(signature), want) {
				return nil
			}
		}
	}
	return fmt.Errorf("%w: none of its signatures is right", ErrSignature)
}
