// What a payment provider needs, and what of it nobody should see.

package config

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"strings"
	"time"
)

func (k *checking) payments(p Payments) {
	oneOf(k, "payments.provider", p.Provider, "none", "portone")
	oneOf(k, "payments.api", p.API, "v1", "v2")
	if len(p.Currency) != 3 || strings.Trim(p.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		k.fault("payments.currency", "is "+quoted(p.Currency), "three letters, such as KRW")
	}
	within(k, "payments.payWithin", p.PayWithin, time.Second, 720*time.Hour)
	within(k, "payments.timeout", p.Timeout, time.Second, 10*time.Minute)
	within(k, "payments.atOnce", p.AtOnce, 1, 256)
	if u, err := url.Parse(p.URL); p.URL != "" && (err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http") {
		k.fault("payments.url", "is "+quoted(masked(p.URL)), "https://api.iamport.kr, say; or leave it out")
	}
	for _, secret := range p.WebhookSecrets {
		text, named := strings.CutPrefix(secret, "whsec_")
		if _, err := base64.StdEncoding.DecodeString(text); err != nil || !named || text == "" {
			k.fault("payments.webhookSecrets", "has one that is none", "whsec_ and base64, as the provider's console shows it")
		}
	}
	if p.Provider != "portone" {
		return
	}
	if p.Secret == "" {
		k.fault("payments.secret", "is missing", "set ONSALE_PAYMENTS_SECRET")
	}
	if p.API == "v1" && p.Key == "" {
		k.fault("payments.key", "is missing", "the imp_key of the shop; set ONSALE_PAYMENTS_KEY")
	}
}

// Address is where the provider is.
func (p Payments) Address() string {
	usual := map[string]string{"v1": "https://api.iamport.kr", "v2": "https://api.portone.io"}
	return cmp.Or(p.URL, usual[p.API])
}

func (p Payments) masked() Payments {
	hide := func(secret string) string {
		if secret == "" {
			return ""
		}
		return "xxxxx"
	}
	p.Key, p.Secret = hide(p.Key), hide(p.Secret)
	if p.URL != "" {
		p.URL = masked(p.URL)
	}
	var secrets []string
	for _, s := range p.WebhookSecrets {
		secrets = append(secrets, hide(s))
	}
	p.WebhookSecrets = secrets
	return p
}
