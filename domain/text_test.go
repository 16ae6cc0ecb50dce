package domain

import (
	"strings"
	"testing"
)

func TestText_RefusesControls(t *testing.T) {
	for _, r := range "\x00\x07\x1b\x7f\u0080\u009b\u2028\u2029\u202a\u202e\u2066\u2069" {
		text := "a" + string(r) + "b"
		if err := CheckName("name", text, 200); err == nil || !strings.HasPrefix(err.Error(), "name: has the control character U+") {
			t.Errorf("%q: got %v", text, err)
		}
		if err := CheckReason(text, 200); err == nil {
			t.Errorf("%q: got no error", text)
		}
	}
	for _, text := range []string{"쿠폰 ☕️", "👩\u200d💻", "\u200fשלום", "a\u00a0b", "\ufffd", "`<=>`"} {
		if err := CheckName("name", text, 200); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	const lines = "one\r\n\ttwo"
	if CheckName("name", lines, 200) == nil || CheckText("message", lines, 200) != nil {
		t.Error("lines are for texts, not for names")
	}
	if CheckName("name", "", 3) == nil || CheckName("name", " \u3000", 9) == nil || CheckName("name", "가a", 3) == nil || CheckText("text", "가a", 3) == nil || CheckText("text", "", 3) != nil {
		t.Error("bounds are in bytes")
	}
}
