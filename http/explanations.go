// What each code means to a developer, and what to do, in English and Korean. /problems/CODE shows it. The messages that buyers read
// are in view.

package http

import "onsale/domain"

// explanation is what a code means and what to do, in one language.
type explanation struct{ meaning, action string }

const (
	inEnglish = iota
	inKorean
)

var explanations = map[string][2]explanation{
	// The shape of a request.
	domain.InvalidBody: {
		{"The body is not what this path accepts. Nothing was recorded, unless the problem has a sequence: then a rule found it.", "Correct the field that `field` names; in a file it is in line `line`."},
		{"요청 본문이 이 경로의 형식과 다릅니다. sequence가 없으면 아무것도 기록되지 않았고, 있으면 규칙이 거절한 것입니다.", "`field`가 가리키는 필드를 고쳐서 다시 보내세요. 파일이라면 `line`이 줄 번호입니다."},
	},
	invalidID: {
		{"An id is 1 to 64 of A-Z a-z 0-9 _ -; ids of promotions, schedules and products are at most 40 long.", "Correct the id that `field` names."},
		{"ID는 A-Z a-z 0-9 _ - 로 된 1~64자입니다. 프로모션, 회차, 상품의 ID는 40자까지입니다.", "`field`가 가리키는 ID를 고치세요."},
	},
	invalidParameter: {
		{"A parameter of the query has a value that it cannot have.", "Correct the parameter that `field` names."},
		{"쿼리 매개변수의 값이 올바르지 않습니다.", "`field`가 가리키는 매개변수를 고치세요."},
	},
	invalidIdempotencyKey: {
		{"An Idempotency-Key is sent once, and is 1 to 255 visible ASCII characters.", "Use a UUID or another random text without spaces, and the same one for every retry of the request."},
		{"Idempotency-Key는 한 번만 보내야 하며, 보이는 ASCII 문자 1~255자입니다.", "UUID처럼 공백 없는 임의의 값을 쓰고, 같은 요청을 다시 보낼 때는 같은 값을 쓰세요."},
	},
	invalidPosition: {
		{"A position is `<epoch>-<n>`, as Last-Event-ID and eventId have it.", "Send a position as it was received, or none."},
		{"위치는 Last-Event-ID나 eventId처럼 `<epoch>-<n>` 형식입니다.", "받은 위치를 그대로 보내거나 빼고 보내세요."},
	},
	notFound: {
		{"There is nothing at this path. Paths are exact: letter case and slashes count.", "Compare the path with /openapi.json."},
		{"이 경로에는 아무것도 없습니다. 대소문자와 슬래시까지 정확해야 합니다.", "/openapi.json의 경로와 비교하세요."},
	},
	methodNotAllowed: {
		{"The path exists, but not with this method.", "Use one of the methods that the header Allow names."},
		{"경로는 있지만 이 메서드는 쓸 수 없습니다.", "Allow 헤더에 있는 메서드를 쓰세요."},
	},
	bodyTooLarge: {
		{"A body has at most 64 KiB, an imported file 8 MiB.", "Name fewer seats in one command, or import several files."},
		{"본문은 64 KiB, 가져오는 파일은 8 MiB까지입니다.", "한 번에 보내는 좌석을 줄이거나 파일을 나누세요."},
	},
	unsupportedMediaType: {
		{"A body is application/json in UTF-8, and is not compressed.", "Send what the header Accept or Accept-Encoding of the response names."},
		{"본문은 UTF-8로 된 application/json이어야 하며 압축할 수 없습니다.", "응답의 Accept 또는 Accept-Encoding 헤더가 알려 주는 형식으로 보내세요."},
	},

	// The user.
	unauthenticated: {
		{"It is not known who asks, or the token is missing, expired or not valid.", "Log in again and send the new token."},
		{"요청한 사용자를 알 수 없거나, 토큰이 없거나, 만료되었거나, 올바르지 않습니다.", "다시 로그인하여 새 토큰으로 요청하세요."},
	},
	forbidden: {
		{"This user may not do this: it needs a role, or it is another user's, or a web page of another origin asked.", "Do not retry. Check the user's roles, or `cors.origins` of the service."},
		{"이 사용자는 할 수 없는 요청입니다. 역할이 필요하거나, 다른 사용자의 것이거나, 허용되지 않은 출처의 웹 페이지에서 보냈습니다.", "다시 보내지 말고 사용자의 역할이나 서비스의 `cors.origins` 설정을 확인하세요."},
	},
	domain.NotOwner: {
		{"The coupon, hold, reservation or waiting entry belongs to another user. What was paid for an order is refunded.", "Do not retry. Read the user's own with the paths under /api/v1/me."},
		{"다른 사용자의 쿠폰, 선점, 예매 또는 대기입니다. 주문에 결제된 금액은 환불됩니다.", "다시 보내지 마세요. 본인의 내역은 /api/v1/me 아래에서 읽을 수 있습니다."},
	},

	// Idempotency and positions.
	domain.RequestIDReused: {
		{"This Idempotency-Key was used by this user for another method, path or body. The first request stands; this one changed nothing.", "Use a new key for a new request, and the old one only for retries with the same body."},
		{"같은 사용자가 이 Idempotency-Key를 다른 메서드, 경로 또는 본문에 이미 썼습니다. 처음 요청은 유효하며, 이번 요청으로 바뀐 것은 없습니다.", "새 요청에는 새 키를 쓰고, 같은 키는 같은 본문을 다시 보낼 때만 쓰세요."},
	},
	requestNotFound: {
		{"No node has accepted this request.", "Send the command again with the same Idempotency-Key."},
		{"어느 노드도 이 요청을 접수하지 않았습니다.", "같은 Idempotency-Key로 명령을 다시 보내세요."},
	},
	epochChanged: {
		{"The position is of another log: a backup was restored, or it is another service.", "Forget the position, and read the present state."},
		{"다른 로그의 위치입니다. 백업을 복원했거나 다른 서비스의 위치입니다.", "위치를 버리고 현재 상태를 다시 읽으세요."},
	},

	// The state of this node.
	domain.Internal: {
		{"The service has a fault. Its log has the details, under the X-Request-Id of the response.", "Retry later with the same Idempotency-Key. Tell the operator the X-Request-Id."},
		{"서비스 내부 오류입니다. 응답의 X-Request-Id로 서비스 로그에서 자세한 내용을 찾을 수 있습니다.", "잠시 후 같은 Idempotency-Key로 다시 보내고, 운영자에게 X-Request-Id를 알려 주세요."},
	},
	backlogFull: {
		{"Commands arrive faster than they are decided. This one was not recorded.", "Retry with the same Idempotency-Key after the seconds in Retry-After."},
		{"명령이 처리 속도보다 빨리 들어오고 있습니다. 이 명령은 기록되지 않았습니다.", "Retry-After 초 뒤에 같은 Idempotency-Key로 다시 보내세요."},
	},
	rateLimited: {
		{"This user or this address sends more than the service allows. The request was not recorded.", "Retry with the same Idempotency-Key after the seconds in Retry-After, and send less."},
		{"이 사용자 또는 주소의 요청이 허용량을 넘었습니다. 이 요청은 기록되지 않았습니다.", "Retry-After 초 뒤에 같은 Idempotency-Key로 다시 보내고, 요청을 줄이세요."},
	},
	outcomeUnknown: {
		{"The log did not confirm the command, so it may be stored or not.", "Retry with the same Idempotency-Key: if it was stored, the response is its outcome."},
		{"로그가 명령의 저장을 확인해 주지 않아 저장 여부를 알 수 없습니다.", "같은 Idempotency-Key로 다시 보내세요. 저장되었다면 그 결과를 받습니다."},
	},
	notCaughtUp: {
		{"This node does not know yet what the request asks for.", "Retry after the seconds in Retry-After; another node may answer sooner."},
		{"이 노드는 아직 요청한 위치까지 처리하지 못했습니다.", "Retry-After 초 뒤에 다시 보내세요. 다른 노드가 더 빨리 답할 수도 있습니다."},
	},
	logFull: {
		{"The log or its disk is almost full. Nothing was recorded.", "Retry later with the same Idempotency-Key. The operator has to make room."},
		{"로그나 디스크가 거의 찼습니다. 아무것도 기록되지 않았습니다.", "나중에 같은 Idempotency-Key로 다시 보내세요. 운영자가 공간을 늘려야 합니다."},
	},
	halted: {
		{"This node has stopped deciding, because it found its data inconsistent or is shutting down.", "Retry with the same Idempotency-Key; another node may answer. The operator finds the reason at /readyz."},
		{"이 노드는 데이터의 불일치를 발견했거나 종료 중이어서 처리를 멈췄습니다.", "같은 Idempotency-Key로 다시 보내세요. 다른 노드가 답할 수 있습니다. 운영자는 /readyz에서 이유를 확인할 수 있습니다."},
	},

	// Coupons.
	domain.PromotionNotFound: {
		{"There is no promotion with this id.", "Read /api/v1/promotions."},
		{"이 ID의 프로모션이 없습니다.", "/api/v1/promotions에서 목록을 확인하세요."},
	},
	domain.PromotionExists: {
		{"A promotion with this id was created before.", "Choose another id, or leave promotionId out."},
		{"이 ID의 프로모션이 이미 있습니다.", "다른 ID를 쓰거나 promotionId를 빼세요."},
	},
	domain.SoldOut: {
		{"No unit is left, or fewer than were asked for. For an order, whatever was paid is refunded.", "Join the waiting list of the promotion, or ask for at most `available`. `offered` units may come back."},
		{"남은 수량이 없거나 요청한 수량보다 적습니다. 주문이라면 결제된 금액은 환불됩니다.", "프로모션의 대기 명단에 등록하거나 `available` 이하로 요청하세요. 제안 중인 `offered`개는 돌아올 수 있습니다."},
	},
	domain.AlreadyIssued: {
		{"The user has this coupon already: it is `couponId`.", "Show the coupon that the user has."},
		{"사용자가 이미 이 쿠폰(`couponId`)을 가지고 있습니다.", "가지고 있는 쿠폰을 보여 주세요."},
	},
	domain.UserLimitExceeded: {
		{"The user has reached the limit per user, which is `limit`. What was paid for an order is refunded.", "Do not retry."},
		{"1인당 한도(`limit`)에 도달했습니다. 주문에 결제된 금액은 환불됩니다.", "다시 보내지 마세요."},
	},
	domain.NotOpen: {
		{"It opens at `opensAt`, `opensInSeconds` after this was decided.", "Send a new request then, with a new Idempotency-Key: this outcome is final."},
		{"`opensAt`에 열립니다. 이 결정으로부터 `opensInSeconds`초 뒤입니다.", "이 결과는 확정되었으므로, 열린 뒤에 새 Idempotency-Key로 다시 요청하세요."},
	},
	domain.Closed: {
		{"The promotion or the schedule has ended, at `closesAt` if that was by time. With `scheduleCancelled` the performance was called off.", "Do not retry."},
		{"프로모션 또는 회차가 종료되었습니다. 시간에 따른 종료라면 `closesAt`이 그 시각입니다. `scheduleCancelled`가 있으면 공연이 취소된 것입니다.", "다시 보내지 마세요."},
	},
	domain.Paused: {
		{"The promotion is paused.", "Send a new request later, with a new Idempotency-Key. Its stream says when it is open."},
		{"프로모션이 일시 중지되었습니다.", "나중에 새 Idempotency-Key로 다시 요청하세요. 프로모션의 스트림이 재개를 알려 줍니다."},
	},
	domain.CouponNotFound: {
		{"There is no coupon with this id.", "Read /api/v1/me/coupons."},
		{"이 ID의 쿠폰이 없습니다.", "/api/v1/me/coupons에서 확인하세요."},
	},
	domain.AlreadyUsed: {
		{"The coupon was used before.", "Do not retry."},
		{"이미 사용된 쿠폰입니다.", "다시 보내지 마세요."},
	},
	domain.Revoked: {
		{"An admin has taken the coupon back.", "Do not retry."},
		{"관리자가 회수한 쿠폰입니다.", "다시 보내지 마세요."},
	},
	domain.CouponInOrder: {
		{"An order names the coupon `couponId` and has no result yet. Whatever was paid for this order is refunded.", "Wait for the result of that order. If it fails, the coupon can be used again."},
		{"쿠폰(`couponId`)이 아직 결과가 나오지 않은 주문에 쓰이고 있습니다. 이 주문으로 결제된 금액은 환불됩니다.", "그 주문의 결과를 기다리세요. 주문이 실패하면 쿠폰을 다시 쓸 수 있습니다."},
	},
	domain.NotApplicable: {
		{"The coupon `couponId` is not for this product or schedule, the order costs less than `minAmount`, or the coupon changes no price. Whatever was paid is refunded.", "Order without the coupon, or for at least `minAmount`."},
		{"쿠폰(`couponId`)을 쓸 수 없는 상품 또는 회차이거나, 주문 금액이 `minAmount`보다 적거나, 할인이 없는 쿠폰입니다. 결제된 금액은 환불됩니다.", "쿠폰 없이 주문하거나 `minAmount` 이상으로 주문하세요."},
	},
	domain.StockBelowIssued: {
		{"`issued` units are issued or on offer; the stock cannot be less.", "Take fewer units away."},
		{"이미 발급되었거나 제안 중인 수량이 `issued`개이므로 재고를 그보다 줄일 수 없습니다.", "줄이는 수량을 낮추세요."},
	},

	// Seats.
	domain.ScheduleNotFound: {
		{"There is no schedule with this id.", "Read /api/v1/schedules."},
		{"이 ID의 회차가 없습니다.", "/api/v1/schedules에서 목록을 확인하세요."},
	},
	domain.ScheduleExists: {
		{"A schedule with this id was created before.", "Choose another id, or leave scheduleId out."},
		{"이 ID의 회차가 이미 있습니다.", "다른 ID를 쓰거나 scheduleId를 빼세요."},
	},
	domain.SeatNotFound: {
		{"The schedule does not have the seats in `scheduleSeatIds`, or the section in `section`.", "Read the seats of the schedule again."},
		{"회차에 `scheduleSeatIds`의 좌석 또는 `section` 구역이 없습니다.", "회차의 좌석을 다시 읽으세요."},
	},
	domain.SeatUnavailable: {
		{"The seats in `scheduleSeatIds` are not free, or not the user's. None of the seats was changed.", "Choose other seats, or ask for the best available ones."},
		{"`scheduleSeatIds`의 좌석이 비어 있지 않거나 본인의 좌석이 아닙니다. 바뀐 좌석은 없습니다.", "다른 좌석을 고르거나 bestAvailable로 요청하세요."},
	},
	domain.SeatLimitExceeded: {
		{"The user would have more than `limit` seats of this schedule, held and reserved ones together.", "Name fewer seats, or release some."},
		{"선점과 예매를 합쳐 한 회차에 1인당 `limit`석까지입니다.", "좌석을 줄이거나 일부를 해제하세요."},
	},
	domain.TooManySeats: {
		{"One command may name at most `limit` seats.", "Send several commands."},
		{"한 명령에 쓸 수 있는 좌석은 `limit`석까지입니다.", "명령을 나누어 보내세요."},
	},
	domain.NoAdjacentSeats: {
		{"There are not so many free seats side by side; `available` seats are free.", "Ask for fewer seats or another section, or name seats."},
		{"나란히 비어 있는 좌석이 부족합니다. 빈 좌석은 `available`석입니다.", "좌석 수를 줄이거나, 다른 구역을 고르거나, 좌석을 지정하세요."},
	},
	domain.OrphanSeat: {
		{"The choice would leave the single seats in `scheduleSeatIds`.", "Choose seats that leave none, or ask for the best available ones."},
		{"이렇게 고르면 `scheduleSeatIds` 좌석이 하나씩만 남습니다.", "한 좌석만 남지 않게 고르거나 bestAvailable로 요청하세요."},
	},
	domain.HoldNotFound: {
		{"There is no such hold, or it was reserved or released. What was paid for an order is refunded.", "Read /api/v1/me/holds."},
		{"이 선점이 없거나 이미 예매 또는 해제되었습니다. 주문에 결제된 금액은 환불됩니다.", "/api/v1/me/holds에서 확인하세요."},
	},
	domain.HoldExpired: {
		{"The hold was over at `expiredAt`; with `scheduleCancelled` the performance was called off. What was paid for an order is refunded.", "Hold seats again, unless the performance was called off."},
		{"선점이 `expiredAt`에 만료되었습니다. `scheduleCancelled`가 있으면 공연이 취소된 것입니다. 주문에 결제된 금액은 환불됩니다.", "공연이 취소되지 않았다면 좌석을 다시 선점하세요."},
	},
	domain.ExtendLimitExceeded: {
		{"A hold can be extended `limit` times, and not beyond the schedule's longest hold.", "Reserve the seats in time."},
		{"선점은 `limit`번까지, 회차의 최대 선점 시간 안에서만 연장할 수 있습니다.", "시간 안에 예매하세요."},
	},
	domain.ReservationNotFound: {
		{"There is no reservation with this id.", "Read /api/v1/me/reservations."},
		{"이 ID의 예매가 없습니다.", "/api/v1/me/reservations에서 확인하세요."},
	},
	domain.HoldInOrder: {
		{"The order in `imp_uids` is on this hold and has no result yet. Until then the hold does not expire and cannot be changed. What was paid for a second order is refunded.", "Wait for the result of that order: the frame `order-success` or `order-failure`."},
		{"이 선점에는 아직 결과가 나오지 않은 주문(`imp_uids`)이 있습니다. 그동안 선점은 만료되지 않고 바꿀 수도 없습니다. 두 번째 주문으로 결제된 금액은 환불됩니다.", "그 주문의 결과(`order-success` 또는 `order-failure` 프레임)를 기다리세요."},
	},
	domain.PaymentRequired: {
		{"Seats of this schedule are paid for.", "Prepare a payment with `holdId`, and order the hold: POST /api/v1/orders."},
		{"결제해야 예매되는 회차입니다.", "`holdId`로 결제를 준비하고 POST /api/v1/orders로 주문하세요."},
	},
	domain.PaidSeats: {
		{"The orders in `imp_uids` have some of these seats. No seat was changed.", "Leave these seats out, or send `\"refund\": true`, which needs the role admin: each order ends with all of its seats, and is refunded."},
		{"일부 좌석이 `imp_uids`의 주문에 있습니다. 바뀐 좌석은 없습니다.", "그 좌석을 빼거나 `\"refund\": true`로 보내세요(admin 역할 필요). 주문이 모든 좌석과 함께 취소되고 환불됩니다."},
	},
	domain.CancelClosed: {
		{"No refund tier of the schedule applies any more, or it has none.", "Do not retry. An admin can cancel the order."},
		{"회차의 환불 기준에 따른 취소 기한이 지났거나 취소할 수 없는 회차입니다.", "다시 보내지 마세요. 관리자는 주문을 취소할 수 있습니다."},
	},
	domain.AlreadyCancelled: {
		{"The reservation or order was cancelled before, or the order has failed.", "Do not retry."},
		{"이미 취소된 예매 또는 주문이거나, 실패한 주문입니다.", "다시 보내지 마세요."},
	},

	// Waiting lists.
	domain.AlreadyWaiting: {
		{"The user is on this waiting list: the entry is `waitingId`.", "Show that entry."},
		{"이미 대기 명단에 있습니다. 대기 ID는 `waitingId`입니다.", "그 대기를 보여 주세요."},
	},
	domain.WaitingNotFound: {
		{"There is no such waiting entry, or it has ended.", "Read /api/v1/me/waiting."},
		{"이 대기가 없거나 끝났습니다.", "/api/v1/me/waiting에서 확인하세요."},
	},
	domain.OfferExpired: {
		{"The offer was over at `expiredAt`, and the waiting with it.", "Join the waiting list again."},
		{"제안이 `expiredAt`에 만료되어 대기도 끝났습니다.", "대기 명단에 다시 등록하세요."},
	},
	domain.NoOffer: {
		{"Nothing is on offer to this entry yet.", "Wait for the frame `offer` of the user's stream."},
		{"아직 이 대기에 제안된 것이 없습니다.", "사용자 스트림의 `offer` 프레임을 기다리세요."},
	},

	// Orders.
	domain.ProductNotFound: {
		{"There is no product with this id.", "Read /api/v1/products."},
		{"이 ID의 상품이 없습니다.", "/api/v1/products에서 목록을 확인하세요."},
	},
	domain.ProductExists: {
		{"A product with this id was created before.", "Choose another id, or leave salePostId out."},
		{"이 ID의 상품이 이미 있습니다.", "다른 ID를 쓰거나 salePostId를 빼세요."},
	},
	domain.ProductClosed: {
		{"The product is no longer sold. Whatever was paid for the order is refunded.", "Do not retry."},
		{"판매가 끝난 상품입니다. 이 주문으로 결제된 금액은 환불됩니다.", "다시 보내지 마세요."},
	},
	domain.OrderNotFound: {
		{"There is no order with this payment.", "Read /api/v1/me/orders, or place the order."},
		{"이 결제의 주문이 없습니다.", "/api/v1/me/orders를 확인하거나 주문하세요."},
	},
	domain.InvalidCount: {
		{"An order has 1 to `limit` units.", "Correct count."},
		{"한 주문의 수량은 1개 이상 `limit`개 이하입니다.", "count를 고치세요."},
	},
	domain.AmountMismatch: {
		{"The amount is not what the order costs with its coupon, which is `expected`. Whatever was paid is refunded.", "Prepare a payment again, and pay the amount that it names."},
		{"주문 금액이 쿠폰을 적용한 가격(`expected`)과 다릅니다. 결제된 금액은 환불됩니다.", "결제를 다시 준비하고 그 금액으로 결제하세요."},
	},
	domain.PaymentAlreadyUsed: {
		{"The payment belongs to another order. Nothing happens to it.", "Read the order of this payment, or pay again for a new one."},
		{"다른 주문에 쓰인 결제입니다. 그 결제에는 변화가 없습니다.", "이 결제의 주문을 확인하거나 새로 결제하세요."},
	},
	domain.TooManyOpenOrders: {
		{"`limit` orders of the user have no result yet. This one was not recorded, and nothing happens to its payment.", "Order again with the same payment and a new key when one of the others has its result."},
		{"결과가 나오지 않은 주문이 이미 `limit`건 있습니다. 이 주문은 접수되지 않았고, 결제에는 변화가 없습니다.", "다른 주문의 결과가 나온 뒤 같은 결제와 새 키로 다시 주문하세요."},
	},
	domain.PaymentNotRequired: {
		{"The seats are reserved without a payment, or the order costs nothing with its coupon. Whatever was paid is refunded.", "Reserve the seats, or send the order without `imp_uid` and with the amount 0."},
		{"결제 없이 예매하는 좌석이거나 쿠폰을 쓰면 0원인 주문입니다. 결제된 금액은 환불됩니다.", "좌석을 예매하거나, `imp_uid` 없이 금액 0으로 주문하세요."},
	},
	paymentsNotConfigured: {
		{"The service has no payment provider, so it accepts no orders.", "The operator sets `payments.provider`."},
		{"결제 대행사가 설정되지 않아 주문을 받지 않습니다.", "운영자가 `payments.provider`를 설정해야 합니다."},
	},

	// Alarms.
	domain.AlarmNotFound: {
		{"The user has no alarm with this id.", "Read /api/v1/me/alarms."},
		{"사용자에게 이 ID의 알림이 없습니다.", "/api/v1/me/alarms에서 확인하세요."},
	},
}
