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
  hold_not_found: "선점 내역이 없습니다.", hold_expired: "선점 시간이 끝났습니다.", backlog_full: "요청이 몰리고 있습니다. 잠시 후 다시 시도해 주세요.",
  product_not_found: "상품이 없습니다.", invalid_count: "주문할 수 없는 수량입니다.", payment_already_used: "이미 사용된 결제입니다.",
  too_many_open_orders: "결과를 기다리는 주문이 있습니다. 결과가 나오면 이어서 주문합니다.",
  payments_not_configured: "결제가 설정되지 않았습니다. (onsale serve --demo)",
  log_full: "지금은 요청을 받을 수 없습니다.", halted: "점검 중입니다.", outcome_unknown: "결과를 아직 알 수 없습니다. 잠시 후 다시 확인해 주세요.",
};
