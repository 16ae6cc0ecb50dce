// The language of the transcripts: promotions, their coupons, and those who wait for them.

package machine_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/coupons"
)

// couponPatterns are what can be asked of a promotion that stands. What the shop does may end with a reason: ", since …".
var couponPatterns = []commandPattern{
	{regexp.MustCompile(`^uses number (\S+) of (\S+)$`), func(m []string) (string, domain.Body, error) {
		number, err := strconv.Atoi(m[1])
		return m[2], coupons.Use{Number: number}, err
	}},
	{regexp.MustCompile(`^(pauses|resumes|closes) promotion ([^\s,]+)(?:, since (.*))?$`), func(m []string) (string, domain.Body, error) {
		switch m[1] {
		case "pauses":
			return m[2], coupons.Pause{Reason: m[3]}, nil
		case "resumes":
			return m[2], coupons.Resume{Reason: m[3]}, nil
		}
		return m[2], coupons.Close{Reason: m[3]}, nil
	}},
	{regexp.MustCompile(`^changes the stock of (\S+) by ([^\s,]+)(?:, since (.*))?$`), func(m []string) (string, domain.Body, error) {
		delta, err := strconv.Atoi(m[2])
		return m[1], coupons.ChangeStock{Delta: delta, Reason: m[3]}, err
	}},
	{regexp.MustCompile(`^(revokes|takes back) number (\S+) of ([^\s,]+)(?:, since (.*))?$`), func(m []string) (string, domain.Body, error) {
		number, err := strconv.Atoi(m[2])
		return m[3], coupons.Revoke{Number: number, ReturnStock: m[1] == "takes back", Reason: m[4]}, err
	}},
	{regexp.MustCompile(`^waits? for (\S+) units? of (\S+)$`), func(m []string) (string, domain.Body, error) {
		quantity, err := strconv.Atoi(m[1])
		return m[2], coupons.Join{Quantity: quantity}, err
	}},
	{regexp.MustCompile(`^(accepts|declines|leaves) (\S*-wc\S*)(?: of (\S+))?$`), func(m []string) (string, domain.Body, error) {
		promotion, _, _ := strings.Cut(m[2], "-wc")
		if m[3] != "" {
			promotion = m[3]
		}
		switch m[1] {
		case "accepts":
			return promotion, coupons.Accept{WaitingID: m[2]}, nil
		case "declines":
			return promotion, coupons.Decline{WaitingID: m[2]}, nil
		}
		return promotion, coupons.Leave{WaitingID: m[2]}, nil
	}},
}

// formatCoupon tells what happened to a promotion; "" when it is something else.
func formatCoupon(e domain.Event) string {
	switch b := e.Body.(type) {
	case coupons.Used:
		return fmt.Sprintf("%s has used coupon %s, number %d of %s", e.User, b.CouponID, b.Number, b.PromotionID)
	case coupons.Opened:
		return fmt.Sprintf("%s is open", b.PromotionID)
	case coupons.Paused:
		return fmt.Sprintf("%s has paused %s%s", e.User, b.PromotionID, formatReason(b.Reason))
	case coupons.Resumed:
		return fmt.Sprintf("%s goes on with %s%s", e.User, b.PromotionID, formatReason(b.Reason))
	case coupons.Closed:
		if e.User == "" {
			return fmt.Sprintf("%s is over", b.PromotionID)
		}
		return fmt.Sprintf("%s has closed %s%s", e.User, b.PromotionID, formatReason(b.Reason))
	case coupons.StockChanged:
		return fmt.Sprintf("%s changes the stock of %s by %d to %d%s", e.User, b.PromotionID, b.Delta, b.Stock, formatReason(b.Reason))
	case coupons.Revoked:
		return fmt.Sprintf("%s has coupon %s no longer, number %d of %s%s%s", e.User, b.CouponID, b.Number, b.PromotionID,
			formatReturned(b.Returned), formatReason(b.Reason))
	case coupons.RevocationDone:
		return fmt.Sprintf("%s has taken coupon %s, number %d of %s, from %s%s%s", e.User, b.CouponID, b.Number, b.PromotionID, b.UserID,
			formatReturned(b.Returned), formatReason(b.Reason))
	case coupons.Joined:
		return fmt.Sprintf("%s waits for %s of %s as %s, at place %d", e.User, pluralize(b.Quantity, "unit"), b.PromotionID, b.WaitingID, b.Position)
	case coupons.Left:
		return fmt.Sprintf("%s no longer waits for %s as %s", e.User, b.PromotionID, b.WaitingID)
	case coupons.Offered:
		return fmt.Sprintf("%s is offered %s of %s for %s until %s", e.User, pluralize(b.Quantity, "unit"), b.PromotionID, b.WaitingID, formatClock(b.ExpiresAt))
	case coupons.Accepted:
		return fmt.Sprintf("%s takes %s of %s for %s, from coupon %s, number %d on", e.User, pluralize(b.Quantity, "unit"), b.PromotionID,
			b.WaitingID, b.CouponID, b.Number)
	case coupons.Declined:
		return fmt.Sprintf("%s does not want %s of %s for %s", e.User, pluralize(b.Quantity, "unit"), b.PromotionID, b.WaitingID)
	case coupons.OfferExpired:
		return fmt.Sprintf("%s has let %s of %s go, %s is over since %s", e.User, pluralize(b.Quantity, "unit"), b.PromotionID, b.WaitingID, formatClock(b.ExpiresAt))
	}
	return ""
}

func formatReason(reason string) string {
	if reason == "" {
		return ""
	}
	return ", since " + reason
}

func formatReturned(returned bool) string {
	if returned {
		return ", and its unit is back"
	}
	return ""
}

func (d *transcript) showPromotion(p *coupons.Promotion) {
	d.printf("    · %d of %d issued, %d remain, sold out by %d", p.Issued(), p.Stock, p.Remaining(), p.SoldOutSequence)
	for i := range p.IssuedEver {
		c, _ := p.Coupon(i + 1)
		d.printf("    · %s of %s is %s", coupons.CouponID(p.PromotionID, i+1), c.Owner, c.Status)
	}
	for _, o := range inOrder(p.Offers()) {
		d.printf("    · %s is offered %d until %s", o.User, o.Quantity, formatClock(o.ExpiresAt))
	}
	for _, e := range p.Waiting() {
		d.printf("    · %s waits for %d", e.User, e.Quantity)
	}
}
