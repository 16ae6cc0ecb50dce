package seats

import "testing"

func TestHoldSequence_ParsesHoldID(t *testing.T) {
	for _, sequence := range []uint64{1, 1000, 1<<64 - 1} {
		if got := HoldSequence(HoldID(sequence)); got != sequence {
			t.Errorf("got %d, want %d", got, sequence)
		}
	}
	for _, id := range []string{"", "h", "1", "H1", "h01", "h+1", "h-1", "h 1", "h1 ", "h0x1", "h1_0", "h18446744073709551616"} {
		if got := HoldSequence(id); got != 0 {
			t.Errorf("%q: got %d, want no hold", id, got)
		}
	}
}

func TestReservationSequence_ParsesIDs(t *testing.T) {
	for id, want := range map[string]uint64{"hall-r7": 7, "hall-r07": 0, "hall-r": 0, "hall7": 0, "bar-r7": 0, "hall-ws7": 0, "": 0} {
		if got := ReservationSequence("hall", id); got != want {
			t.Errorf("%q: got %d, want %d", id, got, want)
		}
	}
	if id := WaitingID("hall", 7); id != "hall-ws7" || WaitingSequence("hall", id) != 7 || WaitingSequence("bar", id) != 0 {
		t.Errorf("got %s", id)
	}
}
