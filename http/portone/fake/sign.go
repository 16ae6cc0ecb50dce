// Standard Webhooks, the sender's side: one signature for each secret, so that secrets can be replaced.
package fake

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
)

func (s *Server) sign(m *message) {
	id, stamp := "msg_"+rand.Text(), strconv.FormatInt(s.now().Unix(), 10)
	signatures := []string{"v1a,bm90IGZvciB5b3U="} // of another kind, which nobody here can check
	for _, secret := range s.WebhookSecrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			panic("fake: webhook secrets are whsec_ and base64")
		}
		if m.to.Forge {
			key = append(key, '!')
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + stamp + "." + m.body))
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	m.header.Set("Webhook-Id", id)
	m.header.Set("Webhook-Timestamp", stamp)
	m.header.Set("Webhook-Signature", strings.Join(signatures, " "))
}
