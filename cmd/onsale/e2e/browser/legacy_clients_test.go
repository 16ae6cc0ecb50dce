// Clients that were written for older systems, unchanged.

package browser

import (
	"fmt"
	"testing"

	"onsale/cmd/onsale/e2e/harness"
)

const legacySeats = `
// EventSource 객체 생성 - 연결 시작
const eventSource = new EventSource('/api/schedules/demo/seats/events');

// 메시지 수신 핸들러
eventSource.onmessage = (event) => {
    const data = JSON.parse(event.data);

    // 하트비트는 무시
    if (data.isHeartbeat) {
        console.log('Heartbeat received');
        return;
    }

    // 좌석 상태 업데이트
    updateSeatUI(data.scheduleSeatId, data.status);
};

// 연결 성공
eventSource.onopen = () => {
    console.log('SSE connection established');
};

// 에러 처리
eventSource.onerror = (error) => {
    console.error('SSE error:', error);

    // 브라우저가 자동으로 재연결 시도함
    // 필요시 수동으로 연결 종료
    if (eventSource.readyState === EventSource.CLOSED) {
        console.log('Connection closed');
    }
};

// 페이지 이탈 시 연결 종료
window.addEventListener('beforeunload', () => {
    eventSource.close();
});
`

const legacySeatUI = `
function updateSeatUI(seatId, status) {
    const seatElement = document.querySelector(` + "`[data-seat-id=\"${seatId}\"]`" + `);
    if (!seatElement) return;

    // 기존 상태 클래스 제거
    seatElement.classList.remove('available', 'held', 'reserved');

    switch (status) {
        case 'AVAILABLE':
            seatElement.classList.add('available');
            seatElement.disabled = false;
            break;
        case 'HELD':
            seatElement.classList.add('held');
            seatElement.disabled = true;  // 다른 사람이 선택 중
            break;
        case 'RESERVED':
            seatElement.classList.add('reserved');
            seatElement.disabled = true;  // 예매 완료
            break;
    }
}
`

// legacyPage is a page for them: seats as a GET shows them, and a record of calls.
const legacyPage = `
window.received = [];
window.log = [];
console.log = (text) => log.push(text);
document.body.innerHTML = [1, 2, 3, 4].map((id) => '<button data-seat-id="' + id + '"></button>').join('');
{
    const update = updateSeatUI;
    window.updateSeatUI = (id, status) => { received.push(id + ' ' + status); update(id, status); };
    fetch('/api/schedules/demo/seats').then((res) => res.json())
        .then((data) => data.slice(0, 4).forEach((seat) => update(seat.id, seat.status)));
}
`

const legacyOutcome = `
const eventSource = await new EventSource(` + "`http://${window.location.hostname}:${window.location.port}/subscribe/1`" + `);

eventSource.addEventListener("connect", event => {
    connected(event.data);
})

eventSource.addEventListener("issue-complete", event => {
    alert(event.data);
    eventSource.close();
})

eventSource.addEventListener("issue-failed", event => {
    alert(event.data);
    eventSource.close();
})
`

func TestLegacyPages_Work(t *testing.T) {
	t.Parallel()
	node := harness.NewNode(t, "--demo", "--streams-heartbeat", "1s")
	node.StartDemo()
	g := newFlakyProxy(t, node.URL())
	window := newProfile(t)

	seats := window.tab()
	openPage := func() {
		seats.open(g.URL + "/healthz")
		seats.run(legacySeatUI)
		seats.run(legacyPage)
		seats.run(legacySeats)
		seats.waitFor(`log.includes('SSE connection established')`)
	}
	openPage()
	hold := harness.MustCommand(t, node.URL(), "kim", "/api/schedules/demo/seats/hold", `{"scheduleSeatIds":[2,1]}`)
	seats.waitFor(`document.querySelectorAll('.held').length === 2`)
	harness.MustCommand(t, node.URL(), "kim", "/api/schedules/demo/seats/reserve", fmt.Sprintf(`{"holdId":%q}`, hold.Result.HoldID))
	seats.waitFor(`document.querySelectorAll('.reserved').length === 2 && document.querySelectorAll('[disabled]').length === 2`)
	seats.waitFor(`log.includes('Heartbeat received')`)
	seats.want(`received.join()`, "2 HELD,1 HELD,2 RESERVED,1 RESERVED")

	seats.open("about:blank") // navigating away closes the stream
	g.waitFor("no stream is open", func() bool { return g.open == 0 })
	harness.MustCommand(t, node.URL(), "lee", "/api/schedules/demo/seats/hold", `{"scheduleSeatIds":[3]}`)
	openPage()
	harness.MustCommand(t, node.URL(), "lee", "/api/schedules/demo/seats/hold", `{"scheduleSeatIds":[4]}`)
	seats.waitFor(`['reserved', 'reserved', 'held', 'held'].every((name, i) => document.querySelectorAll('button')[i].className === name)`)

	outcome := window.tab()
	outcome.open(g.URL + "/healthz")
	outcome.run(`window.alerts = []; window.alert = (text) => alerts.push(text); window.connected = (data) => { window.connectData = JSON.parse(data); }`)
	outcome.run(`(async () => {` + legacyOutcome + `window.stream = eventSource; })()`)
	outcome.waitFor(`window.connectData`)
	outcome.want(`connectData.status + ' ' + connectData.message`, "fresh SSE connected. userId=1")
	harness.MustCommand(t, node.URL(), "1", "/api/v1/promotions/demo/coupons", "")
	outcome.waitFor(`alerts.length === 1`)
	outcome.want(`JSON.parse(alerts[0]).message`, "쿠폰 발급이 완료되었습니다. (프로모션 ID: demo)")
	outcome.waitFor(`stream.readyState === EventSource.CLOSED`)
}
