// The texts of the page, in Korean and in English.

// @ts-check

const TEXT = {
  ko: {
    skip: "좌석으로 건너뛰기", lead: "오픈 순간을 위한 선착순 쿠폰, 좌석, 주문", user: "사용자", switch: "바꾸기", other: "English",
    couponTitle: "선착순 쿠폰", issue: "쿠폰 받기", holdTitle: "내 좌석", chooseFirst: "좌석을 골라 주세요.", hold: "선점하기",
    mapTitle: "좌석", stage: "무대", logTitle: "받은 이벤트", clear: "지우기",
    available: "선택 가능", chosenSeat: "고른 좌석", mine: "내가 선점", held: "다른 사람이 선점", bought: "내가 예매", reserved: "예매 완료",
    requesting: "요청 중", live: "실시간 연결됨", connecting: "다시 연결하는 중", reserve: "예매", release: "취소",
    of: (/** @type {number} */ n) => `장 남음 / 전체 ${n.toLocaleString()}장`,
    noPromotion: "진행 중인 프로모션이 없습니다. (onsale serve --demo)", noSchedule: "회차가 없습니다. (onsale serve --demo)",
    accepted: "접수되었습니다. 결과를 기다리는 중…",
    issued: (/** @type {number} */ n) => `${n.toLocaleString()}번째 쿠폰이 발급되었습니다.`,
    chosen: (/** @type {number} */ n, /** @type {string} */ won) => `${n}석 선택, ${won}`,
    counts: (/** @type {number} */ free, /** @type {number} */ all) =>
      `${all.toLocaleString()}석 중 ${free.toLocaleString()}석 선택 가능`,
    left: (/** @type {string} */ t) => `남은 시간 ${t}`, holdExpired: "선점 시간이 끝났습니다.", heldByMe: "선점했습니다.",
    reservedByMe: "예매되었습니다.", holdReleased: "선점을 취소했습니다.", row: "열", seatNumber: "번", won: (/** @type {number} */ n) => `${n.toLocaleString()}원`,
    unreachable: "서버에 연결할 수 없습니다. 다시 시도해 주세요. 중복으로 처리되지 않습니다.",
    shopTitle: "상품 주문", count: "수량", ordersTitle: "내 주문", noProduct: "판매 중인 상품이 없습니다. (onsale serve --demo)",
    unitsOf: (/** @type {number} */ n) => `개 남음 / 전체 ${n.toLocaleString()}개`,
    pay: (/** @type {string} */ won) => `${won} 결제하기`,
    openingWindow: "결제창으로 이동하는 중…", noWindow: "여기에는 결제창이 없습니다. (onsale serve --demo)", notPaid: "결제하지 않고 돌아왔습니다.",
    notStartedHere: (/** @type {string} */ id) => `이 브라우저에서 시작한 결제가 아니어서 주문하지 않았습니다. (결제 번호: ${id})`,
    ordering: "주문을 접수하는 중…", verifying: "결제를 확인하는 중…", makeTransfer: "입금하기",
    units: (/** @type {number} */ n, /** @type {string} */ won) => `${n.toLocaleString()}개, ${won}`,
    concertLink: "결제하는 좌석: 여름밤 콘서트", skipToSeats: "좌석 고르기로 건너뛰기", legend: "좌석 표시",
    bestTitle: "좌석 고르기", howMany: "인원", section: "구역", anySection: "전체 구역", price: "가격", seatsLeft: "남은 좌석",
    sectionsTitle: "구역과 가격", orChoose: "또는 좌석 배치도에서 직접 고르세요.", searching: "좌석을 찾는 중…",
    best: (/** @type {number} */ n) => (n === 1 ? "좋은 좌석 1석 잡기" : `나란히 ${n}석 잡기`), seatCount: (/** @type {number} */ n) => `${n}명`,
    limit: (/** @type {number} */ n) => `1인 ${n}석까지 예매할 수 있습니다.`,
    howPaid: "좌석을 선점한 뒤 시간 안에 결제하면 예매됩니다.", howFree: "좌석을 선점한 뒤 시간 안에 예매해 주세요.", saleClosed: "판매가 종료되었습니다.",
    calledOff: (/** @type {string} */ why) => (why ? `공연이 취소되었습니다: ${why}` : "공연이 취소되었습니다."),
    freeOf: (/** @type {number} */ free, /** @type {number} */ all) => `${free.toLocaleString()} / ${all.toLocaleString()}석`,
    taken: (/** @type {string} */ seat) => `${seat} 좌석을 방금 다른 사람이 선점했습니다. 다른 좌석을 골라 주세요.`,
    extend: "시간 연장", swap: (/** @type {number} */ n) => (n ? `고른 ${n}석으로 변경` : "좌석 변경"), holdExtended: "선점 시간이 연장되었습니다.",
    payWithin: (/** @type {string} */ t) => `${t} 안에 결제해 주세요.`, payBefore: (/** @type {string} */ t) => `입금 기한 ${t}`,
    ordered: "결제를 확인하고 있습니다. 결과가 나올 때까지 좌석은 그대로 유지되며, 변경하거나 취소할 수 없습니다.",
    orderedUnpaid: "입금을 기다리고 있습니다. 입금될 때까지 좌석을 변경하거나 취소할 수 없습니다.",
    tryAnother: "이전 결제는 완료되지 않았습니다. 좌석은 아직 선점되어 있으니 다른 결제로 다시 시도할 수 있습니다.",
    windowLeft: "결제창에서 돌아오지 않은 결제가 있습니다. 이미 결제하셨다면 잠시 후 예매가 여기에 나타납니다.",
    useCoupon: "할인 쿠폰", noCoupon: "사용하지 않음", discountTitle: "할인 쿠폰",
    couponOption: (/** @type {string} */ won, /** @type {string} */ id) => `${won} 할인 (${id})`,
    listAmount: "정가", discount: "할인", amount: "결제 금액", getFree: "결제 없이 예매하기",
    priceChanged: (/** @type {string} */ won) => `결제 금액이 ${won}(으)로 바뀌었습니다. 확인한 뒤 다시 눌러 주세요.`,
    orderedFree: "예매되었습니다. 결제할 금액이 없습니다.",
    refusedAfterPayment: (/** @type {string} */ why) => `주문되지 않았습니다. ${why} 결제하신 금액은 환불됩니다.`,
    ticketsTitle: "내 예매", reservation: "예매 번호", paidAmount: (/** @type {string} */ won) => `결제 금액 ${won}`,
    lateNote: "결제가 늦어 선점이 끝났지만, 좌석이 남아 있어 예매되었습니다.",
    refundsTitle: "취소와 환불", refundNone: "결제한 예매는 취소할 수 없습니다.",
    refundRule: (/** @type {string} */ until, /** @type {number} */ percent) => `${until}까지 취소하면 ${percent}% 환불`,
    cancelTicket: "예매 취소", keepTicket: "그대로 두기", cancelling: "취소하는 중…", cancelledTicket: "취소된 예매",
    cancelQuestion: (/** @type {string} */ names) => `${names} 예매를 취소할까요?`,
    refundPreview: (/** @type {string} */ back, /** @type {string} */ paid, /** @type {number} */ percent) =>
      `지금 취소하면 ${back}이 환불됩니다. (결제하신 ${paid}의 ${percent}%)`,
    couponReturned: "사용하신 쿠폰은 돌려드립니다.", couponKept: "사용하신 쿠폰은 돌려드리지 않습니다.",
    refunding: (/** @type {string} */ won) => `${won} 환불 중`,
    cancelledWith: (/** @type {string} */ won) => `예매를 취소했습니다. ${won}이 환불됩니다.`,
    refundedAmount: (/** @type {number} */ n) => (n ? `${n.toLocaleString()}원 환불됨` : "환불 없음"), endedUnrefunded: "취소 · 환불 없음",
    statuses: {
      VERIFYING: "결제 확인 중", PENDING_PAYMENT: "입금 대기", PAID: "결제 완료", REFUNDING: "환불 중", FAILED: "실패",
      REFUNDED: "환불 완료",
    },
    reasons: {
      sold_out: "모두 소진되었습니다.", product_closed: "판매가 종료되었습니다.", amount_mismatch: "결제 금액이 주문 금액과 다릅니다.",
      user_limit_exceeded: "1인당 구매 수량을 넘었습니다.",
      currency_mismatch: "결제 통화가 주문과 다릅니다.", test_payment: "테스트 결제입니다.", payment_cancelled: "취소된 결제입니다.",
      payment_failed: "결제가 승인되지 않았습니다.", payment_timeout: "제한 시간 안에 결제되지 않았습니다.", payment_not_found: "결제 내역이 없습니다.",
      payment_of_another: "다른 사용자의 결제입니다.", payment_not_prepared: "여기에서 시작하지 않은 결제입니다.",
      late_payment: "주문이 실패한 뒤에 결제되었습니다.", order_cancelled: "판매자가 취소하였습니다.", cancelled_at_provider: "결제 대행사에서 취소되었습니다.",
      reservation_cancelled: "예매를 취소하셨습니다.", schedule_cancelled: "공연이 취소되었습니다.", seats_reclaimed: "판매자가 좌석을 회수하였습니다.",
      hold_not_found: "선점 내역이 없습니다.", hold_expired: "선점 시간이 끝났습니다.", hold_in_order: "결제를 확인하고 있는 좌석입니다.", not_owner: "본인의 좌석이나 쿠폰이 아닙니다.",
      payment_not_required: "결제가 필요 없는 좌석입니다.", coupon_not_found: "쿠폰이 없습니다.", coupon_not_applicable: "이 주문에 사용할 수 없는 쿠폰입니다.",
      coupon_in_order: "다른 주문에 사용 중인 쿠폰입니다.", already_used: "이미 사용된 쿠폰입니다.", revoked: "회수된 쿠폰입니다.", cancel_closed: "취소할 수 있는 기간이 지났습니다.",
    },
  },
  en: {
    skip: "Skip to the seats", lead: "First-come coupons, seats and orders, for the moment a sale opens", user: "User",
    switch: "Switch", other: "한국어",
    couponTitle: "First-come coupon", issue: "Get a coupon", holdTitle: "My seats",
    chooseFirst: "Choose your seats.", hold: "Hold",
    mapTitle: "Seats", stage: "Stage", logTitle: "Events received", clear: "Clear",
    available: "Available", chosenSeat: "Chosen", mine: "Held by me", held: "Held by others",
    bought: "Reserved by me", reserved: "Reserved",
    requesting: "Requesting", live: "Live", connecting: "Reconnecting", reserve: "Reserve", release: "Release",
    of: (/** @type {number} */ n) => `left of ${n.toLocaleString()}`,
    noPromotion: "No promotion is running. (onsale serve --demo)", noSchedule: "No schedule is on sale. (onsale serve --demo)",
    accepted: "Accepted. Waiting for the outcome…",
    issued: (/** @type {number} */ n) => `You have coupon number ${n.toLocaleString()}.`,
    chosen: (/** @type {number} */ n, /** @type {string} */ won) => `${n} chosen, ${won}`,
    counts: (/** @type {number} */ free, /** @type {number} */ all) =>
      `${free.toLocaleString()} of ${all.toLocaleString()} available`,
    left: (/** @type {string} */ t) => `${t} left`, holdExpired: "The hold has expired.",
    heldByMe: "Held for you.", reservedByMe: "Reserved.", holdReleased: "Released.",
    row: "row", seatNumber: "seat", won: (/** @type {number} */ n) => `₩${n.toLocaleString()}`,
    unreachable: "The server cannot be reached. Please try again; it will count only once.",
    shopTitle: "Order a product", count: "Units", ordersTitle: "My orders",
    noProduct: "No product is on sale. (onsale serve --demo)",
    unitsOf: (/** @type {number} */ n) => `left of ${n.toLocaleString()}`, pay: (/** @type {string} */ won) => `Pay ${won}`,
    openingWindow: "Going to the payment window…", noWindow: "There is no payment window here. (onsale serve --demo)",
    notPaid: "You returned without paying.",
    notStartedHere: (/** @type {string} */ id) =>
      `This payment was not started in this browser, so no order was placed. (Payment: ${id})`,
    ordering: "Placing the order…", verifying: "Verifying the payment…", makeTransfer: "Make the transfer",
    units: (/** @type {number} */ n, /** @type {string} */ won) => `${n.toLocaleString()} for ${won}`,
    concertLink: "Paid seats: a summer night concert", skipToSeats: "Skip to choosing seats", legend: "Seat markings",
    bestTitle: "Choose seats", howMany: "People", section: "Section", anySection: "Any section", price: "Price", seatsLeft: "Seats left",
    sectionsTitle: "Sections and prices", orChoose: "Or choose them on the map yourself.", searching: "Looking for seats…",
    best: (/** @type {number} */ n) => (n === 1 ? "Hold the best seat" : `Hold the best ${n} together`), seatCount: (/** @type {number} */ n) => String(n),
    limit: (/** @type {number} */ n) => `At most ${n} seats per person.`,
    howPaid: "Hold your seats, and pay in time to make them yours.", howFree: "Hold your seats, and reserve them in time.", saleClosed: "The sale has ended.",
    calledOff: (/** @type {string} */ why) => (why ? `The performance was called off: ${why}` : "The performance was called off."),
    freeOf: (/** @type {number} */ free, /** @type {number} */ all) => `${free.toLocaleString()} of ${all.toLocaleString()}`,
    taken: (/** @type {string} */ seat) => `Seat ${seat} was taken by another buyer just now. Please choose a different one.`,
    extend: "More time", swap: (/** @type {number} */ n) => (n ? `Change to the ${n} chosen` : "Change seats"), holdExtended: "The hold has been extended.",
    payWithin: (/** @type {string} */ t) => `Pay within ${t}`, payBefore: (/** @type {string} */ t) => `Make the transfer within ${t}`,
    ordered: "The payment is being verified. Until there is a result the seats stay yours, and cannot be changed or released.",
    orderedUnpaid: "The transfer has not arrived yet. Until it has, the seats cannot be changed or released.",
    tryAnother: "The last payment did not go through. The seats are still held for you: you can try again with another payment.",
    windowLeft: "There is a payment window that you have not returned from. If you have paid, the ticket will appear here shortly.",
    useCoupon: "Coupon", noCoupon: "None", discountTitle: "Discount coupon",
    couponOption: (/** @type {string} */ won, /** @type {string} */ id) => `${won} off (${id})`,
    listAmount: "Full price", discount: "Discount", amount: "To pay", getFree: "Get the tickets for free",
    priceChanged: (/** @type {string} */ won) => `The amount is now ${won}. Please check it, and press again.`,
    orderedFree: "Reserved. There is nothing to pay.",
    refusedAfterPayment: (/** @type {string} */ why) => `No order was placed. ${why} Whatever was paid will be refunded.`,
    ticketsTitle: "My tickets", reservation: "Reservation", paidAmount: (/** @type {string} */ won) => `${won} paid`,
    lateNote: "It was paid after the hold had ended; the seats were still free, so they are yours.",
    refundsTitle: "Cancellation and refunds", refundNone: "Paid tickets cannot be cancelled.",
    refundRule: (/** @type {string} */ until, /** @type {number} */ percent) => `Until ${until}: ${percent}% back`,
    cancelTicket: "Cancel the tickets", keepTicket: "Keep them", cancelling: "Cancelling…", cancelledTicket: "Cancelled",
    cancelQuestion: (/** @type {string} */ names) => `Cancel ${names}?`,
    refundPreview: (/** @type {string} */ back, /** @type {string} */ paid, /** @type {number} */ percent) =>
      `You get ${back} back if you cancel now. (${percent}% of the ${paid} that you paid)`,
    couponReturned: "Your coupon can be used again.", couponKept: "Your coupon counts as used.",
    refunding: (/** @type {string} */ won) => `${won} is being refunded`,
    cancelledWith: (/** @type {string} */ won) => `Cancelled. You get ${won} back.`,
    refundedAmount: (/** @type {number} */ n) => (n ? `₩${n.toLocaleString()} refunded` : "no refund"), endedUnrefunded: "Cancelled · no refund",
    statuses: {
      VERIFYING: "Verifying", PENDING_PAYMENT: "Awaiting transfer", PAID: "Paid", REFUNDING: "Refunding",
      FAILED: "Failed", REFUNDED: "Refunded",
    },
    reasons: {
      sold_out: "Sold out.", product_closed: "The sale has ended.",
      amount_mismatch: "The amount paid differs from the price.", user_limit_exceeded: "It was more than a person may buy.",
      currency_mismatch: "The payment is in another currency.", test_payment: "It was a test payment.",
      payment_cancelled: "The payment was cancelled.",
      payment_failed: "The payment did not go through.", payment_timeout: "It was not paid in time.",
      payment_not_found: "The payment was not found.",
      payment_of_another: "The payment belongs to another user.", payment_not_prepared: "The payment was not started here.",
      late_payment: "It was paid after the order had failed.", order_cancelled: "The seller cancelled it.",
      cancelled_at_provider: "It was cancelled at the payment provider.",
      reservation_cancelled: "You cancelled the tickets.", schedule_cancelled: "The performance was called off.",
      seats_reclaimed: "The seller took the seats back.", hold_not_found: "There is no such hold.",
      hold_expired: "The hold had ended.", hold_in_order: "The seats are in an order that is being verified.",
      not_owner: "The seats or the coupon belong to another user.", payment_not_required: "These seats need no payment.",
      coupon_not_found: "There is no such coupon.", coupon_not_applicable: "The coupon does not apply to this order.",
      coupon_in_order: "The coupon is in another order.", already_used: "The coupon has been used.", revoked: "The coupon was revoked.",
      cancel_closed: "It is too late to cancel.",
    },
  },
};

/** @typedef {typeof TEXT.ko} Text */

/** @type {"ko" | "en"} */
export let language = localStorage.getItem("onsale.language") === "en" ? "en" : "ko";

/** @returns {Text} in the present language */
export const text = () => TEXT[language];

export function switchLanguage() {
  language = language === "ko" ? "en" : "ko";
  localStorage.setItem("onsale.language", language);
}

/**
 * A rejection for people; the server's texts are English.
 * @param {any} body a problem, or the data of an event
 */
export function reason({ message, code, detail, title }) {
  return message ?? (language === "ko" ? REASONS[code] : undefined) ?? detail ?? title ?? code ?? "";
}

/** @type {Record<string, string>} */
const REASONS = {
  ...TEXT.ko.reasons,
  already_issued: "이미 받은 쿠폰입니다.", user_limit_exceeded: "받을 수 있는 수량을 모두 받았습니다.",
  not_open: "아직 시작되지 않았습니다.", closed: "종료되었습니다.", promotion_not_found: "프로모션이 없습니다.", schedule_not_found: "회차가 없습니다.",
  seat_unavailable: "다른 사람이 먼저 선택한 좌석입니다.", seat_limit_exceeded: "한 사람이 잡을 수 있는 좌석 수를 넘었습니다.",
  no_adjacent_seats: "나란히 앉을 수 있는 좌석이 없습니다. 인원을 줄이거나 다른 구역을 골라 주세요.", orphan_seat: "한 좌석만 남게 되는 선택입니다. 다른 좌석을 골라 주세요.",
  too_many_seats: "한 번에 잡을 수 있는 좌석 수를 넘었습니다.", seat_not_found: "없는 좌석이나 구역입니다.", extend_limit_exceeded: "선점 시간을 더 연장할 수 없습니다.",
  payment_required: "결제가 필요한 좌석입니다.", reservation_not_found: "예매 내역이 없습니다.", already_cancelled: "이미 취소된 예매입니다.",
  paused: "잠시 중지되었습니다. 잠시 후 다시 시도해 주세요.", rate_limited: "요청이 너무 많습니다. 잠시 후 다시 시도해 주세요.", backlog_full: "요청이 몰리고 있습니다. 잠시 후 다시 시도해 주세요.",
  product_not_found: "상품이 없습니다.", invalid_count: "주문할 수 없는 수량입니다.", payment_already_used: "이미 사용된 결제입니다.",
  too_many_open_orders: "결과를 기다리는 주문이 있습니다. 결과가 나오면 이어서 주문합니다.",
  payments_not_configured: "결제가 설정되지 않았습니다. (onsale serve --demo)",
  log_full: "지금은 요청을 받을 수 없습니다.", halted: "점검 중입니다.", outcome_unknown: "결과를 아직 알 수 없습니다. 잠시 후 다시 확인해 주세요.",
};
